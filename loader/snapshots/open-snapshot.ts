/** What is known of one table's snapshot while it comes in. */
import { SNAPSHOT_WATCH_LIMITS } from "../../core/limits.ts";
import type { TableSchema } from "../../core/schema.ts";
import type { SnapshotMark } from "../events/change-event.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { MappedRecord } from "../lanes/units/unit-maker.ts";
import type { TableMapping } from "../mapping/mapping.ts";
import type { PartitionPast } from "./partition-past.ts";
import { RowMarks } from "./row-marks.ts";
import type { SnapshotOutcome } from "./snapshot-meter.ts";

/** The record that ended it in its partition. */
export interface SnapshotEnd {
  readonly record: KafkaRecord;
  readonly target: TableMapping;
  /** It is the last row by its mark; else it is a change from the binlog, before which the snapshot may have been cut off. */
  readonly isMarked: boolean;
  /** On the monotonic clock; null until the next tick. */
  seenMs: number | null;
  /** Other partitions in which nothing of the snapshot can come any more. */
  readonly done: Set<number>;
}

export type Spoiled = Exclude<SnapshotOutcome, "whole" | "started-over">;

export class TableSnapshot {
  /** By partition, its first row; before that, the first record seen since it began elsewhere. */
  readonly from: Map<number, number>;
  /** By partition, the first record seen since it began elsewhere. */
  readonly firstSeen = new Map<number, number>();
  /** Partitions in which rows of it came. */
  readonly readIn = new Set<number>();
  /** The earliest of its rows, by Kafka's clock. */
  beginsMs = Number.POSITIVE_INFINITY;
  /** What was known of each partition when it began. */
  readonly pasts: ReadonlyMap<number, PartitionPast>;
  hasBeginning = false;
  /** Its first row seen here is marked as the last one, and nothing lies between it and what came before. */
  isOnlyRow = false;
  /**
   * Offsets are missing in it: ends of a producer's transactions, or rows that compaction has removed since newer ones of
   * the same key follow. Those come before the present end of their partition.
   */
  hasGaps = false;
  rows = 0;
  end: SnapshotEnd | null = null;
  #marks: RowMarks | null = new RowMarks();
  #spoiled: Spoiled | null = null;
  #schema: TableSchema | null = null;
  #keyShape: string | null = null;
  /** Partitions of which the cookie knew its first record. */
  readonly wasRestored: ReadonlySet<number>;
  /** Of a snapshot that the cookie has: offsets at which its first records must be found again. */
  readonly #owed: Map<number, number>;

  constructor(pasts: ReadonlyMap<number, PartitionPast>, owed: ReadonlyMap<number, number> = new Map()) {
    this.pasts = new Map([...pasts].map(([partition, past]) => [partition, past.copy()]));
    this.from = new Map(owed);
    this.#owed = new Map(owed);
    this.wasRestored = new Set(owed.keys());
  }

  /** Why its rows cannot be told from those that vanished, or null. */
  get spoiled(): Spoiled | null {
    return this.#spoiled;
  }

  get marks(): RowMarks {
    return this.#marks ?? new RowMarks();
  }

  foundGap(): void {
    this.hasGaps = true;
    this.end?.done.clear();
  }

  spoil(reason: Spoiled): void {
    this.#spoiled ??= reason;
    this.#marks = null;
  }

  /** @returns whether the partition is new to the snapshot */
  take({ partition, offset }: KafkaRecord): boolean {
    const owed = this.#owed.get(partition);
    if (owed !== undefined) {
      this.#owed.delete(partition);
      if (owed !== offset) this.spoil("records-lost");
    }
    if (!this.firstSeen.has(partition)) this.firstSeen.set(partition, offset);
    if (this.from.has(partition)) return false;
    this.from.set(partition, offset);
    return true;
  }

  /** True while records are to be read again that a restart needs. */
  get isOwed(): boolean {
    return this.#owed.size > 0;
  }

  /** Takes note of one of its rows. @returns whether it is the first one of its partition */
  read({ partition, offset, timestampMs }: KafkaRecord): boolean {
    const isFirst = !this.readIn.has(partition);
    this.rows += 1;
    this.readIn.add(partition);
    if (isFirst) {
      this.from.set(partition, offset);
      this.#marks?.forget(partition);
    }
    this.beginsMs = Math.min(this.beginsMs, timestampMs ?? Number.NEGATIVE_INFINITY);
    return isFirst;
  }

  mark({ mutations, record, target }: MappedRecord): void {
    if (this.#marks === null) return;
    if (this.#hasOtherKey(target?.schema ?? null)) {
      this.spoil("key-changed");
      return;
    }
    this.#marks.take(record.partition, mutations);
    if (this.#marks.size > SNAPSHOT_WATCH_LIMITS.keys) this.spoil("too-many-keys");
  }

  /** True when our table was made anew with another key since the first mark: the marks are not those of its keys any more. */
  #hasOtherKey(schema: TableSchema | null): boolean {
    if (schema === null || schema === this.#schema) return false;
    const shape = keyShapeOf(schema);
    const isOther = this.#keyShape !== null && this.#keyShape !== shape;
    this.#schema = schema;
    this.#keyShape = shape;
    return isOther;
  }
}

/** What the texts of keys hang on. */
function keyShapeOf({ keyFields, fields }: TableSchema): string {
  return JSON.stringify(keyFields.map((key) => [key, fields.find(({ name }) => name === key)?.type]));
}

/** The mark of a row that is the first of its table. */
export function isBeginning(mark: SnapshotMark): boolean {
  return mark === "first" || mark === "first-of-table";
}

export function isEnd(mark: SnapshotMark): boolean {
  return mark === "last" || mark === "last-of-table";
}
