/**
 * When tables are measured again: after the interval, and sooner when much was written meanwhile, since a single writer may
 * fill a table far beyond its limit within seconds. A round that took long is followed by a pause in proportion.
 */
import { SIZE_WATCH_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";

export class MeasurePace {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** Since the last round began. */
  #writtenBytes = 0;
  #cutPause: (() => void) | null = null;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** Counts bytes of ledger statements that were committed. */
  wrote(bytes: number): void {
    this.#writtenBytes += bytes;
    if (this.#isMuch()) this.#cutPause?.();
  }

  /** Between the ends of two rounds that take so long, at most. */
  gapMs(tookMs: number): number {
    return tookMs + Math.max(this.#intervalMs, SIZE_WATCH_LIMITS.pausePerRound * tookMs);
  }

  /** Runs rounds with pauses between them, until the signal aborts. */
  async run(round: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#writtenBytes = 0;
      const beganMs = this.#clock.monotonicMs();
      await round();
      await this.#pause(this.#clock.monotonicMs() - beganMs, signal);
    }
  }

  async #pause(tookMs: number, signal: AbortSignal): Promise<void> {
    const { earliestMs, pausePerRound } = SIZE_WATCH_LIMITS;
    const leastMs = Math.max(Math.min(earliestMs, this.#intervalMs), pausePerRound * tookMs);
    await this.#clock.sleep(leastMs, signal).catch(() => {});
    if (signal.aborted || this.#isMuch() || leastMs >= this.#intervalMs) return;
    const cut = new AbortController();
    const onCut = () => cut.abort();
    this.#cutPause = onCut;
    signal.addEventListener("abort", onCut, { once: true });
    await this.#clock.sleep(this.#intervalMs - leastMs, cut.signal).catch(() => {});
    signal.removeEventListener("abort", onCut);
    this.#cutPause = null;
  }

  #isMuch(): boolean {
    return this.#writtenBytes >= SIZE_WATCH_LIMITS.earlyBytes;
  }
}
