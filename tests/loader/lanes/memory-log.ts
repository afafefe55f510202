/** Partitions in memory: what a test has Kafka hold. */
import type { KafkaRecord, Position, TopicPartition } from "../../../loader/kafka/consumer.ts";
import { changeRecord, keyChangeHeaders, tombstone } from "../../support/debezium.ts";

export interface ItemRow {
  readonly id: string;
  /** Another for each event, so that the ledger tells which events took effect. */
  readonly n: number;
  readonly note?: string | null;
}

type Unplaced = Omit<KafkaRecord, "topic" | "partition" | "offset">;

export class MemoryLog {
  readonly #logs = new Map<string, { low: number; readonly records: KafkaRecord[] }>();

  /** Adds a record at the end of a partition. */
  append({ topic, partition }: TopicPartition, record: Unplaced): KafkaRecord {
    const log = this.#log({ topic, partition });
    const offset = this.end({ topic, partition });
    const placed = { ...record, topic, partition, offset };
    log.records.push(placed);
    return placed;
  }

  upsert(place: TopicPartition, row: ItemRow, op: "c" | "u" | "r" = "c"): KafkaRecord {
    return this.append(place, changeRecord({ op, after: { note: null, ...row } }));
  }

  /** With its tombstone. */
  remove(place: TopicPartition, row: ItemRow, newKey?: string): void {
    const headers = newKey === undefined ? {} : keyChangeHeaders("newkey", { id: newKey });
    this.append(place, changeRecord({ op: "d", before: { ...row }, headers }));
    this.append(place, tombstone({ id: row.id }));
  }

  /** Forgets the records below an offset. */
  deleteBefore({ topic, partition, next }: Position): void {
    const log = this.#log({ topic, partition });
    log.low = next;
    log.records.splice(0, log.records.findIndex(({ offset }) => offset >= next) >>> 0);
  }

  low(place: TopicPartition): number {
    return this.#log(place).low;
  }

  end(place: TopicPartition): number {
    const { low, records } = this.#log(place);
    return (records.at(-1)?.offset ?? low - 1) + 1;
  }

  read({ topic, partition, next }: Position, most: number): readonly KafkaRecord[] {
    const { records } = this.#log({ topic, partition });
    const first = records.findIndex(({ offset }) => offset >= next);
    return first === -1 ? [] : records.slice(first, first + most);
  }

  #log({ topic, partition }: TopicPartition): { low: number; readonly records: KafkaRecord[] } {
    const name = `${topic}/${partition}`;
    const log = this.#logs.get(name) ?? { low: 0, records: [] };
    this.#logs.set(name, log);
    return log;
  }
}
