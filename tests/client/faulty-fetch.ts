/** A `fetch` that goes straight into an app, and loses or spoils what a test tells it to. */
import type { FetchLike } from "../../client/index.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { App } from "../../server/app.ts";

export type Fault =
  | "none"
  /** The request never arrives. */
  | "lose-request"
  /** The request is carried out; its answer never arrives. */
  | "lose-answer"
  /** The request is carried out; a proxy answers 502 with a page. */
  | "spoil-answer"
  /** Refused by the Executive: nothing is changed. */
  | "busy"
  /** Refused for a rate, to be tried again after two seconds. */
  | "limited"
  /** Carried out, and answered with the Executive's own "unknown". */
  | "unknown";

export interface FaultyFetch {
  readonly fetch: FetchLike;
  /** Faults of the next requests, in order; "none" after the last. */
  readonly faults: Fault[];
  /** Method and path of each request that was made. */
  readonly requests: string[];
}

export function faultyFetch(app: App): FaultyFetch {
  const faults: Fault[] = [];
  const requests: string[] = [];
  const fetch: FetchLike = async (input, init) => {
    const fault = faults.shift() ?? "none";
    requests.push(`${init?.method} ${new URL(input).pathname}`);
    init?.signal?.throwIfAborted();
    if (fault === "lose-request") throw new TypeError("connection refused");
    if (fault === "busy") return refusal(503, "ctldb_unavailable", {});
    if (fault === "limited") return refusal(429, "rate_limited", { "retry-after": "2" });
    const answer = await app.handle(new Request(input, init));
    if (fault === "lose-answer") throw new TypeError("connection reset");
    if (fault === "spoil-answer") return new Response("<html>Bad Gateway</html>", { status: 502 });
    if (fault === "unknown") return refusal(504, "commit_outcome_unknown", {});
    return answer;
  };
  return { fetch, faults, requests };
}

function refusal(status: number, code: string, headers: Record<string, string>): Response {
  return Response.json({ error: { code, message: `Cannot: ${code}` } }, { status, headers });
}

/** A clock on which sleeping takes no time. */
export function fastClock(): Clock & { readonly sleptMs: number[] } {
  let nowMs = 0;
  const sleptMs: number[] = [];
  return {
    sleptMs,
    nowUs: () => nowMs * 1000,
    monotonicMs: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleptMs.push(ms);
      nowMs += ms;
    },
  };
}
