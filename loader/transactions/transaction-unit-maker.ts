/**
 * Makes one unit of each transaction of the origin, from its events in many partitions and the END in Debezium's
 * transaction topic.
 *
 * Units go in the order of the ENDs. Each partition is a queue: what stands in front of it goes first, so a position never
 * passes an event that has not taken effect, and a restart finds every transaction whole again (I3, R30). What belongs to no
 * transaction keeps its place in its partition.
 *
 * No transaction is waited for without end: when the rest does not come in time, or when what waits becomes too much, it
 * goes as it is, is counted and told of.
 */
import { LANE_LIMITS, TRANSACTION_LIMITS } from "../../core/limits.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { TopicPartition } from "../kafka/consumer.ts";
import type { IsAtEnd } from "../lanes/records/intake.ts";
import type { SnapshotTracker } from "../lanes/snapshot-tracker.ts";
import type { SourcedMutation, Unit } from "../lanes/units/unit.ts";
import type { MappedRecord, UnitMaker } from "../lanes/units/unit-maker.ts";
import { composeUnits, rowsUnit, type Taken, tableUnit } from "./compose-units.ts";
import { GoneTransactions } from "./gone-transactions.ts";
import type { HeldPartition } from "./held-records.ts";
import type { OpenTransaction } from "./open-transaction.ts";
import { TransactionPatience } from "./patience.ts";
import type { TransactionMeter, TransactionOutcome } from "./transaction-meter.ts";
import { TransactionQueues } from "./transaction-queues.ts";

export interface TransactionUnitMakerDeps {
  readonly tracker: SnapshotTracker;
  readonly meter: TransactionMeter;
  readonly logger: Logger;
}

export interface TransactionUnitMakerOptions {
  /** Debezium's transaction topic, one of the lane's; it has one partition (`assertOrdered`). */
  readonly transactionTopic: string;
  /** All of the lane's. */
  readonly partitions: readonly TopicPartition[];
  /** How long the rest of a transaction is waited for while there is nothing else to be read. */
  readonly waitMs?: number;
  /** What one transaction may have before it goes in parts; all together may have twice that. */
  readonly records?: number;
  readonly bytes?: number;
  /** Mutations of one request: a transaction with more is counted as cut. */
  readonly batchRows?: number;
}

export class TransactionUnitMaker implements UnitMaker {
  readonly #deps: TransactionUnitMakerDeps;
  readonly #options: Required<TransactionUnitMakerOptions>;
  readonly #queues: TransactionQueues;
  readonly #patience: TransactionPatience;
  readonly #gone = new GoneTransactions();
  #isAheadInVain = false;
  #units: Unit[] = [];

