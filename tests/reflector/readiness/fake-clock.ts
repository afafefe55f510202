/** A clock that stands still until the test moves it. */
import type { Clock } from "../../../core/process/clock.ts";

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  /** What a person who sets the machine's clock adds to it. */
  setByUs = 0;
  #elapsedMs = 1_000;
  #sleepers: readonly Sleeper[] = [];

  nowUs(): number {
    return 1_790_000_000_000_000 + this.#elapsedMs * 1000 + this.setByUs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#sleepers = [...this.#sleepers, { untilMs: this.#elapsedMs + ms, wake: resolve }];
      return undefined;
    });
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Time passes; whoever slept until then has gone on when this resolves. */
  async advance(ms: number): Promise<void> {
    this.#elapsedMs += ms;
    const due = this.#sleepers.filter(({ untilMs }) => untilMs <= this.#elapsedMs);
    this.#sleepers = this.#sleepers.filter((sleeper) => !due.includes(sleeper));
    for (const { wake } of due) wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
