/** What is counted of the origin's snapshots and of work on whole tables. */
import type { Metrics } from "../../core/process/metrics.ts";

/** How the watch over one snapshot of one table ended. */
export type SnapshotOutcome =
  | "whole" // every row came: what vanished is reported or deleted
  | "started-over" // the origin began again before the end
  | "no-beginning" // its first row was not seen: what came before may be rows that are there still
  | "no-end" // changes from the binlog came before its last row: it may have been cut off
  | "key-changed" // our table was made anew with another key meanwhile
  | "several-tables" // neither the mapping nor the topic's name says that all rows are of one table of the origin
  | "records-lost" // Kafka no longer has all of its records
  | "dead-letter" // one of its records was put aside: its row may be there still
  | "too-many-keys"
  | "out-of-step"; // partitions were read so far apart that a new row cannot be told from a vanished one

/** What was done about rows that vanished; "held-back": a sweep would have deleted too many. */
export type VanishedDone = "reported" | "deleted" | "held-back";

export interface SnapshotMeter {
  snapshot(topic: string, outcome: SnapshotOutcome): void;
  vanished(family: string, table: string, what: VanishedDone, rows: number): void;
  /** Rows deleted because the origin truncated the table. */
  cleared(family: string, table: string, rows: number): void;
}

/** Counts nothing. */
export const SILENT_SNAPSHOT_METER: SnapshotMeter = {
  snapshot() {},
  vanished() {},
  cleared() {},
};

/** For all lanes of a process. */
export class SnapshotMetrics implements SnapshotMeter {
  readonly #snapshots;
  readonly #vanished;
  readonly #cleared;

  constructor(metrics: Metrics) {
    this.#snapshots = metrics.counter(
      "ctlstore_loader_snapshots_total",
      "Snapshots of tables of the origin, by how the watch over them ended",
      ["topic", "outcome"],
    );
    this.#vanished = metrics.counter(
      "ctlstore_loader_vanished_rows_total",
      "Rows that a new snapshot of the origin did not have, by what was done",
      ["family", "table", "what"],
    );
    this.#cleared = metrics.counter(
      "ctlstore_loader_cleared_rows_total",
      "Rows deleted because the origin truncated their table",
      ["family", "table"],
    );
  }

  snapshot(topic: string, outcome: SnapshotOutcome): void {
    this.#snapshots.inc({ topic, outcome });
  }

  vanished(family: string, table: string, what: VanishedDone, rows: number): void {
    this.#vanished.inc({ family, table, what }, rows);
  }

  cleared(family: string, table: string, rows: number): void {
    this.#cleared.inc({ family, table }, rows);
  }
}
