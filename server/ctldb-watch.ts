/**
 * Asks the ctldb every few seconds whether it is there, so that an alarm does not depend on somebody writing; the metrics
 * answer from memory, as of the moment at which they are asked for (R46).
 */
import { isCtlstoreError } from "../core/errors.ts";
import { CTLDB_WATCH_LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import type { CtlDb } from "../ctldb/contract.ts";

export const CTLDB_UP = "ctlstore_executive_ctldb_up";
export const CTLDB_ANSWER_AGE_SECONDS = "ctlstore_executive_ctldb_answer_age_seconds";
export const LEDGER_HEAD_SEQUENCE = "ctlstore_executive_ledger_head_sequence";
export const WRITES_WAITING = "ctlstore_executive_writes_waiting";

export interface CtlDbWatchDeps {
  readonly ctldb: Pick<CtlDb, "status" | "waitingWrites">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class CtlDbWatch {
  readonly #deps: CtlDbWatchDeps;
  readonly #stopping = new AbortController();
  /** It was opened a moment ago. */
  #answeredMs: number;
  #askedMs: number | null = null;
  #isAway = false;
  #headSequence = 0n;

  constructor(deps: CtlDbWatchDeps) {
    this.#deps = deps;
    const { metrics, clock, ctldb } = deps;
    this.#answeredMs = clock.monotonicMs();
    metrics.gaugeOf(CTLDB_UP, "1 while the ctldb answers, else 0", () => (this.isUp ? 1 : 0));
    metrics.gaugeOf(
      CTLDB_ANSWER_AGE_SECONDS,
      "Time since the ctldb last answered, or since the start",
      () => (clock.monotonicMs() - this.#answeredMs) / 1_000,
    );
    metrics.gaugeOf(LEDGER_HEAD_SEQUENCE, "The ledger's last entry, as last seen", () =>
      Number(this.#headSequence),
    );
    metrics.gaugeOf(
      WRITES_WAITING,
      "Writes that wait for their turn at the ledger lock",
      () => ctldb.waitingWrites,
    );
  }

  get isUp(): boolean {
    const pendingMs = this.#askedMs === null ? 0 : this.#deps.clock.monotonicMs() - this.#askedMs;
    return !this.#isAway && pendingMs < CTLDB_WATCH_LIMITS.silentMs;
  }

  /** Asks at once, and goes on until `stop`. */
  start(): void {
    const { clock, logger } = this.#deps;
    const { signal } = this.#stopping;
    const run = async () => {
      while (!signal.aborted) {
        await this.look();
        await clock.sleep(CTLDB_WATCH_LIMITS.lookMs, signal).catch(() => {});
      }
    };
    run().catch((error) => {
      // A defect of ours: nobody must go on believing what was seen last.
      this.#isAway = true;
      logger.error({ err: error }, "the ctldb is no longer looked at");
    });
  }

  stop(): void {
    this.#stopping.abort(new Error("the Executive stops"));
  }

  /** Asks once. @throws what is no failure of the ctldb */
  async look(): Promise<void> {
    const { ctldb, clock } = this.#deps;
    this.#askedMs = clock.monotonicMs();
    try {
      const { headSequence } = await ctldb.status();
      this.#headSequence = headSequence;
      this.#answeredMs = clock.monotonicMs();
      this.#isAway = false;
    } catch (error) {
      // Its adapter logs that it is away; what it refuses for another reason keeps it from being of use, too.
      if (!isCtlstoreError(error)) throw error;
      this.#isAway = true;
    } finally {
      this.#askedMs = null;
    }
  }
}
