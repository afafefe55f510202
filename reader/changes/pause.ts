/** A pause that anybody may cut short. */

export interface Pause {
  /** Resolves after the time, when the signal aborts, or when it is ended. */
  readonly over: Promise<void>;
  end(): void;
}

/** Listens to the signal only while it lasts, so that a signal that lives long holds nothing afterwards. */
export function pauseUntil(ms: number, signal: AbortSignal | null): Pause {
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    const timer = setTimeout(() => end(), ms);
    end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    signal?.addEventListener("abort", end, { once: true });
  });
  return { over, end: () => end() };
}
