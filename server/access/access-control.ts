/**
 * Who may use the routes for operators.
 *
 * A token is the admin token of this Executive, or an operator's of the ctldb; neither is compared in a way that tells
 * anything by its time, and no wrong one costs a query: operators are looked up in memory.
 *
 * Where there is neither an admin token nor an operator, the Executive may be open: then everybody is `anonymous` and may
 * do everything, but no web page may (a browser would reach a loopback address from any page that its user looks at). It
 * is never open again once there was an operator: revoking the last one opens nothing.
 */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { type Permission, ROLES, roleAllows } from "../../core/roles.ts";
import type { Operators } from "../../ctldb/access/contract.ts";
import type { OpenTo } from "../context.ts";
import { bearerToken, createTokenCheck } from "../credentials.ts";
import { ADMIN_TOKEN_CALLER, ANONYMOUS_CALLER, type Caller } from "./actor.ts";
import { assertNoStranger } from "./strangers.ts";

export interface AccessOptions {
  readonly adminToken?: string | undefined;
  readonly openTo: OpenTo;
}

export class AccessControl {
  readonly #operators: Operators;
  readonly #isAdminToken: ((token: string) => boolean) | null;
  readonly #openTo: OpenTo;
  #sawOperator = false;

  constructor(operators: Operators, { adminToken, openTo }: AccessOptions) {
    this.#operators = operators;
    this.#isAdminToken = adminToken === undefined ? null : createTokenCheck(adminToken);
    this.#openTo = openTo;
  }

  /**
   * Who makes this request, if it may do what needs `permission`.
   * @throws CtlstoreError `bad_credentials`, `not_granted`, `ctldb_unavailable`
   */
  async admit(request: Request, permission: Permission): Promise<Caller> {
    const caller = await this.#identify(request);
    if (roleAllows(caller.role, permission)) return caller;
    const roles = ROLES.filter((role) => roleAllows(role, permission)).join(" or ");
    throw new CtlstoreError(
      "not_granted",
      `Cannot use this route: operator ${quote(caller.name)} has the role ${caller.role}; it needs ${roles}`,
    );
  }

  async #identify(request: Request): Promise<Caller> {
    const token = bearerToken(request.headers.get("authorization"));
    if (token !== null) {
      if (this.#isAdminToken?.(token) === true) return ADMIN_TOKEN_CALLER;
      const operator = await this.#operators.authenticate(token);
      if (operator !== null) return operator;
    }
    if (await this.#isOpen()) {
      assertNoStranger(request.headers, this.#openTo);
      return ANONYMOUS_CALLER;
    }
    throw new CtlstoreError("bad_credentials", "Cannot use this route: it needs an operator's token", {
      hint: "send Authorization: Bearer TOKEN (of ctlstore's commands: --admin-token)",
    });
  }

  async #isOpen(): Promise<boolean> {
    if (this.#isAdminToken !== null || this.#openTo === "nobody" || this.#sawOperator) return false;
    this.#sawOperator = await this.#operators.everAny();
    return !this.#sawOperator;
  }
}
