/** Records of one partition that wait for others of their transaction, in their order. */
import type { TopicPartition } from "../kafka/consumer.ts";
import type { MappedRecord } from "../lanes/units/unit-maker.ts";

export interface HeldRecord {
  readonly mapped: MappedRecord;
  readonly bytes: number;
  /** The transaction that it takes effect with; null when it belongs to none. */
  readonly transaction: string | null;
  /** Within the transaction; null of a tombstone or a dead letter, which go with the event before them. */
  readonly order: number | null;
}

/** Taken ones are cut off when there are so many: moving all the others up each time would take quadratic time. */
const CUT_OFF = 1_024;

export class HeldPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  #records: HeldRecord[] = [];
  #first = 0;

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic;
    this.partition = partition;
  }

  get head(): HeldRecord | undefined {
    return this.#records[this.#first];
  }

  get newest(): HeldRecord | undefined {
    return this.size === 0 ? undefined : this.#records.at(-1);
  }

  get size(): number {
    return this.#records.length - this.#first;
  }

  push(held: HeldRecord): void {
    this.#records.push(held);
  }

  shift(): HeldRecord | undefined {
    const { head } = this;
    if (head === undefined) return undefined;
    this.#first += 1;
    if (this.#first >= CUT_OFF && this.#first * 2 >= this.#records.length) {
      this.#records = this.#records.slice(this.#first);
      this.#first = 0;
    }
    return head;
  }

  /** The newest first. */
  *backwards(): Generator<HeldRecord> {
    for (let at = this.#records.length - 1; at >= this.#first; at--) {
      const held = this.#records[at];
      if (held !== undefined) yield held;
    }
  }

  /** The oldest first, up to and with `last`; without it all of them. */
  upTo(last: HeldRecord | null): readonly HeldRecord[] {
    const end = last === null ? this.#records.length : this.#records.indexOf(last, this.#first) + 1;
    return this.#records.slice(this.#first, end);
  }
}
