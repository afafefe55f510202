/**
 * How far a partition's rows are behind its log: in events, and in seconds since the oldest event that waits.
 *
 * Times are kept of a bounded sample of the records that were read and may not have been applied.
 */
import { LOADER_LIMITS } from "../../../core/limits.ts";

export interface Lag {
  /** Null while the end of the partition is not known. */
  readonly events: number | null;
  /** 0 at the end; null while there is no record to tell by. */
  readonly seconds: number | null;
}

interface Sample {
  readonly offset: number;
  readonly timestampMs: number;
}

export class PartitionLag {
  #high: number | null = null;
  #samples: Sample[] = [];
  /** A sample for so many offsets at least: grows when the list is full. */
  #stride = 1;
  #newestMs: number | null = null;

  /** The offset that the partition's next record will get, as far as is known. */
  get high(): number | null {
    return this.#high;
  }

  /** A record was handed to the lane. */
  read(offset: number, timestampMs: number | null): void {
    this.sawEnd(offset + 1);
    if (timestampMs === null) return;
    this.#newestMs = timestampMs;
    const last = this.#samples.at(-1);
    if (last !== undefined && offset < last.offset + this.#stride) return;
    this.#samples.push({ offset, timestampMs });
    if (this.#samples.length > LOADER_LIMITS.lagSamples) {
      this.#samples = this.#samples.filter((_, i) => i % 2 === 0);
      this.#stride *= 2;
    }
  }

  /** The log reaches to here at least. */
  sawEnd(high: number): void {
    this.#high = Math.max(this.#high ?? 0, high);
  }

  /** Where the log ends by what the broker says, also when that is less than before: the topic may have been made anew. */
  measured(high: number): void {
    this.#high = high;
  }

  /** @param applied the offset of the first event that has not taken effect */
  at(applied: number, nowMs: number): Lag {
    this.#forgetBefore(applied);
    if (this.#high === null) return { events: null, seconds: null };
    const events = Math.max(0, this.#high - applied);
    if (events === 0) return { events, seconds: 0 };
    // The last sample at or before the first event that waits: no younger than that one.
    const oldestMs = this.#samples[0]?.timestampMs ?? this.#newestMs;
    return { events, seconds: oldestMs === null ? null : Math.max(0, (nowMs - oldestMs) / 1000) };
  }

  #forgetBefore(applied: number): void {
    let keepFrom = 0;
    while ((this.#samples[keepFrom + 1]?.offset ?? Number.POSITIVE_INFINITY) <= applied) keepFrom += 1;
    if (keepFrom > 0) this.#samples = this.#samples.slice(keepFrom);
    const [first] = this.#samples;
    // Applied to the end of what the sample stands for.
    if (this.#samples.length === 1 && first !== undefined && this.#high !== null && applied >= this.#high)
      this.#samples = [];
    if (this.#samples.length <= LOADER_LIMITS.lagSamples / 4) this.#stride = Math.max(1, this.#stride >> 1);
  }
}
