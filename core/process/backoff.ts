/** Waiting times between attempts: exponential with full jitter, so that a fleet does not come back in step. */

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
}

export interface Backoff {
  /** The next waiting time in milliseconds, longer on average each time. */
  nextMs(): number;
  /** Call after a success. */
  reset(): void;
  /** Failures since the last success. */
  readonly attempts: number;
}

/** @param random returns 0 ≤ x < 1 */
export function createBackoff(options: BackoffOptions, random: () => number = Math.random): Backoff {
  let attempts = 0;
  return {
    nextMs() {
      const ceilingMs = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempts, 30));
      attempts += 1;
      // Never below half: a wait of nothing would be a hot loop.
      return Math.round(ceilingMs / 2 + (random() * ceilingMs) / 2);
    },
    reset() {
      attempts = 0;
    },
    get attempts() {
      return attempts;
    },
  };
}
