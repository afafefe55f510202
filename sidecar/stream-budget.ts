/**
 * Bounds for answers that are sent in pieces (I13, R15): how many read from the LDB at a time, and what is said when too
 * much of all of them waits in memory for slow clients.
 */
import { CtlstoreError } from "../core/errors.ts";

/** Turns of which so many are taken at a time; who comes later waits, in order. */
export class Turns {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #waiting: Set<() => void> = new Set();
  #taken = 0;

  constructor(most: number, mostWaiting: number) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  get taken(): number {
    return this.#taken;
  }

  /**
   * @returns what gives the turn back; calling it twice is fine
   * @throws CtlstoreError `overloaded` when too many wait already, or it took too long
   */
  async take(waitMs: number): Promise<() => void> {
    if (this.#taken >= this.#most) await this.#wait(waitMs);
    else this.#taken += 1;
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#giveOn();
    };
  }

  #wait(waitMs: number): Promise<void> {
    if (this.#waiting.size >= this.#mostWaiting) throw tooMany();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(next);
        reject(tooMany());
      }, waitMs);
      const next = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.add(next);
    });
  }

  /** The turn goes to who waits longest, without being free in between. */
  #giveOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

function tooMany(): CtlstoreError {
  return new CtlstoreError("overloaded", "Cannot begin a long answer: too many are being read already");
}

export function tooMuchHeld(): CtlstoreError {
  return new CtlstoreError(
    "overloaded",
    "Cannot answer: answers that were made for others and not taken yet leave too little memory",
    { hint: "ask again, or for fewer rows" },
  );
}
