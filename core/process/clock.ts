/** Time as a parameter, so that tests decide it. */

export interface Clock {
  /** Microseconds since 1970 by the machine's clock, which may be set, also backwards. */
  nowUs(): number;
  /** Milliseconds on a clock that is not set by anybody; only differences mean something. */
  monotonicMs(): number;
  /** Resolves after the time, or rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What to add to the monotonic clock; renewed when the machine's clock has been moved away from it. */
let offsetMs = Date.now() - performance.now();

/** Date.now() has milliseconds only; the monotonic clock has the digits below them. */
function nowUs(): number {
  const dateMs = Date.now();
  const elapsedMs = performance.now();
  if (Math.abs(elapsedMs + offsetMs - dateMs) > 2) offsetMs = dateMs - elapsedMs;
  return Math.round((elapsedMs + offsetMs) * 1000);
}

export const systemClock: Clock = {
  nowUs,
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};