  constructor(deps: TransactionUnitMakerDeps, options: TransactionUnitMakerOptions) {
    this.#deps = deps;
    this.#options = {
      waitMs: TRANSACTION_LIMITS.waitMs,
      records: TRANSACTION_LIMITS.records,
      bytes: TRANSACTION_LIMITS.bytes,
      batchRows: LANE_LIMITS.batchRows,
      ...options,
    };
    this.#queues = new TransactionQueues(options.transactionTopic, options.partitions);
    this.#patience = new TransactionPatience(this.#queues, options.partitions, this.#options.waitMs);
  }

  get held(): { readonly records: number; readonly bytes: number } {
    return this.#queues.held;
  }

  /**
   * Partitions that are read too far ahead of the others: what they bring only waits. Not reading them for a while lets the
   * others catch up, before so much is held that transactions are let through in parts.
   */
  get ahead(): readonly TopicPartition[] {
    return this.#isAheadInVain ? [] : this.#farAhead();
  }

  #farAhead(): readonly HeldPartition[] {
    const { records, bytes } = this.held;
    if (records < this.#options.records && bytes < this.#options.bytes) return [];
    const all = [...this.#queues.partitions, this.#queues.marks];
    return all.filter(({ size }) => size * all.length > records);
  }

  push(mapped: MappedRecord): readonly Unit[] {
    const { partition, transaction } = this.#queues.push(mapped, this.#patience.quiet);
    if (transaction !== null && this.#isTooLarge(transaction)) this.#letGoInParts(transaction);
    if (partition !== this.#queues.marks) this.#drainFree(partition);
    this.#drainWhole();
    this.#makeRoom();
    return this.#takeUnits();
  }

  replay(mapped: MappedRecord): void {
    this.#deps.tracker.observe(mapped, true);
  }

  tick(nowMs: number, isAtEnd: IsAtEnd): readonly Unit[] {
    const isAtSomeEnd = (partition: TopicPartition) => isAtEnd(partition);
    this.#patience.note(nowMs, isAtSomeEnd);
    this.#letGoWhatStaysIncomplete();
    this.#letGoWhatHasNoEnd();
    // The others have nothing more to bring: then only reading on shows what comes of the transactions.
    const ahead = this.#farAhead();
    const isOther = (place: TopicPartition) => !ahead.some((far) => isSame(far, place));
    this.#isAheadInVain = this.#options.partitions.filter(isOther).every(isAtSomeEnd);
    const isRead: IsAtEnd = (partition, sinceMs) =>
      isAtEnd(partition, sinceMs) && this.#queues.sizeOf(partition) === 0;
    for (const { task, openSnapshots } of this.#deps.tracker.tick(nowMs, isRead)) {
      if (task !== null) this.#units.push(tableUnit(task));
      if (openSnapshots !== null) this.#units.push({ ...rowsUnit([], [], false), openSnapshots });
    }
    return this.#takeUnits();
  }

  #takeUnits(): readonly Unit[] {
    const units = this.#units;
    this.#units = [];
    return units;
  }

  // What waits for nothing

  #drainFree(partition: HeldPartition): void {
    for (let { head } = partition; head !== undefined && !this.#queues.isBound(head); { head } = partition) {
      this.#queues.takeHead(partition);
      this.#emit([{ partition, records: [head] }], null);
    }
  }

  #drainWhole(): void {
    for (let next = this.#nextEnd(); next !== null; next = this.#nextEnd()) {
      if (next.missing(this.#queues.collections)?.size !== 0) return;
      this.#letGo(next, "whole");
    }
  }

  /** The transaction whose END is next; marks before that say nothing any more. */
  #nextEnd(): OpenTransaction | null {
    const { marks, open } = this.#queues;
    for (let { head } = marks; head !== undefined; { head } = marks) {
      const transaction = head.transaction === null ? undefined : open.get(head.transaction);
      if (transaction !== undefined && !transaction.isInParts) return transaction;
      this.#queues.takeHead(marks);
      if (transaction !== undefined) this.#close(transaction);
      this.#emit([{ partition: marks, records: [head] }], null);
    }
    return null;
  }

  // What goes together

  #letGo(transaction: OpenTransaction, outcome: "whole" | "incomplete" | "without-end"): void {
    const isRepeat = this.#gone.has(transaction.id);
    const inTheWay = this.#inTheWayOf(transaction);
    if (isRepeat && inTheWay.length > 0) {
      this.#letGoInParts(transaction);
      return;
    }
    // Others that stand before its events have no END before its own: theirs is lost, or they are another origin's.
    for (const other of inTheWay) {
      this.#letGoInParts(other);
      this.#close(other);
    }
    const taken = this.#queues.take(transaction);
    this.#close(transaction);
    const mutations = this.#emit(taken, transaction.id);
    if (isRepeat) this.#count(transaction, "repeated");
    else this.#count(transaction, outcome === "whole" && this.#isCut(mutations) ? "cut" : outcome);
    for (const partition of transaction.lastOf.keys()) this.#drainFree(partition);
  }

  #close(transaction: OpenTransaction): void {
    this.#gone.add(transaction.id);
    this.#queues.close(transaction);
  }

  /** Transactions with events before those of this one, in some partition. */
  #inTheWayOf(transaction: OpenTransaction): readonly OpenTransaction[] {
    const others = new Set<OpenTransaction>();
    for (const [partition, last] of transaction.lastOf) {
      for (const held of partition.upTo(last)) {
        const other = held.transaction === null ? undefined : this.#queues.open.get(held.transaction);
        if (other !== undefined && other !== transaction && !other.isInParts) others.add(other);
      }
    }
    return [...others];
  }

  /** From now on its events go as they come to the front of their partitions. */
  #letGoInParts(transaction: OpenTransaction): void {
    if (transaction.isInParts) return;
    transaction.isInParts = true;
    this.#count(transaction, this.#gone.has(transaction.id) ? "repeated" : "in-parts");
    for (const partition of transaction.lastOf.keys()) this.#drainFree(partition);
  }

  #emit(taken: readonly Taken[], transaction: string | null): readonly SourcedMutation[] {
    const { units, mutations } = composeUnits(taken, this.#deps.tracker, transaction);
    this.#units.push(...units);
    return mutations;
  }

  #isCut(mutations: readonly SourcedMutation[]): boolean {
    const families = new Set(mutations.map(({ mutation }) => mutation.family));
    return families.size > 1 || mutations.length > this.#options.batchRows;
  }

  #count({ id, events, records }: OpenTransaction, outcome: TransactionOutcome): void {
    const { meter, logger } = this.#deps;
    meter.transaction(outcome);
    if (outcome === "whole") return;
    const fields = { transaction: id, outcome, events, records };
    if (outcome === "cut") logger.debug(fields, "a transaction of the origin takes several batches");
    else if (outcome === "repeated")
      logger.info(fields, "the connector sent events again that had taken effect");
    else logger.warn(fields, "a transaction of the origin goes into the ledger in pieces");
  }

  // What has waited long enough

  #letGoWhatStaysIncomplete(): void {
    for (let next = this.#nextEnd(); next !== null; next = this.#nextEnd()) {
      const missing = next.missing(this.#queues.collections);
      if (missing?.size === 0) this.#letGo(next, "whole");
      else if (this.#isOverdue(next, missing) || this.#patience.hasPassed(next, missing))
        this.#letGo(next, "incomplete");
      else return;
    }
  }

  #letGoWhatHasNoEnd(): void {
    const { open } = this.#queues;
    for (const transaction of [...open.values()]) {
      if (transaction.end !== null || !this.#isOverdue(transaction, null)) continue;
      if (transaction.isInParts) this.#close(transaction);
      else if (open.has(transaction.id)) this.#letGo(transaction, "without-end");
    }
  }

  #isOverdue(transaction: OpenTransaction, topics: ReadonlySet<string> | null): boolean {
    return this.#patience.isOver(transaction, topics, this.#gone.has(transaction.id));
  }

  // What is too much (I13)

  #isTooLarge({ records, bytes }: OpenTransaction): boolean {
    return records > this.#options.records || bytes > this.#options.bytes;
  }

  #makeRoom(): void {
    const { records, bytes } = this.#options;
    while (this.held.records > 2 * records || this.held.bytes > 2 * bytes) {
      const next = this.#nextEnd() ?? this.#oldest();
      if (next === null) return;
      if (next.end === null) this.#letGoInParts(next);
      else this.#letGo(next, "incomplete");
      this.#drainWhole();
    }
  }

  #oldest(): OpenTransaction | null {
    for (const transaction of this.#queues.open.values()) if (!transaction.isInParts) return transaction;
    return null;
  }
}

function isSame(one: TopicPartition, other: TopicPartition): boolean {
  return one.partition === other.partition && one.topic === other.topic;
}
