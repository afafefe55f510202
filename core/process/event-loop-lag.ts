/**
 * How late timers come: what every request and every poll of this process waits for beside its own work.
 *
 * The worst of the last minute is kept, so that a pause is seen by whoever asks every minute, and by several who ask.
 */

const TICK_MS = 500;
const SLOT_MS = 10_000;
const SLOTS = 6;

/** The worst of a minute, in slots of ten seconds. */
export class WorstOfMinute {
  readonly #slots: Array<{ readonly number: number; worst: number }> = [];

  add(value: number, nowMs: number): void {
    const number = Math.floor(nowMs / SLOT_MS);
    const last = this.#slots.at(-1);
    if (last?.number === number) last.worst = Math.max(last.worst, value);
    else this.#slots.push({ number, worst: value });
    if (this.#slots.length > SLOTS) this.#slots.shift();
  }

  /** 0 when nothing was added in the last minute. */
  worst(nowMs: number): number {
    const oldest = Math.floor(nowMs / SLOT_MS) - SLOTS;
    return this.#slots.reduce(
      (most, { number, worst }) => (number > oldest ? Math.max(most, worst) : most),
      0,
    );
  }
}

/**
 * Begins to measure; it keeps no process alive.
 * @param nowMs a clock that is not set by anybody
 * @returns the longest delay of the last minute in seconds, one that is under way included
 */
export function watchEventLoop(nowMs: () => number): () => number {
  const delays = new WorstOfMinute();
  let dueMs = nowMs() + TICK_MS;
  const lateMs = () => Math.max(0, nowMs() - dueMs);
  const timer = setInterval(() => {
    delays.add(lateMs(), nowMs());
    dueMs = nowMs() + TICK_MS;
  }, TICK_MS);
  timer.unref();
  return () => Math.max(delays.worst(nowMs()), lateMs()) / 1_000;
}
