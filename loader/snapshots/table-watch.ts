/**
 * The watch over the snapshots of one table of the origin: when one begins, which rows came with it, when it is whole (R32).
 *
 * Rows are deleted on this knowledge, so whatever leaves a doubt makes the snapshot one that nothing vanishes by: a
 * beginning that was not seen, records that Kafka no longer has, dead letters, partitions read out of step.
 */
import type { Logger } from "../../core/process/logger.ts";
import type { RowEvent, TruncateEvent } from "../events/change-event.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { OpenSnapshot } from "../lanes/cookie/lane-state.ts";
import type { IsAtEnd } from "../lanes/records/intake.ts";
import type { TableTask } from "../lanes/units/unit.ts";
import type { MappedRecord } from "../lanes/units/unit-maker.ts";
import type { TableMapping } from "../mapping/mapping.ts";
import { isOnlyTable } from "../mapping/only-table.ts";
import type { ClosedSnapshots } from "./closed-snapshots.ts";
import { doubtAbout } from "./doubts.ts";
import { isBeginning, isEnd, type SnapshotEnd, type Spoiled, TableSnapshot } from "./open-snapshot.ts";
import { PartitionPast } from "./partition-past.ts";
import { isEchoOrRead, isLater, isRead, replaces } from "./snapshot-events.ts";
import type { SnapshotMeter, SnapshotOutcome } from "./snapshot-meter.ts";
import { tellOutcome } from "./tell-outcome.ts";

export interface WatchedTable {
  readonly topic: string;
  readonly family: string;
  readonly table: string;
}

export interface TableWatchDeps {
  readonly closed: ClosedSnapshots;
  readonly meter: SnapshotMeter;
  readonly logger: Logger;
}

export interface TableWatchOptions {
  /** Of the topic, in this lane. */
  readonly partitions: readonly number[];
  /** What the cookie says of them. */
  readonly positions: ReadonlyMap<number, number>;
  /** How long a producer may go on trying to deliver the last rows to another partition. */
  readonly graceMs: number;
  /** By Kafka's clock, when this lane began. */
  readonly startedMs: number;
}

/** What a record or the time changed: the snapshot has ended, or the cookie must know more or less of it. */
export type Change = { readonly task: TableTask | null } | null;

const CHANGED: Change = { task: null };

export class TableWatch {
  readonly #table: WatchedTable;
  readonly #deps: TableWatchDeps;
  readonly #options: TableWatchOptions;
  readonly #pasts = new Map<number, PartitionPast>();
  #open: TableSnapshot | null = null;
  #hasToldOfMarks = false;

  constructor(table: WatchedTable, deps: TableWatchDeps, options: TableWatchOptions) {
    this.#table = table;
    this.#deps = deps;
    this.#options = options;
    for (const partition of options.partitions)
      this.#pasts.set(partition, new PartitionPast(options.positions.get(partition) ?? 0));
  }

  /** For the cookie; null when there is nothing to be read again after a restart. */
  get open(): OpenSnapshot | null {
    const open = this.#open;
    if (open === null || open.spoiled !== null) return null;
    return { ...this.#table, from: new Map(open.from) };
  }

  /** Begins with a snapshot that the cookie has. */
  restore(from: ReadonlyMap<number, number>): void {
    this.#open = new TableSnapshot(this.#pasts, from);
    // What lay before its first records is forgotten.
    this.#open.hasGaps = this.#isDivided;
  }

  /** A record of the topic that is about this table, or may have been: a dead letter. */
  observe(mapped: MappedRecord): Change {
    const { event, record, target } = mapped;
    if (event === null) return this.#observeDeadLetter(record);
    if (target === null || (event.kind !== "row" && event.kind !== "truncate")) return null;
    const begins = event.kind === "row" && isRead(event) && this.#begin(event, record);
    this.#note(record, begins && !this.#isDivided);
    const open = this.#open;
    if (open === null) {
      if (event.kind === "row") this.#tellOfMissingMarks(event);
      return null;
    }
    const wasSpoiled = open.spoiled !== null;
    const isNew = open.take(record);
    const isFirstRow = event.kind === "row" && isRead(event) && open.read(record);
    open.mark(mapped);
    if (event.kind === "row" && isRead(event) && !isOnlyTable(target, event)) open.spoil("several-tables");
    if (!wasSpoiled && open.spoiled !== null) return this.#tellSpoiled(open.spoiled);
    return this.#endBy(event, record, target) ?? (begins || isNew || isFirstRow ? CHANGED : null);
  }

  /** Another record of the topic. */
  pass(record: KafkaRecord): void {
    this.#note(record);
    this.#follow(record);
  }

  /** An end that was seen long ago says nothing of a partition whose broker is away: it must have been asked since. */
  tick(nowMs: number, isAtEnd: IsAtEnd): Change {
    const open = this.#open;
    const end = open?.end ?? null;
    if (open === null || end === null) return null;
    end.seenMs ??= nowMs;
    const dueMs = end.seenMs + (this.#isDivided ? this.#options.graceMs : 0);
    if (nowMs < dueMs) return null;
    const { topic } = this.#table;
    for (const partition of this.#options.partitions) {
      if (isAtEnd({ topic, partition }, dueMs)) end.done.add(partition);
    }
    const isWhole = this.#options.partitions.every((partition) => end.done.has(partition));
    return isWhole ? this.#close(open, end) : null;
  }

  /** @param isFirst what lies before it is older than the snapshot */
  #note(record: KafkaRecord, isFirst = false): void {
    const past = this.#pasts.get(record.partition);
    if (!isFirst && past?.isBehindGap(record.offset) === true) this.#open?.foundGap();
    past?.note(record);
  }

  get #isDivided(): boolean {
    return this.#options.partitions.length > 1;
  }

