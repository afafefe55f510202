/** Counts for the lane's own status, and passes everything on to the meter. */
import type { ErrorCode } from "../../core/errors.ts";
import type { LaneCounts } from "./lane-contract.ts";
import type { BatchMeasure, LaneMeter, NotLoadedReason, RetryReason } from "./lane-meter.ts";

export class LaneTally implements LaneMeter {
  readonly #meter: LaneMeter;
  readonly #counts = { records: 0, rows: 0, batches: 0, retries: 0, deadLetters: 0 };

  constructor(meter: LaneMeter) {
    this.#meter = meter;
  }

  get counts(): LaneCounts {
    return { ...this.#counts };
  }

  record(topic: string, bytes: number): void {
    this.#counts.records += 1;
    this.#meter.record(topic, bytes);
  }

  notLoaded(topic: string, reason: NotLoadedReason): void {
    this.#meter.notLoaded(topic, reason);
  }

  batch(measure: BatchMeasure): void {
    this.#counts.batches += 1;
    this.#counts.rows += measure.rows;
    this.#meter.batch(measure);
  }

  readonly retry = (reason: RetryReason): void => {
    this.#counts.retries += 1;
    this.#meter.retry(reason);
  };

  conflict(): void {
    this.#meter.conflict();
  }

  deadLetter(topic: string, code: ErrorCode): void {
    this.#counts.deadLetters += 1;
    this.#meter.deadLetter(topic, code);
  }
}
