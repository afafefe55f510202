/**
 * Waiting for what is away: it comes back, so a lane tries again for as long as it takes, and its status says for what.
 *
 * Every wait of a lane is here, but for those on its own loops.
 */
import { type CtlstoreError, type ErrorCode, isCtlstoreError } from "../../core/errors.ts";
import { LANE_LIMITS } from "../../core/limits.ts";
import { createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { isPowerOfTwo } from "../../core/process/repeats.ts";
import { waitMsAfter } from "../away.ts";
import type { RetryReason } from "./lane-meter.ts";

const PASSING: Readonly<Partial<Record<ErrorCode, RetryReason>>> = {
  ctldb_unavailable: "unavailable",
  overloaded: "unavailable",
  // A slow network: the Executive had only a part of the request.
  request_timeout: "unavailable",
  kafka_unavailable: "unavailable",
  // A proxy's answer, or a defect of the Executive's: neither says anything about the events.
  internal: "unavailable",
  rate_limited: "rate-limited",
  commit_outcome_unknown: "unknown-outcome",
  // Deletes or a raised limit make room (R35).
  table_full: "table-full",
  // The same of a schema: its bounds are an operator's, and no event is to blame.
  schema_too_large: "table-full",
};

/** Why trying again later may help; null when it will not. */
export function retryReasonOf(error: unknown): RetryReason | null {
  return isCtlstoreError(error) ? (PASSING[error.code] ?? null) : null;
}

export interface Wait {
  readonly why: string;
  /** When the next attempt is, in milliseconds since 1970. */
  readonly untilMs: number;
}

export interface WaitsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly onRetry: (reason: RetryReason) => void;
}

export class Waits {
  readonly #deps: WaitsDeps;
  readonly #patienceMs: number | null;
  readonly #open = new Map<object, Wait>();

  /** @param patienceMs gives up after so long; null never does */
  constructor(deps: WaitsDeps, patienceMs: number | null) {
    this.#deps = deps;
    this.#patienceMs = patienceMs;
  }

  /** What is waited for now; the first of several. */
  get current(): Wait | null {
    const [first = null] = this.#open.values();
    return first;
  }

  /**
   * Tries until it works, as long as what fails passes by itself.
   * @param signal ends the waiting, not the attempt
   * @throws what does not pass, what passes when patience is over, or the signal's reason
   */
  async untilDone<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const { base, max } = LANE_LIMITS.backoffMs;
    const backoff = createBackoff({ baseMs: base, maxMs: max }, this.#deps.random);
    const startMs = this.#deps.clock.monotonicMs();
    const token = {};
    let hasTold = false;
    try {
      for (;;) {
        try {
          const result = await attempt();
          if (hasTold) this.#deps.logger.info({ failures: backoff.attempts }, "lane goes on");
          return result;
        } catch (error) {
          if (!isCtlstoreError(error)) throw error;
          const waitMs = waitMsAfter(error, backoff);
          this.#admit(error, waitMs, startMs);
          hasTold = this.#tell(error, backoff.attempts) || hasTold;
          this.#open.set(token, { why: error.message, untilMs: this.#deps.clock.nowUs() / 1000 + waitMs });
          await this.#deps.clock.sleep(waitMs, signal);
        }
      }
    } finally {
      this.#open.delete(token);
    }
  }

  /** @throws the error when waiting is of no use, or has been of none for too long */
  #admit(error: CtlstoreError, waitMs: number, startMs: number): void {
    const reason = retryReasonOf(error);
    if (reason === null) throw error;
    const waitedMs = this.#deps.clock.monotonicMs() - startMs;
    if (this.#patienceMs !== null && waitedMs + waitMs > this.#patienceMs) throw error;
    this.#deps.onRetry(reason);
  }

  /** @returns whether it was worth a line */
  #tell(error: CtlstoreError, failures: number): boolean {
    // What comes with ordinary load is counted, not logged.
    if (error.code === "rate_limited" || !isPowerOfTwo(failures)) return false;
    this.#deps.logger.warn({ code: error.code, reason: error.message, failures }, "lane waits");
    return true;
  }
}
