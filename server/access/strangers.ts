/**
 * Keeps web pages, and whoever comes through a proxy, away from an Executive that is open.
 *
 * A browser sends `Origin` or `Sec-Fetch-Site` with whatever a page asks of another host. It sends neither where a page's
 * own host name was made to point here (DNS rebinding); but then it names that host. A proxy beside the Executive reaches
 * it over loopback, for other hosts; most say so.
 */
import { isIP } from "node:net";
import { CtlstoreError } from "../../core/errors.ts";
import type { OpenTo } from "../context.ts";

const HEADERS_OF_BROWSERS = ["origin", "sec-fetch-site"] as const;
const HEADERS_OF_PROXIES = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "via",
] as const;

/** @throws CtlstoreError `not_granted` */
export function assertNoStranger(headers: Headers, openTo: OpenTo): void {
  const browser = HEADERS_OF_BROWSERS.find((name) => headers.has(name));
  if (browser !== undefined) throw refusal(`a browser sent it (header ${browser})`);
  if (openTo !== "this-host") return;
  const proxy = HEADERS_OF_PROXIES.find((name) => headers.has(name));
  if (proxy !== undefined) throw refusal(`it came through a proxy (header ${proxy})`);
  const host = headers.get("host");
  if (host !== null && !isNameOfThisHost(host)) throw refusal("it names another host than this one");
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
