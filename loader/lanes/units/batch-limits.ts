/**
 * What one request may hold. It shrinks when the Executive turns out to take less. After a while more is tried again, as a
 * limit of rates may have been low for a moment only.
 */
import { LANE_LIMITS } from "../../../core/limits.ts";

const SHRINK = 0.8;

export interface BatchLimitsOptions {
  readonly rows: number;
  /** As they are on the wire. */
  readonly bytes: number;
  /** Every mutation is sent, also those that a later one of the same batch replaces. */
  readonly keepRepeats: boolean;
}

export class BatchLimits {
  readonly #keepRepeats: boolean;
  readonly #most: Pick<BatchLimitsOptions, "rows" | "bytes">;
  #rows: number;
  #bytes: number;
  /** Batches since the last that was too large, or since more was tried. */
  #worked = 0;

  constructor({ rows, bytes, keepRepeats }: BatchLimitsOptions) {
    this.#most = { rows, bytes };
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
    this.#worked = 0;
    this.#rows = Math.min(this.#rows, Math.max(1, Math.ceil(mutations / 2)));
  }

  /** The Executive refused a request of several mutations for its size. */
  tooLarge(): void {
    this.#worked = 0;
    const smaller = Math.max(LANE_LIMITS.leastBatchBytes, Math.floor(this.#bytes * SHRINK));
    this.#bytes = Math.min(this.#bytes, smaller);
  }

  /** A batch took effect. */
  worked(): void {
    this.#worked += 1;
    if (this.#worked < LANE_LIMITS.widenAfterBatches) return;
    this.#worked = 0;
    this.#rows = Math.min(this.#most.rows, this.#rows * 2);
    this.#bytes = Math.min(this.#most.bytes, Math.ceil(this.#bytes / SHRINK));
  }
}
