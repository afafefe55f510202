/**
 * Keeps web pages away from an Executive that is open.
 *
 * A browser sends `Origin` or `Sec-Fetch-Site` with whatever a page asks of another host. It sends neither where a page's
 * own host name was made to point here (DNS rebinding); but then it names that host.
 */
import { isIP } from "node:net";
import { CtlstoreError } from "../../core/errors.ts";
import type { OpenTo } from "../context.ts";

const HEADERS_OF_BROWSERS = ["origin", "sec-fetch-site"] as const;

/** @throws CtlstoreError `not_granted` */
export function assertNoBrowser(headers: Headers, openTo: OpenTo): void {
  const header = HEADERS_OF_BROWSERS.find((name) => headers.has(name));
  if (header !== undefined) throw refusal(`a browser sent it (header ${header})`);
  const host = headers.get("host");
  if (openTo === "this-host" && host !== null && !isNameOfThisHost(host)) {
    throw refusal("it names another host than this one");
  }
}

/** No page has an address for its name unless it came from there. */
function isNameOfThisHost(host: string): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0;
}

function refusal(reason: string): CtlstoreError {
  return new CtlstoreError(
    "not_granted",
    `Cannot answer this request: ${reason}, and the Executive is open to all programs of its host`,
    { hint: "start the Executive with --admin-token, or create an operator" },
  );
}
