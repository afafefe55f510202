/**
 * Who makes a request of the routes for operators.
 *
 * The front door judges each request before the router sees it, and notes here who it is. A route that changes something
 * hands that on, so that the audit trail names whoever did it:
 *
 *     .post("/families/:family", ({ params, request }) => createFamily(context, params.family, request))
 *     await ctldb.createFamily(family, await actorOf(request));
 *
 * The actor is judged once more when it is asked for, which is when the body is there: that may take minutes, and its
 * token may have been revoked meanwhile; and again when the change's turn has come (D22).
 *
 * It must be the very `request` of the handler's context. A request that passed no check has no actor: asking for one is
 * a defect of ours, and ends in `internal` before anything is changed.
 */
import { CtlstoreError } from "../../core/errors.ts";
import type { Role } from "../../core/roles.ts";
import type { ChangeOptions } from "../../ctldb/access/contract.ts";

/** An operator, or what stands for one: `admin-token`, `anonymous`. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
}

/** Whoever sent the admin token that the Executive was started with. */
export const ADMIN_TOKEN_CALLER: Caller = { name: "admin-token", role: "admin" };
/** Anybody, as long as there is neither an admin token nor an operator. */
export const ANONYMOUS_CALLER: Caller = { name: "anonymous", role: "admin" };

interface Admitted {
  readonly caller: Caller;
  readonly judgeAgain: () => Promise<Caller>;
}

/** A request is forgotten with its last reference; nothing is put on the request itself, where a client could. */
const admitted = new WeakMap<Request, Admitted>();

/** @param judgeAgain what the door did: who the caller is by now, or why it may not any more */
export function noteCaller(request: Request, caller: Caller, judgeAgain: () => Promise<Caller>): void {
  admitted.set(request, { caller, judgeAgain });
}

/** Whom the door let in. @throws CtlstoreError `internal` */
export function callerOf(request: Request): Caller {
  return admittedOf(request).caller;
}

/**
 * What each call of the ctldb that changes something takes.
 * @throws CtlstoreError `bad_credentials` of who was let in and has been revoked since, `ctldb_unavailable`, `internal`
 */
export async function actorOf(request: Request): Promise<Required<ChangeOptions>> {
  const { judgeAgain: judge } = admittedOf(request);
  return { actor: (await judge()).name, judge };
}

function admittedOf(request: Request): Admitted {
  const found = admitted.get(request);
  if (found !== undefined) return found;
  throw new CtlstoreError(
    "internal",
    "Cannot tell who makes this request: its route is not one for operators",
  );
}
