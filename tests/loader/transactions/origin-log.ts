/** An origin's transactions as a connector writes them: events in many partitions, BEGIN and END in the transaction topic. */
import type { ChangeEvent, TransactionEvent } from "../../../loader/events/change-event.ts";
import type { TopicPartition } from "../../../loader/kafka/consumer.ts";
import type { MappedRecord } from "../../../loader/lanes/units/unit-maker.ts";
import type { RowMutation } from "../../../loader/mapping/mapping.ts";
import { mappedAt, rowEvent } from "../mapped-records.ts";

export const TRANSACTION_TOPIC = "shop.transaction";
/** Topics with their partitions; the last one is not read by the lane. */
const TABLES = [
  { table: "a", partitions: 2, isRead: true },
  { table: "b", partitions: 3, isRead: true },
  { table: "c", partitions: 1, isRead: true },
  { table: "unread", partitions: 1, isRead: false },
] as const;

export const PARTITIONS: readonly TopicPartition[] = [
  ...TABLES.filter(({ isRead }) => isRead).flatMap(({ table, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: topicOf(table), partition })),
  ),
  { topic: TRANSACTION_TOPIC, partition: 0 },
];

export function topicOf(table: string): string {
  return `shop.db.${table}`;
}

export type Rows = ReadonlyMap<string, number>;

export interface OriginTransaction {
  readonly id: string;
  /** In order, those that the lane reads: `table/key=number`, or `table/key-number` for a delete. */
  readonly changes: readonly string[];
  /** All rows after it. */
  readonly rows: Rows;
}

interface Sent {
  readonly place: TopicPartition;
  readonly event: ChangeEvent | null;
  readonly mutations: readonly RowMutation[];
}

/** The values of a tombstone's mutation, which may come later than its transaction and then changes nothing. */
export const ECHO = {};

export function changeText({ table, keyText, delete: isDelete, values }: RowMutation): string {
  return `${table}/${keyText}${isDelete ? "-" : "="}${String(values["n"])}`;
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

export class OriginLog {
  readonly transactions: OriginTransaction[] = [];
  /** By partition. */
  readonly log = new Map<string, MappedRecord[]>();
  readonly #random: () => number;
  readonly #rows = new Map<string, number>();
  /** Everything that the connector has produced, in its order, and which of it was delivered. */
  readonly #sent: Sent[] = [];
  #number = 0;

  constructor(random: () => number) {
    this.#random = random;
    for (const place of PARTITIONS) this.log.set(nameOf(place), []);
  }

  /** One transaction of the origin, delivered whole. */
  commit(): void {
    for (const sent of this.#transaction()) this.#deliver(sent);
  }

  /**
   * One transaction that the connector is killed in: of its last records some partitions get none. After its restart it
   * sends again from an earlier place.
   */
  commitWithRestart(): void {
    this.#transaction();
    const produced = this.#sent.length;
    const lostFrom = produced - 1 - this.#below(Math.min(8, produced - 1));
    const lacking = new Set(PARTITIONS.filter(() => this.#random() < 0.5).map(nameOf));
    const undelivered = this.#undelivered();
    let resumeAt = produced;
    for (const [at, sent] of undelivered) {
      if (at >= lostFrom && lacking.has(nameOf(sent.place))) resumeAt = Math.min(resumeAt, at);
      else this.#deliver(sent);
    }
    let from = Math.max(0, resumeAt - this.#below(12));
    // A delete and its tombstone have one place in the origin's log.
    while (this.#sent[from]?.mutations[0]?.values === ECHO) from -= 1;
    for (const sent of this.#sent.slice(from)) this.#deliver(sent);
    this.#delivered = this.#sent.length;
  }

  /** A heartbeat-like record that belongs to no transaction. */
  addStranger(): void {
    const place = this.#pick(PARTITIONS);
    this.#deliver({ place, event: { kind: "other", what: "heartbeat", timestampMs: 0 }, mutations: [] });
  }

  #delivered = 0;

  #undelivered(): (readonly [number, Sent])[] {
    return this.#sent.slice(this.#delivered).map((sent, i) => [this.#delivered + i, sent] as const);
  }

  #transaction(): readonly Sent[] {
    const id = `file=binlog.000001,pos=${this.transactions.length * 100 + 154}`;
    const start = this.#sent.length;
    this.#send(markPlace(), mark("begin", id, null));
    const changes: string[] = [];
    const counts = new Map<string, number>();
    const events = 1 + this.#below(5);
    for (let order = 1; order <= events; order++) {
      const { table, partitions, isRead } = this.#pick(TABLES);
      const key = this.#below(6);
      counts.set(`db.${table}`, (counts.get(`db.${table}`) ?? 0) + 1);
      if (!isRead) continue;
      const place = { topic: topicOf(table), partition: key % partitions };
      changes.push(...this.#change(place, { table, key: `k${key}` }, { id, order }));
    }
    this.#send(markPlace(), mark("end", id, counts));
    this.transactions.push({ id, changes, rows: new Map(this.#rows) });
    const sent = this.#sent.slice(start);
    return sent;
  }

  #change(
    place: TopicPartition,
    { table, key }: { table: string; key: string },
    transaction: { id: string; order: number },
  ): string[] {
    const isDelete = this.#random() < 0.3;
    this.#number += 1;
    const mutation: RowMutation = {
      family: "fam",
      table,
      delete: isDelete,
      values: { n: this.#number },
      keyText: key,
    };
    const op = isDelete ? "delete" : "update";
    this.#send(place, rowEvent({ op, transaction, timestampMs: this.#number }), [mutation]);
    const name = `${table}/${key}`;
    if (isDelete) {
      this.#rows.delete(name);
      this.#send(place, rowEvent({ op, isTombstone: true }), [{ ...mutation, values: ECHO }]);
      return [changeText(mutation)];
    }
    this.#rows.set(name, this.#number);
    return [changeText(mutation)];
  }

  #send(place: TopicPartition, event: ChangeEvent, mutations: readonly RowMutation[] = []): void {
    this.#sent.push({ place, event, mutations });
  }

  #deliver({ place, event, mutations }: Sent): void {
    const records = this.log.get(nameOf(place));
    records?.push(mappedAt({ ...place, offset: records.length }, event, mutations));
    this.#delivered = Math.max(this.#delivered, this.#sent.length);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(list: readonly T[]): T {
    const item = list[this.#below(list.length)];
    if (item === undefined) throw new Error("an empty list");
    return item;
  }
}

function markPlace(): TopicPartition {
  return { topic: TRANSACTION_TOPIC, partition: 0 };
}

export function mark(
  status: "begin" | "end",
  id: string,
  collections: ReadonlyMap<string, number> | null,
): TransactionEvent {
  const eventCount = collections === null ? null : [...collections.values()].reduce((sum, n) => sum + n, 0);
  return { kind: "transaction", status, id, timestampMs: 0, collections, eventCount };
}
