/** Grants: the families that a writer may write (D22). */
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { FamilyName } from "../../core/names.ts";
import type { WriterAccess } from "./secrets.ts";

export interface GrantOptions {
  /** True: a writer to which no families were ever granted may write none, in place of all. */
  readonly requireGrants: boolean;
}

/**
 * @param family null of a request that only moves the cookie, which any writer may
 * @throws CtlstoreError `not_granted`
 */
export function assertGranted(
  { name, grants }: Pick<WriterAccess, "name" | "grants">,
  family: FamilyName | null,
  { requireGrants }: GrantOptions,
): void {
  if (family === null) return;
  if (grants === null ? !requireGrants : grants.has(family)) return;
  const state = grants === null ? "no families were granted to it" : "other families were granted to it";
  throw new CtlstoreError(
    "not_granted",
    `Cannot write to family ${quote(family)} as writer ${quote(name)}: ${state}`,
    { hint: "an admin grants families with PUT /writers/{name}/grants" },
  );
}
