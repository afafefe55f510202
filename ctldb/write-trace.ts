/**
 * What a traced write leaves in its trace: how long it waited for the ledger lock, and the ledger transaction that it was
 * committed in, below which the Reflectors put their part.
 */
import { isCtlstoreError } from "../core/errors.ts";
import type { Span } from "../core/process/tracing/tracer.ts";
import type { Sequence } from "../core/sequence.ts";
import type { WriteRequest } from "./contract.ts";

export const QUEUE_SPAN = "ledger.queue";
export const TRANSACTION_SPAN = "ledger.transaction";

/** Null for a write that nobody traces. */
export function traceOf({ span }: WriteRequest): WriteTrace | null {
  return span?.isSampled === true ? new WriteTrace(span) : null;
}

export class WriteTrace {
  readonly #request: Span;
  readonly #waiting: Span;
  #transaction: Span | null = null;

  /** Begins with the write's place in the queue. */
  constructor(request: Span) {
    this.#request = request;
    this.#waiting = request.child(QUEUE_SPAN);
  }

  /** Stored with the write's ledger entries. */
  get traceparent(): string {
    return (this.#transaction ?? this.#request).traceparent;
  }

  /** The wait is over: the write is in the group that takes the ledger lock now. @param groupWrites writes in it */
  taken(groupWrites: number): void {
    this.#waiting.end();
    this.#transaction = this.#request.child(TRANSACTION_SPAN, {
      attributes: { "ctlstore.group_writes": groupWrites },
    });
  }

  committed(sequence: Sequence): void {
    this.#transaction?.set({ "ctlstore.sequence": sequence });
    this.#transaction?.end();
  }

  failed(error: unknown): void {
    this.#transaction?.fail(isCtlstoreError(error) ? error.code : "internal");
    this.#transaction?.end();
  }
}
