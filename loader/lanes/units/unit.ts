/** What goes through a lane: the smallest things that take effect together. */
import type { KafkaRecord, Position } from "../../kafka/consumer.ts";
import type { RowMutation, TableMapping } from "../../mapping/mapping.ts";
import type { OpenSnapshot } from "../cookie/lane-state.ts";

/** A mutation and the record that it comes from, for messages and dead letters. */
export interface SourcedMutation {
  readonly mutation: RowMutation;
  readonly record: KafkaRecord;
}

/**
 * Rows that change together, and how far the lane has come when they have: an event, the two halves of a changed key, a
 * transaction of the origin. Units of one lane take effect in order, each once (I3, R30).
 */
export interface RowsUnit {
  readonly kind: "rows";
  /** In their order; may be empty for records that are about no row. */
  readonly mutations: readonly SourcedMutation[];
  /** Positions that are reached with this unit; partitions that are not named stay where they are. */
  readonly advances: readonly Position[];
  /** True keeps it whole in one ledger transaction as far as the Executive's limits allow; above them it is cut. */
  readonly isTransaction: boolean;
  /** The snapshots that are open after this unit; absent when nothing changed about them. */
  readonly openSnapshots?: readonly OpenSnapshot[];
}

/** Work on a whole table that begins when all units before it have taken effect, and ends before the next one. */
export interface TableUnit {
  readonly kind: "table";
  readonly task: TableTask;
  readonly advances: readonly Position[];
  /** The snapshots that are open after this unit; absent when nothing changed about them. */
  readonly openSnapshots?: readonly OpenSnapshot[];
}

export type TableTask =
  /** The origin truncated the table: every row goes. */
  | { readonly kind: "clear"; readonly target: TableMapping; readonly record: KafkaRecord }
  /** A snapshot of the origin has come whole: rows that it did not have, and nobody wrote since, are reported or go. */
  | { readonly kind: "vanished"; readonly target: TableMapping; readonly record: KafkaRecord };

export type Unit = RowsUnit | TableUnit;
