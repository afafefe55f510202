/** Time as a parameter, so that tests decide it. */

export interface Clock {
  /** Microseconds since 1970. Never steps back within a process: staleness and ledger timestamps rely on it. */
  nowUs(): number;
  /** Milliseconds on a clock that is not set by anybody; only differences mean something. */
  monotonicMs(): number;
  /** Resolves after the time, or rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowUs: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
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
