/** `fetch` over real HTTP that loses, refuses or holds up what a test tells it to; and that can die like a process. */
import type { FetchLike } from "../../../client/index.ts";

export type HttpFault =
  | "none"
  | "lose-request"
  /** Carried out; the answer never arrives. */
  | "lose-answer"
  | "busy"
  /** Carried out, and answered with the Executive's own "unknown". */
  | "unknown"
  | "proxy-error"
  | { readonly status: number; readonly code: string; readonly headers?: Record<string, string> };

export class FaultyHttp {
  /** Of the next batches, in order. */
  readonly faults: HttpFault[] = [];
  /** Asked for each batch when `faults` is empty. */
  chance: () => HttpFault = () => "none";
  /** Bodies of all batches that were sent. */
  readonly batches: { readonly mutations: readonly { readonly values: Record<string, unknown> }[] }[] = [];
  #isDead = false;

  /** Nothing that was sent is answered any more, and nothing more is sent; what is on its way may still arrive. */
  die(): void {
    this.#isDead = true;
  }

  readonly fetch: FetchLike = async (input, init) => {
    this.#assertAlive();
    const isBatch = input.includes("/mutations");
    if (isBatch) this.batches.push(JSON.parse(String(init?.body)));
    const fault = isBatch ? (this.faults.shift() ?? this.chance()) : "none";
    if (fault === "lose-request") throw new TypeError("connection refused");
    if (fault === "busy") return refusal(503, "ctldb_unavailable");
    if (fault === "proxy-error") return new Response("<h1>Bad Gateway</h1>", { status: 403 });
    if (typeof fault === "object") return refusal(fault.status, fault.code, fault.headers);
    const answer = await globalThis.fetch(input, init);
    this.#assertAlive();
    if (fault === "lose-answer") throw new TypeError("connection reset");
    if (fault === "unknown") return refusal(504, "commit_outcome_unknown");
    return answer;
  };

  #assertAlive(): void {
    if (this.#isDead) throw new TypeError("the process is dead");
  }
}

function refusal(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { code, message: `Cannot: ${code}` } }, { status, headers });
}
