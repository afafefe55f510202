/**
 * The end of a traced write's way: a span for each traced ledger transaction, once it is in the LDB of this host.
 *
 * Spans are made after the COMMIT and from what was seen before it, so that nothing is told of what was undone, and a
 * transaction that is applied twice, because the first time was undone, has one span.
 */
import type { LedgerEntry } from "../core/ledger/entry.ts";
import type { Clock } from "../core/process/clock.ts";
import { parseTraceparent } from "../core/process/tracing/traceparent.ts";
import type { Tracer } from "../core/process/tracing/tracer.ts";
import type { Sequence } from "../core/sequence.ts";

export const APPLY_SPAN = "ledger.apply";

/** A traced ledger transaction in the open transaction of the LDB. */
interface Applied {
  readonly startUs: number;
  /** When the Executive wrote it. */
  readonly timestampUs: number;
  sequence: Sequence;
  entries: number;
}

export class ApplyTraces {
  readonly #tracer: Tracer;
  readonly #clock: Pick<Clock, "nowUs">;
  /** By their `traceparent`, which each write has its own of. */
  readonly #applied = new Map<string, Applied>();

  constructor(tracer: Tracer, clock: Pick<Clock, "nowUs">) {
    this.#tracer = tracer;
    this.#clock = clock;
  }

  /** An entry was applied, and is not committed yet. */
  applied({ trace, sequence, timestampUs }: LedgerEntry): void {
    if (trace === null || trace === undefined) return;
    const known = this.#applied.get(trace);
    if (known === undefined) {
      // Anybody may have put it there by hand: no trace begins here.
      if (parseTraceparent(trace) === null) return;
      this.#applied.set(trace, { startUs: this.#clock.nowUs(), timestampUs, sequence, entries: 1 });
      return;
    }
    known.sequence = sequence;
    known.entries += 1;
  }

  /** What was applied is committed. */
  committed(): void {
    if (this.#applied.size === 0) return;
    const nowUs = this.#clock.nowUs();
    for (const [parent, { startUs, timestampUs, sequence, entries }] of this.#applied) {
      const attributes = {
        "ctlstore.sequence": sequence,
        "ctlstore.entries": entries,
        "ctlstore.lag_seconds": Math.max(0, nowUs - timestampUs) / 1_000_000,
      };
      this.#tracer.start(APPLY_SPAN, { kind: "consumer", parent, startUs, attributes }).end(nowUs);
    }
    this.#applied.clear();
  }

  /** What was applied is undone. */
  undone(): void {
    this.#applied.clear();
  }
}
