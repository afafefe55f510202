/** How long a group of writes took; groups are committed one after the other. */
import type { Clock } from "../core/process/clock.ts";

export interface GroupTimes {
  /** From asking for the ledger lock to having it. */
  readonly lockSeconds: number;
  /** From there until the transaction was committed: for so long all other writes waited. */
  readonly commitSeconds: number;
}

export class GroupStopwatch {
  readonly #clock: Clock;
  #askedMs = 0;
  #takenMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the lock. */
  async taking<T>(take: () => Promise<T>): Promise<T> {
    this.#askedMs = this.#clock.monotonicMs();
    const taken = await take();
    this.#takenMs = this.#clock.monotonicMs();
    return taken;
  }

  /** Of the group that has just been committed. */
  times(): GroupTimes {
    return {
      lockSeconds: (this.#takenMs - this.#askedMs) / 1_000,
      commitSeconds: (this.#clock.monotonicMs() - this.#takenMs) / 1_000,
    };
  }
}
