/**
 * Records that wait for decoding, and how far each partition of a lane has been read.
 *
 * Bounded by whoever offers: it stops fetching while this is full (I13).
 */
import { CtlstoreError, quote } from "../../../core/errors.ts";
import type { KafkaRecord, Position, TopicPartition } from "../../kafka/consumer.ts";
import { recordBytes } from "../../kafka/record-bytes.ts";

/** How far a partition is on its way through the lane. */
export interface Reading extends TopicPartition {
  /** The first offset that has not been offered. */
  offered: number;
  /** The first offset that has not gone through decoding. */
  read: number;
  /** Records below took effect before this lane was opened. */
  replayedUntil: number;
  /** The furthest end that was seen: more may have been written since. */
  end: number | null;
  /** Where the partition ended when the broker was asked last. */
  measured: { readonly high: number; readonly askedMs: number } | null;
  readTimestampMs: number | null;
}

/**
 * Whether a partition has been read to its end, as far as that is known: to an end that was seen once.
 * @param askedSinceMs of the monotonic clock: with it, to the end that the broker has told since then
 */
export type IsAtEnd = (partition: TopicPartition, askedSinceMs?: number) => boolean;

export interface IntakeLimits {
  readonly records: number;
  readonly bytes: number;
}

export class Intake {
  readonly #limits: IntakeLimits;
  readonly #onChange: () => void;
  readonly #readings = new Map<string, Map<number, Reading>>();
  #waiting: KafkaRecord[] = [];
  /** Index of the first in `#waiting` that has not been taken. */
  #first = 0;
  #bytes = 0;

  constructor(partitions: readonly TopicPartition[], limits: IntakeLimits, onChange: () => void) {
    this.#limits = limits;
    this.#onChange = onChange;
    for (const { topic, partition } of partitions) {
      const ofTopic = this.#readings.get(topic) ?? new Map<number, Reading>();
      const reading = {
        topic,
        partition,
        offered: 0,
        read: 0,
        replayedUntil: 0,
        end: null,
        measured: null,
        readTimestampMs: null,
      };
      this.#readings.set(topic, ofTopic.set(partition, reading));
    }
  }

  get readings(): Reading[] {
    return [...this.#readings.values()].flatMap((ofTopic) => [...ofTopic.values()]);
  }

  get count(): number {
    return this.#waiting.length - this.#first;
  }

  get isFull(): boolean {
    return this.fullness >= 1;
  }

  /** What waits, as a part of what may; more than 1 when more was offered all the same. */
  get fullness(): number {
    return Math.max(this.count / this.#limits.records, this.#bytes / this.#limits.bytes);
  }

  /** @throws CtlstoreError `internal`: a partition of another lane */
  reading({ topic, partition }: TopicPartition): Reading {
    const reading = this.#readings.get(topic)?.get(partition);
    if (reading !== undefined) return reading;
    throw new CtlstoreError(
      "internal",
      `Cannot read partition ${partition} of ${quote(topic)}: it is not of this lane`,
    );
  }

  offer(records: readonly KafkaRecord[]): void {
    for (const record of records) {
      const reading = this.reading(record);
      reading.offered = Math.max(reading.offered, record.offset + 1);
      this.#waiting.push(record);
      this.#bytes += recordBytes(record);
    }
    this.#onChange();
  }

  reachedEnd(position: Position): void {
    const reading = this.reading(position);
    reading.end = Math.max(reading.end ?? 0, position.next);
    this.#onChange();
  }

  measured(position: Position, askedMs: number): void {
    this.reading(position).measured = { high: position.next, askedMs };
    this.#onChange();
  }

  take(): KafkaRecord | null {
    const record = this.#waiting[this.#first];
    if (record === undefined) return null;
    this.#first += 1;
    this.#bytes -= recordBytes(record);
    // Those that were taken go in large pieces: one by one would move the rest each time.
    if (this.#first >= 1_024 || this.#first === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return record;
  }

  isAtEnd(partition: TopicPartition, askedSinceMs?: number): boolean {
    const reading = this.reading(partition);
    if (askedSinceMs === undefined) return isAtEnd(reading);
    return reading.measured !== null && reading.measured.askedMs >= askedSinceMs && hasReadMeasured(reading);
  }
}

/** The partition has been read to its end: to the one that was seen after its last record, or to where its broker has it. */
export function isAtEnd(reading: Reading): boolean {
  const { measured, offered } = reading;
  return isAtSeen(reading) || (measured !== null && offered <= measured.high && hasReadMeasured(reading));
}

/** An end that was seen before a record that has come since is none any more. Behind the last record may be gaps. */
function isAtSeen({ end, read, offered }: Reading): boolean {
  return end !== null && offered <= end && read >= offered;
}

/** All that there was when the broker was asked, whatever has come since. */
function hasReadMeasured(reading: Reading): boolean {
  const { end, measured, read } = reading;
  if (measured === null) return false;
  return read >= measured.high || (isAtSeen(reading) && end !== null && end >= measured.high);
}
