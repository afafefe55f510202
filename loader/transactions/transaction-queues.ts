/**
 * What has come of a lane and not gone yet: records in queues, one for each partition, and the transactions that they are
 * part of.
 */
import type { TopicPartition } from "../kafka/consumer.ts";
import { partitionKey } from "../kafka/partition-key.ts";
import type { MappedRecord } from "../lanes/units/unit-maker.ts";
import { CollectionTopics } from "./collections.ts";
import { HeldPartition, type HeldRecord } from "./held-records.ts";
import { heldAlone, isFollower, memberOf } from "./member.ts";
import { OpenTransaction, type Quiet } from "./open-transaction.ts";

export interface Arrived {
  readonly partition: HeldPartition;
  /** The one that the record belongs to. */
  readonly transaction: OpenTransaction | null;
}

export class TransactionQueues {
  /** In the order in which they were first seen. */
  readonly open = new Map<string, OpenTransaction>();
  readonly collections: CollectionTopics;
  /** ENDs and BEGINs, in the order of the transaction topic. */
  readonly marks: HeldPartition;
  readonly #events = new Map<string, HeldPartition>();
  #records = 0;
  #bytes = 0;

  constructor(transactionTopic: string, partitions: readonly TopicPartition[]) {
    this.marks = new HeldPartition({ topic: transactionTopic, partition: 0 });
    const others = partitions.filter(({ topic }) => topic !== transactionTopic);
    for (const partition of others) this.#events.set(partitionKey(partition), new HeldPartition(partition));
    this.collections = new CollectionTopics([...new Set(others.map(({ topic }) => topic))]);
  }

  get held(): { readonly records: number; readonly bytes: number } {
    return { records: this.#records, bytes: this.#bytes };
  }

  /** Of events. */
  get partitions(): Iterable<HeldPartition> {
    return this.#events.values();
  }

  sizeOf(partition: TopicPartition): number {
    return this.#events.get(partitionKey(partition))?.size ?? 0;
  }

  /** @param quiet as `OpenTransaction.quiet` */
  push(mapped: MappedRecord, quiet: Quiet): Arrived {
    const isMark = mapped.record.topic === this.marks.topic;
    const partition = isMark ? this.marks : this.#partitionOf(mapped.record);
    const held = isMark ? this.#mark(mapped) : this.#event(mapped, partition);
    const transaction = held.transaction === null ? null : this.#join(held, partition, quiet);
    partition.push(held);
    this.#records += 1;
    this.#bytes += held.bytes;
    return { partition, transaction };
  }

  takeHead(partition: HeldPartition): HeldRecord | undefined {
    const held = partition.shift();
    if (held === undefined) return undefined;
    this.#records -= 1;
    this.#bytes -= held.bytes;
    return held;
  }

  /** Takes out what a transaction needs, and the copies of it that stand right behind. */
  take({ id, lastOf }: OpenTransaction): { partition: HeldPartition; records: HeldRecord[] }[] {
    const taken = [...lastOf].map(([partition, last]) => {
      const records = [...partition.upTo(last)];
      for (const _ of records) this.takeHead(partition);
      for (let { head } = partition; head?.transaction === id; { head } = partition) {
        records.push(head);
        this.takeHead(partition);
      }
      return { partition, records };
    });
    const end = this.marks.head;
    if (end?.transaction !== id) return taken;
    this.takeHead(this.marks);
    return [...taken, { partition: this.marks, records: [end] }];
  }

  /** The transaction is out of the way; what came of it once more, behind others, is another one. */
  close({ id, lastOf, hasCopies, quiet }: OpenTransaction): void {
    this.open.delete(id);
    if (!hasCopies) return;
    for (const partition of [...lastOf.keys(), this.marks]) {
      let before: HeldRecord | undefined;
      for (const held of partition.upTo(null)) {
        if (held.transaction === id) this.#join(held, partition, quiet, before);
        before = held;
      }
    }
  }

  /** True for a record that must wait for its transaction. */
  isBound({ transaction }: HeldRecord): boolean {
    return transaction !== null && this.open.get(transaction)?.isInParts === false;
  }

  #mark(mapped: MappedRecord): HeldRecord {
    const { event } = mapped;
    const isEnd = event?.kind === "transaction" && event.status === "end";
    return { ...heldAlone(mapped), transaction: isEnd ? event.id : null };
  }

  #event(mapped: MappedRecord, partition: HeldPartition): HeldRecord {
    if (mapped.event !== null) this.collections.learn(mapped.event, partition.topic);
    const member = memberOf(mapped);
    const alone = heldAlone(mapped);
    if (member !== null) return { ...alone, transaction: member.id, order: member.order };
    const before = partition.newest;
    if (before === undefined || !isFollower(mapped, before) || !this.isBound(before)) return alone;
    return { ...alone, transaction: before.transaction };
  }

  #join(
    held: HeldRecord,
    partition: HeldPartition,
    quiet: Quiet,
    before = partition.newest,
  ): OpenTransaction {
    const id = held.transaction ?? "";
    let transaction = this.open.get(id);
    if (transaction === undefined) {
      transaction = new OpenTransaction(id, quiet);
      this.open.set(id, transaction);
    }
    transaction.quiet = quiet;
    const { event } = held.mapped;
    if (partition !== this.marks) transaction.add(held, partition, before);
    else if (transaction.end !== null) transaction.hasCopies = true;
    else if (event?.kind === "transaction") transaction.end = event;
    return transaction;
  }

  #partitionOf(record: TopicPartition): HeldPartition {
    const name = partitionKey(record);
    let partition = this.#events.get(name);
    if (partition === undefined) {
      partition = new HeldPartition(record);
      this.#events.set(name, partition);
    }
    return partition;
  }
}
