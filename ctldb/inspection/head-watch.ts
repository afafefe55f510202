/**
 * Those who wait for the ledger to grow. What this process writes wakes them at once; for what others write the ledger is
 * looked at a few times a second, once for all of them, and not at all while nobody waits.
 *
 * Whoever is woken reads the ledger, so that many are woken less often than few: all together read it a bounded number of
 * times a second, however much is written.
 */
import { CtlstoreError } from "../../core/errors.ts";
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";

export interface HeadWatchDeps {
  readonly clock: Clock;
  /** Sequence of the ledger's newest entry. */
  readonly readHead: () => Promise<bigint>;
}

interface Waiter {
  readonly after: bigint;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

export class HeadWatch implements Disposable {
  readonly #deps: HeadWatchDeps;
  readonly #waiters = new Set<Waiter>();
  readonly #ended = new AbortController();
  #isLooking = false;
  /** No one is woken before this moment. */
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  /** How far the ledger has grown, where those who wait are to be told of it later. */
  #untold: bigint | null = null;

  constructor(deps: HeadWatchDeps) {
    this.#deps = deps;
  }

  /** The ledger has grown up to here. */
  moved(sequence: bigint): void {
    const quietMs = this.#quietUntilMs - this.#deps.clock.monotonicMs();
    if (quietMs <= 0) this.#wake(sequence);
    else if (this.#untold !== null) this.#untold = sequence > this.#untold ? sequence : this.#untold;
    else if (this.#waiters.size > 0) void this.#wakeLater(sequence, quietMs);
  }

  #wake(sequence: bigint): void {
    const woken = [...this.#waiters].filter(({ after }) => after < sequence);
    for (const waiter of woken) waiter.wake();
    const quietMs = (woken.length * 1000) / INSPECTION_LIMITS.wakesPerSecond;
    if (quietMs > 0) this.#quietUntilMs = this.#deps.clock.monotonicMs() + quietMs;
  }

  async #wakeLater(sequence: bigint, quietMs: number): Promise<void> {
    this.#untold = sequence;
    await this.#deps.clock.sleep(quietMs, this.#ended.signal).catch(() => {});
    const grown = this.#untold;
    this.#untold = null;
    this.#wake(grown);
  }

  /**
   * Resolves when the ledger has an entry after the sequence, when the time is up, or when the signal aborts.
   * @throws CtlstoreError `overloaded`, or why the ledger cannot be read
   */
  async until(after: bigint, waitMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#ended.signal.aborted || waitMs <= 0) return;
    if (this.#waiters.size >= INSPECTION_LIMITS.waiters) {
      throw new CtlstoreError(
        "overloaded",
        `Cannot wait for the ledger: ${this.#waiters.size} requests are waiting for it already`,
        { retryAfterSeconds: 1 },
      );
    }
    await new Promise<void>((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", waiter.wake);
        this.#waiters.delete(waiter);
        end();
      };
      const waiter: Waiter = {
        after,
        wake: () => settle(resolve),
        fail: (error) => settle(() => reject(error)),
      };
      const timer = setTimeout(waiter.wake, waitMs);
      signal.addEventListener("abort", waiter.wake, { once: true });
      this.#waiters.add(waiter);
      if (!this.#isLooking) void this.#look();
    });
  }

  /** Never rejects. A ledger that cannot be read is what everybody is told who waits. */
  async #look(): Promise<void> {
    this.#isLooking = true;
    try {
      while (this.#waiters.size > 0) {
        // Before the first pause, too: the ledger may have grown since the waiter looked.
        this.moved(await this.#deps.readHead());
        if (this.#waiters.size === 0) break;
        await this.#deps.clock.sleep(INSPECTION_LIMITS.watchMs, this.#ended.signal);
      }
    } catch (error) {
      for (const waiter of this.#waiters) waiter.fail(error);
    } finally {
      this.#isLooking = false;
    }
  }

  /** Answers all who wait; nobody waits any more. */
  [Symbol.dispose](): void {
    this.#ended.abort();
    for (const waiter of this.#waiters) waiter.wake();
  }
}
