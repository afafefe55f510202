/**
 * Those who wait for the ledger to grow. What this process writes wakes them at once; for what others write the ledger is
 * looked at a few times a second, once for all of them, and not at all while nobody waits.
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

  constructor(deps: HeadWatchDeps) {
    this.#deps = deps;
  }

  /** The ledger has grown up to here. */
  moved(sequence: bigint): void {
    for (const waiter of this.#waiters) if (waiter.after < sequence) waiter.wake();
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
