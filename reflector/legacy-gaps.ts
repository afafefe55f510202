/**
 * Which gaps in the ledger may be there: those of the original, once they can no longer be filled (D8).
 *
 * Above the sequence at which ours took over there is none (I1).
 */
import type { LedgerDescription, LedgerEntry } from "../core/ledger/entry.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Sequence } from "../core/sequence.ts";
import { GapWatch } from "./gap-watch.ts";
import type { GapRules } from "./ledger-cursor.ts";

export class LegacyGaps implements GapRules {
  readonly #clock: Clock;
  readonly #watch: GapWatch;
  #takeover = 0n;
  #upgraded = true;
  #accepted = 0;
  #countedThrough = 0n;

  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#watch = new GapWatch(graceMs);
  }

  /** Gaps passed since the process began. */
  get accepted(): number {
    return this.#accepted;
  }

  describe(description: LedgerDescription): void {
    this.#takeover = description.takeoverSequence;
    this.#upgraded = description.epoch !== null;
    this.observe(description.headSequence);
  }

  /** Call with the highest sequence of every answer of the ledger. */
  observe(head: Sequence): void {
    this.#watch.observe(head, this.#clock.monotonicMs());
  }

  judge(expected: Sequence, entry: LedgerEntry): "old" | "unsettled" | "fault" {
    if (entry.sequence - 1n > this.#takeover) {
      if (this.#upgraded && entry.hash !== null) return "fault";
      if (!this.#watch.isSettled(entry.sequence, this.#clock.monotonicMs())) return "unsettled";
    }
    // A block may be followed twice, after a rollback.
    if (expected > this.#countedThrough) this.#accepted += 1;
    if (expected > this.#countedThrough) this.#countedThrough = expected;
    return "old";
  }
}
