/** The seam between reading records and writing batches: what turns one into the other. */
import type { ChangeEvent } from "../../events/change-event.ts";
import type { KafkaRecord, TopicPartition } from "../../kafka/consumer.ts";
import type { RowMutation, TableMapping } from "../../mapping/mapping.ts";
import type { IsAtEnd } from "../records/intake.ts";
import type { Unit } from "./unit.ts";

/** A record after decoding and mapping. */
export interface MappedRecord {
  readonly record: KafkaRecord;
  /** Null when the record was put aside as a dead letter. */
  readonly event: ChangeEvent | null;
  /** Null for events that are about no table of ours. */
  readonly target: TableMapping | null;
  readonly mutations: readonly RowMutation[];
}

/**
 * Makes units of a lane's records. Two kinds: each event by itself, and whole transactions of the origin.
 *
 * What it holds back is not lost by a crash: positions advance with units only.
 */
export interface UnitMaker {
  /** Takes the next record of its partition; answers the units that are whole now, in order. */
  push(mapped: MappedRecord): readonly Unit[];
  /** A record that took effect before a restart, read again for the sake of an open snapshot. */
  replay(mapped: MappedRecord): void;
  /**
   * Units that have waited too long for their other parts, and work on tables that is due by now.
   * @param nowMs of the monotonic clock
   */
  tick(nowMs: number, isAtEnd: IsAtEnd): readonly Unit[];
  /** Records held back, and their bytes (key and value). */
  readonly held: { readonly records: number; readonly bytes: number };
  /** Partitions that bring what can only be held back now: better not read until the others have come after them. */
  readonly ahead?: readonly TopicPartition[];
}
