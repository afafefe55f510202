/** Waiting for what is away: an Executive, a cluster. It comes back, so the loader waits, and says for what. */
import { createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { isPowerOfTwo } from "../../core/process/repeats.ts";
import { isAway, waitMsAfter } from "../away.ts";

export interface PatienceDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** What is being waited for at the moment, for the status. */
export interface Waiting {
  /** What cannot be done. */
  readonly what: string;
  readonly reason: string;
  readonly sinceMs: number;
}

export interface PatienceOptions {
  readonly backoffMs: { readonly base: number; readonly max: number };
  /** Gives up after so long; null never does. */
  readonly limitMs: number | null;
}

export class Patience {
  readonly #deps: PatienceDeps;
  readonly #options: PatienceOptions;
  readonly #waiting = new Map<string, Waiting>();

  constructor(deps: PatienceDeps, options: PatienceOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  get waiting(): readonly Waiting[] {
    return [...this.#waiting.values()];
  }

  /**
   * Tries until it works, as long as what fails passes by itself.
   * @param what cannot be done meanwhile: "read the mapping's tables"
   * @throws what does not pass; what passes when the limit is reached; the signal's reason
   */
  async untilDone<T>(what: string, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const { clock, random, logger } = this.#deps;
    const { backoffMs, limitMs } = this.#options;
    const backoff = createBackoff({ baseMs: backoffMs.base, maxMs: backoffMs.max }, random);
    const startMs = clock.monotonicMs();
    let own: { what: string; reason: string; sinceMs: number } | null = null;
    try {
      for (;;) {
        signal.throwIfAborted();
        try {
          const result = await attempt();
          if (own !== null) logger.info({ what, failures: backoff.attempts }, "it is there again");
          return result;
        } catch (error) {
          if (signal.aborted || !isAway(error)) throw error;
          const waitMs = waitMsAfter(error, backoff);
          if (limitMs !== null && clock.monotonicMs() + waitMs - startMs > limitMs) throw error;
          // Many may wait for the same at once: one of them says so.
          if (own === null && !this.#waiting.has(what))
            own = { what, reason: "", sinceMs: Math.round(clock.nowUs() / 1000) };
          if (own !== null) {
            own.reason = error.message;
            this.#waiting.set(what, own);
            if (isPowerOfTwo(backoff.attempts))
              logger.warn(
                { what, failures: backoff.attempts, err: error },
                "loader waits: something is away",
              );
          }
          await clock.sleep(waitMs, signal);
        }
      }
    } finally {
      if (own !== null) this.#waiting.delete(what);
    }
  }
}
