/**
 * Which routes know `?dry-run`. On every other it is refused: whoever sends it wants nothing changed, and a route that does
 * not know it would change something.
 */
import { CtlstoreError } from "../core/errors.ts";

/** By method and pattern. */
export const DRY_RUN_ROUTES: ReadonlySet<string> = new Set([
  "POST /families/:family",
  "POST /families/:family/tables/:table",
  "PUT /families/:family/tables/:table",
  "DELETE /families/:family/tables/:table",
  "POST /tables",
  "DELETE /clear-rows/families/:family",
  "DELETE /clear-rows/families/:family/tables/:table",
]);

/** @param pattern as the route was registered. @throws CtlstoreError `malformed_request` */
export function assertKnowsDryRun({ method, url }: Request, pattern: string): void {
  const queryStart = url.indexOf("?");
  if (queryStart < 0 || method === "GET" || DRY_RUN_ROUTES.has(`${method} ${pattern}`)) return;
  if (!new URLSearchParams(url.slice(queryStart + 1)).has("dry-run")) return;
  throw new CtlstoreError(
    "malformed_request",
    "Cannot make a dry run of this route: it knows none; nothing was changed",
    { hint: "only changes of families and tables can be tried" },
  );
}
