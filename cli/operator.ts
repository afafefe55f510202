/** What the commands share that ask an Executive as an operator. */
import type { Client } from "../client/index.ts";
import { EXECUTIVE_OPTIONS, reachExecutive, sentBy } from "./executive-options.ts";
import type { OptionValues } from "./options.ts";
import { jsonOption, optionalAdminTokenOption } from "./shared-options.ts";

/** An Executive without operators, which only its own host reaches, asks for no token. */
export const OPERATOR_OPTIONS = {
  ...EXECUTIVE_OPTIONS,
  adminToken: optionalAdminTokenOption,
  json: jsonOption,
};

export type OperatorValues = Omit<OptionValues<typeof OPERATOR_OPTIONS>, "json">;

export async function operatorClient({ adminToken, ...values }: OperatorValues): Promise<Client> {
  const { createClient } = await import("../client/index.ts");
  const way = await reachExecutive(values);
  return createClient(way.url, { ...(adminToken === undefined ? {} : { adminToken }), ...sentBy(way) });
}