  /** @returns whether the cookie must know of it */
  #begin(event: RowEvent, record: KafkaRecord): boolean {
    const { snapshot } = event.meta;
    const open = this.#open;
    // Rows before any first one stay: they may be of a snapshot that several threads read, whose first row came late.
    const isOver = !this.#isDivided && (open?.isOwed === true || (open?.spoiled ?? null) !== null);
    const startsOver = open !== null && isBeginning(snapshot) && (open.hasBeginning || isOver);
    // What the cookie has is found again.
    if (startsOver && open.isOwed && open.from.get(record.partition) === record.offset) {
      open.hasBeginning = true;
      return false;
    }
    if (startsOver) this.#startOver(open, record);
    if (this.#open !== null) {
      this.#open.hasBeginning ||= isBeginning(snapshot);
      return startsOver;
    }
    this.#open = new TableSnapshot(this.#pasts);
    this.#open.hasBeginning = isBeginning(snapshot);
    // A table of one row has no first row but its last one.
    this.#open.isOnlyRow =
      isEnd(snapshot) && this.#pasts.get(record.partition)?.isNext(record.offset) === true;
    return true;
  }

  /**
   * The origin was interrupted and begins again. In a topic of several partitions some may have delivered rows of the new
   * snapshot before its first one is seen here: there the old marks stay, and a row that vanished between the two goes with
   * the next snapshot.
   */
  #startOver(open: TableSnapshot, record: KafkaRecord): void {
    this.#finish("started-over", {});
    if (this.#isDivided && open.spoiled === null) {
      if (open.end !== null && !isLater(open.end.record, record)) open.end = null;
      return;
    }
    this.#open = null;
  }

  #endBy(event: RowEvent | TruncateEvent, record: KafkaRecord, target: TableMapping): Change {
    const open = this.#open;
    if (open === null) return null;
    this.#follow(record);
    const { snapshot } = event.meta;
    const isMarked = isEnd(snapshot);
    const isFromBinlog = snapshot === "none" && !(event.kind === "row" && isEchoOrRead(event));
    if (!isMarked && !(isFromBinlog && open.readIn.has(record.partition))) return null;
    if (open.end !== null && !replaces(open.end, isMarked, record)) return null;
    open.end = { record, target, isMarked, seenMs: null, done: new Set() };
    if (!this.#isDivided && (!open.hasGaps || !isMarked)) return this.#close(open, open.end);
    if (!open.hasGaps) open.end.done.add(record.partition);
    return null;
  }

  /** A partition that has come to records of a time well after the end has nothing more of the snapshot. */
  #follow({ partition, timestampMs }: KafkaRecord): void {
    const end = this.#open?.end ?? null;
    if (this.#open?.hasGaps === true) return;
    if (end === null || timestampMs === null || end.record.timestampMs === null) return;
    if (timestampMs > end.record.timestampMs + this.#options.graceMs) end.done.add(partition);
  }

  #close(open: TableSnapshot, { record, target }: SnapshotEnd): Change {
    const doubt = open.spoiled ?? doubtAbout(open, this.#options);
    const wasListed = open.spoiled === null;
    if (doubt !== null) {
      if (wasListed) this.#tellSpoiled(doubt);
      this.#open = null;
      return wasListed ? CHANGED : null;
    }
    const task: TableTask = { kind: "vanished", target, record };
    this.#deps.closed.put(task, open.marks);
    this.#finish("whole", { rows: open.marks.size });
    this.#open = null;
    return { task };
  }

  #observeDeadLetter(record: KafkaRecord): Change {
    const open = this.#open;
    this.pass(record);
    if (open === null || open.spoiled !== null) return null;
    return this.#spoil("dead-letter");
  }

  /** Its end is still waited for, so that the rest of it is not taken for another one. */
  #spoil(reason: Spoiled): Change {
    if (this.#open === null || this.#open.spoiled !== null) return null;
    this.#open.spoil(reason);
    return this.#tellSpoiled(reason);
  }

  #tellSpoiled(reason: Spoiled): Change {
    this.#finish(reason, {});
    return CHANGED;
  }

  #finish(outcome: SnapshotOutcome, more: Record<string, unknown>): void {
    tellOutcome(this.#deps, this.#table, outcome, more);
  }

  /** Flattened events carry no marks unless the connector is told to add them. */
  #tellOfMissingMarks(event: RowEvent): void {
    if (event.op !== "read" || event.meta.snapshot !== "none" || this.#hasToldOfMarks) return;
    this.#hasToldOfMarks = true;
    this.#deps.logger.warn(
      { ...this.#table },
      "rows of a snapshot come without its marks: what vanished cannot be told; flattened events need the field source.snapshot",
    );
  }
}
