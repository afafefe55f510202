/** A pause that anybody may cut short. */

export interface Pause {
  /** Resolves after the time, when a signal aborts, or when it is ended. */
  readonly over: Promise<void>;
  end(): void;
}

/** Listens to the signals only while it lasts, so that a signal that lives long holds nothing afterwards. */
export function pauseUntil(ms: number, signals: readonly AbortSignal[]): Pause {
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    const timer = setTimeout(() => end(), ms);
    end = () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", end);
      resolve();
    };
    for (const signal of signals) signal.addEventListener("abort", end, { once: true });
  });
  return { over, end: () => end() };
}
