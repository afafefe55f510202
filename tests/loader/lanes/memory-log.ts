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

interface Log {
  low: number;
  /** Offset of the next record. */
  high: number;
  readonly records: KafkaRecord[];
}

export class MemoryLog {
  readonly #logs = new Map<string, Log>();

  /** Adds a record at the end of a partition. */
  append({ topic, partition }: TopicPartition, record: Unplaced): KafkaRecord {
    const log = this.#log({ topic, partition });
    const offset = this.end({ topic, partition });
    const placed = { ...record, topic, partition, offset };
    log.high = offset + 1;
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

  low(place: TopicPartition): number {
    return this.#log(place).low;
  }

  end(place: TopicPartition): number {
    return this.#log(place).high;
  }

  /** Offsets that no reader ever sees: marks of a producer's transactions, or what compaction removed. */
  skip(place: TopicPartition, offsets: number): void {
    this.#log(place).high += offsets;
  }

  read({ topic, partition, next }: Position, most: number): readonly KafkaRecord[] {
    const { records } = this.#log({ topic, partition });
    const first = records.findIndex(({ offset }) => offset >= next);
    return first === -1 ? [] : records.slice(first, first + most);
  }

  #log({ topic, partition }: TopicPartition): Log {
    const name = `${topic}/${partition}`;
    const log = this.#logs.get(name) ?? { low: 0, high: 0, records: [] };
    this.#logs.set(name, log);
    return log;
  }
}
