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
  | Refusal;

export interface SentMutation {
  readonly delete?: boolean;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Of the Executive. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly headers?: Record<string, string>;
  readonly index?: number;
  readonly field?: string;
}

export class FaultyHttp {
  /** Of the next batches, in order. */
  readonly faults: HttpFault[] = [];
  /** Asked for each batch when `faults` is empty. */
  chance: () => HttpFault = () => "none";
  /** Bodies of all batches that were sent. */
  readonly batches: { readonly mutations: readonly SentMutation[] }[] = [];
  /** Refuses batches for what is in them, as an Executive with other rules would. */
  refuse: (mutations: readonly SentMutation[]) => Refusal | null = () => null;
  #isDead = false;

  /** Nothing that was sent is answered any more, and nothing more is sent; what is on its way may still arrive. */
  die(): void {
    this.#isDead = true;
  }

  readonly fetch: FetchLike = async (input, init) => {
    this.#assertAlive();
    const isBatch = input.includes("/mutations");
    const fault = isBatch ? this.#faultOf(String(init?.body)) : "none";
    if (fault === "lose-request") throw new TypeError("connection refused");
    if (fault === "busy") return refusal({ status: 503, code: "ctldb_unavailable" });
    if (fault === "proxy-error") return new Response("<h1>Forbidden</h1>", { status: 403 });
    if (typeof fault === "object") return refusal(fault);
    const answer = await globalThis.fetch(input, init);
    this.#assertAlive();
    if (fault === "lose-answer") throw new TypeError("connection reset");
    if (fault === "unknown") return refusal({ status: 504, code: "commit_outcome_unknown" });
    return answer;
  };

  #faultOf(body: string): HttpFault {
    const batch: { readonly mutations: readonly SentMutation[] } = JSON.parse(body);
    this.batches.push(batch);
    return this.faults.shift() ?? this.refuse(batch.mutations) ?? this.chance();
  }

  #assertAlive(): void {
    if (this.#isDead) throw new TypeError("the process is dead");
  }
}

function refusal({ status, code, headers = {}, ...details }: Refusal): Response {
  return Response.json({ error: { code, message: `Cannot: ${code}`, ...details } }, { status, headers });
}
