/** What one request may hold. It shrinks when the Executive turns out to take less, and stays so while the lane is open. */
import { LANE_LIMITS } from "../../../core/limits.ts";

export interface BatchLimitsOptions {
  readonly rows: number;
  /** As they are on the wire. */
  readonly bytes: number;
  /** Every mutation is sent, also those that a later one of the same batch replaces. */
  readonly keepRepeats: boolean;
}

export class BatchLimits {
  readonly #keepRepeats: boolean;
  #rows: number;
  #bytes: number;

  constructor({ rows, bytes, keepRepeats }: BatchLimitsOptions) {
    this.#rows = rows;
    this.#bytes = bytes;
    this.#keepRepeats = keepRepeats;
  }

  /** Different rows. */
  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Mutations before folding: without folding each of them is sent, and counts for the Executive. */
  get records(): number {
    return this.#keepRepeats ? this.#rows : LANE_LIMITS.recordsPerBatch;
  }

  /** The Executive refused so many mutations. */
  tooMany(mutations: number): void {
    this.#rows = Math.min(this.#rows, Math.max(1, Math.ceil(mutations / 2)));
  }

  /** The Executive refused a request of several mutations for its size. */
  tooLarge(): void {
    const smaller = Math.max(LANE_LIMITS.leastBatchBytes, Math.floor(this.#bytes * 0.8));
    this.#bytes = Math.min(this.#bytes, smaller);
  }
}
