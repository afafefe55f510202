/**
 * Counts how often somebody else moved the cookie of a lane that the group gave to this instance (R30).
 *
 * One conflict is a handover: a zombie that wakes up, an instance that learns late that it has lost the lane. Many are a
 * loader that the group does not know of. Two such loaders may win by turns for ever, so it is not only counted how often
 * this one loses in a row: whoever comes to the number first ends, and the other has the lane.
 */
import { LOADER_LIMITS } from "../../../core/limits.ts";

export class Conflicts {
  #inARow = 0;
  /** Times of the last ones, on the monotonic clock, in milliseconds. */
  #times: number[] = [];

  /** @param hasWon whether a batch was written since the one before */
  add(nowMs: number, hasWon: boolean): void {
    this.#inARow = hasWon ? 1 : this.#inARow + 1;
    const { windowMs } = LOADER_LIMITS.conflicts;
    this.#times = [...this.#times.filter((time) => nowMs - time < windowMs), nowMs];
  }

  get inARow(): number {
    return this.#inARow;
  }

  get lately(): number {
    return this.#times.length;
  }

  get areTooMany(): boolean {
    const { inARow, inWindow } = LOADER_LIMITS.conflicts;
    return this.#inARow >= inARow || this.lately >= inWindow;
  }
}
