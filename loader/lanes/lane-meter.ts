/** What a lane counts, for whoever makes metrics of it. */
import type { ErrorCode } from "../../core/errors.ts";

/** Why a record was not loaded, other than by a fault: nothing is skipped without being counted. */
export type NotLoadedReason =
  | "dropped" // the mapping says so
  | "heartbeat"
  | "schema-change"
  | "message"
  | "signal"
  | "transaction" // Debezium's own marks of where transactions begin and end
  | "tombstone" // after a delete that was loaded
  | "delete-of-nothing" // of a table that does not exist yet
  | "truncate-ignored" // the mapping says so
  | "repeat" // delivered twice by Kafka's client
  | "replay"; // took effect before a restart, read again for an open snapshot

export type RetryReason = "rate-limited" | "unavailable" | "unknown-outcome" | "table-full";

export interface BatchMeasure {
  /** Mutations that were sent; those that a later one replaced are `folded`. */
  readonly rows: number;
  readonly folded: number;
  /** From the first attempt to the answer, waits included. */
  readonly seconds: number;
}

export interface LaneMeter {
  /** A record went through decoding and mapping. */
  record(topic: string, bytes: number): void;
  notLoaded(topic: string, reason: NotLoadedReason): void;
  batch(measure: BatchMeasure): void;
  retry(reason: RetryReason): void;
  conflict(): void;
  deadLetter(topic: string, code: ErrorCode): void;
}

/** Counts nothing. */
export const SILENT_METER: LaneMeter = {
  record() {},
  notLoaded() {},
  batch() {},
  retry() {},
  conflict() {},
  deadLetter() {},
};
