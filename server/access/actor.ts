/**
 * Who makes a request of the routes for operators.
 *
 * The front door judges each request before the router sees it, and notes here who it is. A route that changes something
 * hands that on, so that the audit trail names whoever did it:
 *
 *     .post("/families/:family", ({ params, request }) => createFamily(context, params.family, request))
 *     await ctldb.createFamily(family, actorOf(request));
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

/** A request is forgotten with its last reference; nothing is put on the request itself, where a client could. */
const callers = new WeakMap<Request, Caller>();

export function noteCaller(request: Request, caller: Caller): void {
  callers.set(request, caller);
}

/** @throws CtlstoreError `internal` */
export function callerOf(request: Request): Caller {
  const caller = callers.get(request);
  if (caller !== undefined) return caller;
  throw new CtlstoreError(
    "internal",
    "Cannot tell who makes this request: its route is not one for operators",
  );
}

/** What each call of the ctldb that changes something takes. @throws CtlstoreError `internal` */
export function actorOf(request: Request): Required<ChangeOptions> {
  return { actor: callerOf(request).name };
}
