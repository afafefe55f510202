/** Says when something is due again. */
import type { Clock } from "../../core/process/clock.ts";

export class Every {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #nextMs: number;

  /** Due for the first time after one interval. */
  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#nextMs = clock.monotonicMs() + intervalMs;
  }

  /** True once per interval. */
  get isDue(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#intervalMs;
    return true;
  }

  /** Makes it due at once. */
  hurry(): void {
    this.#nextMs = this.#clock.monotonicMs();
  }
}
