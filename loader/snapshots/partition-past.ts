/**
 * What is known of a partition from before a snapshot's first record in it.
 *
 * Partitions are read side by side, one perhaps hours ahead of another. A row that the origin made after a snapshot may
 * thus have been loaded from one partition before the snapshot's first record is seen in another: it has no mark, and must
 * not be taken for vanished.
 */
import type { KafkaRecord } from "../kafka/consumer.ts";

interface Seen {
  readonly offset: number;
  readonly timeMs: number;
}

export class PartitionPast {
  /** Offset that the first record should have: what is below took effect before this process knew the partition. */
  readonly #expected: number;
  #first: Seen | null = null;
  #last: Seen | null = null;

  /** @param expected the cookie's position; 0 when it has none */
  constructor(expected: number) {
    this.#expected = expected;
  }

  copy(): PartitionPast {
    const copy = new PartitionPast(this.#expected);
    copy.#first = this.#first;
    copy.#last = this.#last;
    return copy;
  }

  note({ offset, timestampMs }: KafkaRecord): void {
    this.#last = { offset, timeMs: timestampMs ?? Number.POSITIVE_INFINITY };
    this.#first ??= this.#last;
  }

  /**
   * True when nothing lies between what this process has seen last, or the beginning of the partition, and this offset. What
   * came before a position that was only read from the cookie is not known.
   */
  isNext(offset: number): boolean {
    return this.#last === null ? this.#expected === 0 && offset === 0 : offset === this.#last.offset + 1;
  }

  /** True when offsets are missing between what was seen last and this one. */
  isBehindGap(offset: number): boolean {
    return this.#last !== null && offset > this.#last.offset + 1;
  }

  /** True when records that may be of the snapshot were skipped. @param inside offset of the first one in the snapshot */
  hasLost(snapshotMs: number, inside: number | undefined): boolean {
    if (this.#first !== null) return this.#first.offset !== this.#expected && this.#first.timeMs > snapshotMs;
    return inside !== undefined && inside !== this.#expected;
  }

  /**
   * True when everything that took effect before the snapshot's own records is older than the snapshot.
   * @param knownMs when this process began to look: what took effect before is older than that
   */
  isOlderThan(snapshotMs: number, knownMs: number): boolean {
    if (this.#last !== null) return this.#last.timeMs <= snapshotMs;
    return this.#expected === 0 || knownMs <= snapshotMs;
  }
}
