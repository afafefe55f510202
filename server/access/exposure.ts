/** To whom an Executive that has no token to ask for may answer: decided before it listens. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { isLoopbackBind } from "../../core/process/listen.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Operators } from "../../ctldb/access/contract.ts";
import type { OpenTo } from "../context.ts";

export interface Exposure {
  readonly bind: string;
  readonly adminToken?: string | undefined;
  /** Accepts that everybody who can connect may do everything. */
  readonly insecure?: boolean | undefined;
}

/**
 * @throws CtlstoreError `config_invalid` when other hosts can connect, nobody has a token, and that was not wanted;
 *   `ctldb_unavailable`
 */
export async function decideOpenTo(
  { operators, logger }: { readonly operators: Operators; readonly logger: Logger },
  { bind, adminToken, insecure = false }: Exposure,
): Promise<OpenTo> {
  if (adminToken !== undefined) {
    assertAdminToken(adminToken);
    return "nobody";
  }
  const openTo = insecure ? "everybody" : isLoopbackBind(bind) ? "this-host" : "nobody";
  if (await operators.everAny()) return "nobody";
  if (openTo === "nobody") {
    throw new CtlstoreError(
      "config_invalid",
      `Cannot listen on ${quote(bind)}: other hosts can connect to it, and there is neither an admin token nor an operator`,
      {
        hint: "give --admin-token or CTLSTORE_ADMIN_TOKEN, or listen on 127.0.0.1 to create an operator first; --insecure opens it to everybody",
      },
    );
  }
  logger.warn(
    { openTo },
    "open: everybody who can connect may do everything, as long as there is neither an admin token nor an operator",
  );
  return openTo;
}

/** It must survive a header. */
function assertAdminToken(token: string): void {
  if (/^[\u0021-\u007e]+$/.test(token)) return;
  throw new CtlstoreError(
    "config_invalid",
    "Cannot use this admin token: it needs to be printable ASCII without spaces",
    { hint: "--admin-token or CTLSTORE_ADMIN_TOKEN" },
  );
}
