/** A transaction of the origin while its events come in. */
import type { TransactionEvent } from "../events/change-event.ts";
import type { CollectionTopics } from "./collections.ts";
import type { HeldPartition, HeldRecord } from "./held-records.ts";

/** By partition, for how long in all it had been read to its end. */
export type Quiet = ReadonlyMap<string, number>;

export class OpenTransaction {
  readonly id: string;
  /** The last record of each partition that it needs. */
  readonly lastOf = new Map<HeldPartition, HeldRecord>();
  end: TransactionEvent | null = null;
  /** What comes of it goes as it comes. */
  isInParts = false;
  /** Some of it came more than once: a connector that was killed sends again. */
  hasCopies = false;
  records = 0;
  bytes = 0;
  /** How long there had been nothing to be read when something of it came last. */
  quiet: Quiet;
  readonly #orders = new Set<number>();
  /** Events, and dead letters that may be some of them. */
  readonly #byTopic = new Map<string, number>();

  constructor(id: string, quiet: Quiet) {
    this.id = id;
    this.quiet = quiet;
  }

  /** Events that came, each counted once. */
  get events(): number {
    return this.#orders.size;
  }

  /** @param before the record before it in the partition, if that is held */
  add(held: HeldRecord, partition: HeldPartition, before: HeldRecord | undefined): void {
    this.records += 1;
    this.bytes += held.bytes;
    const { order } = held;
    const isCopy = order === null ? this.lastOf.get(partition) !== before : this.#orders.has(order);
    if (isCopy) {
      this.hasCopies = true;
      return;
    }
    this.lastOf.set(partition, held);
    if (order !== null) this.#orders.add(order);
    if (order === null && held.mapped.event !== null) return;
    this.#byTopic.set(partition.topic, (this.#byTopic.get(partition.topic) ?? 0) + 1);
  }

  /** Topics from which events are missing; null when they may be in any. Empty when all are here. */
  missing(collections: CollectionTopics): ReadonlySet<string> | null {
    if (this.end === null) return null;
    if (this.end.collections === null) return this.events >= (this.end.eventCount ?? 0) ? new Set() : null;
    const expected = new Map<string, number>();
    for (const [collection, count] of this.end.collections) {
      const topic = collections.topicOf(collection);
      if (topic !== null) expected.set(topic, (expected.get(topic) ?? 0) + count);
    }
    const missing = [...expected].filter(([topic, count]) => (this.#byTopic.get(topic) ?? 0) < count);
    return new Set(missing.map(([topic]) => topic));
  }
}
