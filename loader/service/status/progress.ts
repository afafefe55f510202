/** Lines for people: how fast the loader goes while it is behind, and when it will be there. */
import { LOADER_LIMITS } from "../../../core/limits.ts";
import type { Clock } from "../../../core/process/clock.ts";
import type { Logger } from "../../../core/process/logger.ts";
import type { LoaderStatus } from "./status.ts";

export class Progress {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #sinceMs: number;
  #records = 0;
  #lagEvents: number | null = null;
  #wasBehind = false;

  constructor({ logger, clock }: { readonly logger: Logger; readonly clock: Clock }) {
    this.#logger = logger;
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  /** Call often; it is cheap when no line is due. */
  look(status: () => LoaderStatus): void {
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < LOADER_LIMITS.progressIntervalMs) return;
    this.#sinceMs = nowMs;
    const { state, lagEvents, lagSeconds, totals } = status();
    const done = totals.records - this.#records;
    const closed = this.#lagEvents === null || lagEvents === null ? done : this.#lagEvents - lagEvents;
    const eventsPerSecond = Math.round((done * 1000) / elapsedMs);
    this.#records = totals.records;
    this.#lagEvents = lagEvents;
    if (state === "loading" && lagEvents !== null && lagEvents > 0) {
      this.#wasBehind = true;
      this.#logger.info(
        {
          events: totals.records,
          eventsPerSecond,
          lagEvents,
          lagSeconds: lagSeconds === null ? null : Math.round(lagSeconds),
          // By what the lag has become less, since new events come meanwhile.
          secondsLeft: closed > 0 ? Math.round((lagEvents * elapsedMs) / closed / 1000) : null,
        },
        "loader is behind",
      );
    } else if (this.#wasBehind && state === "current") {
      this.#wasBehind = false;
      this.#logger.info({ events: totals.records }, "loader has caught up");
    }
  }
}
