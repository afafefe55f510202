/** One loop waits, another tells it that there is something to do. What is told while nobody waits is not lost. */
import type { Clock } from "../../core/process/clock.ts";

export class Wakeup {
  #isSet = false;
  #wake: (() => void) | null = null;

  notify(): void {
    this.#isSet = true;
    this.#wake?.();
  }

  /** Until somebody notifies, the time has passed or the signal aborts, whichever is first. One waiter at a time. */
  async wait(clock: Clock, maxMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#isSet && !signal.aborted) await this.#waitFor(clock, maxMs, signal);
    this.#isSet = false;
  }

  #waitFor(clock: Clock, maxMs: number, signal: AbortSignal): Promise<void> {
    const timer = new AbortController();
    return new Promise((resolve) => {
      const end = () => {
        signal.removeEventListener("abort", end);
        this.#wake = null;
        timer.abort();
        resolve();
      };
      this.#wake = end;
      signal.addEventListener("abort", end, { once: true });
      clock.sleep(maxMs, timer.signal).then(end, () => {});
    });
  }
}

/**
 * Runs a task under a signal of its own that follows another. Signals that are made of long-lived ones by
 * `AbortSignal.any` would stay with those for as long as they live, in some Node versions.
 */
export async function underSignal<T>(
  parent: AbortSignal,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  parent.throwIfAborted();
  const own = new AbortController();
  const follow = () => own.abort(parent.reason);
  parent.addEventListener("abort", follow, { once: true });
  try {
    return await task(own.signal);
  } finally {
    parent.removeEventListener("abort", follow);
  }
}
