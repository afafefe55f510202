/** How long a call goes on trying, and how it waits in between. */
import type { CtlstoreError } from "../core/errors.ts";
import { type Backoff, createBackoff } from "../core/process/backoff.ts";
import type { Clock } from "../core/process/clock.ts";

const RETRY = { baseMs: 100, maxMs: 10_000 };

export interface PatienceOptions {
  readonly retryForMs: number;
  readonly clock: Clock;
  readonly random: (() => number) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The patience of one call; its waits grow, and are never shorter than the server asked for. */
export class Patience {
  readonly signal: AbortSignal | undefined;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #backoff: Backoff;

  constructor(options: PatienceOptions) {
    this.signal = options.signal;
    this.#clock = options.clock;
    this.#deadlineMs = options.clock.monotonicMs() + options.retryForMs;
    this.#backoff = createBackoff(RETRY, options.random);
  }

  /** Waits before the next attempt. @throws the error when the time would be up by then */
  async pause(error: CtlstoreError): Promise<void> {
    const waitMs = Math.max(this.#backoff.nextMs(), (error.details.retryAfterSeconds ?? 0) * 1000);
    if (this.#clock.monotonicMs() + waitMs > this.#deadlineMs) throw error;
    await this.#clock.sleep(waitMs, this.signal);
  }
}
