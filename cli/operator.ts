/** What the commands share that ask an Executive as an operator. */
import type { Client } from "../client/index.ts";
import type { OptionValues } from "./options.ts";
import { executiveOption, jsonOption, optionalAdminTokenOption } from "./shared-options.ts";

/** An Executive without operators, which only its own host reaches, asks for no token. */
export const OPERATOR_OPTIONS = {
  executive: executiveOption,
  adminToken: optionalAdminTokenOption,
  json: jsonOption,
};

export type OperatorValues = Omit<OptionValues<typeof OPERATOR_OPTIONS>, "json">;

export async function operatorClient({ executive, adminToken }: OperatorValues): Promise<Client> {
  const { createClient } = await import("../client/index.ts");
  return createClient(executive, adminToken === undefined ? {} : { adminToken });
}
