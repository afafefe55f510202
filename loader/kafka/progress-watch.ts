/**
 * Knows how far each assigned partition has come, and which one has been quiet for suspiciously long.
 *
 * The addon drops an error that comes behind records in one of its batches, and librdkafka says "this offset is gone" once,
 * then stops reading the partition. So a quiet partition is asked now and then whether it still holds its next record: else
 * lost events could look like no events (R30).
 */
import { CtlstoreError } from "../../core/errors.ts";
import { KAFKA_LIMITS } from "../../core/limits.ts";
import type { Position, TopicPartition, Watermarks } from "./consumer.ts";

interface Watched {
  readonly topic: string;
  readonly partition: number;
  next: number;
  /** Since when nothing has come. */
  quietSinceMs: number;
  isPaused: boolean;
}

export class ProgressWatch {
  readonly #partitions = new Map<string, Map<number, Watched>>();
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  /** Forgets everything but these. */
  assign(positions: readonly Position[], nowMs: number): void {
    this.#partitions.clear();
    for (const { topic, partition, next } of positions) {
      const ofTopic = this.#partitions.get(topic) ?? new Map<number, Watched>();
      this.#partitions.set(topic, ofTopic);
      ofTopic.set(partition, { topic, partition, next, quietSinceMs: nowMs, isPaused: false });
    }
  }

  /** Something has come from a partition, up to before `next`. */
  advance({ topic, partition }: TopicPartition, next: number, nowMs: number): void {
    const watched = this.#partitions.get(topic)?.get(partition);
    if (watched === undefined) return;
    watched.next = next;
    watched.quietSinceMs = nowMs;
  }

  setPaused({ topic, partition }: TopicPartition, isPaused: boolean, nowMs: number): void {
    const watched = this.#partitions.get(topic)?.get(partition);
    if (watched === undefined) return;
    watched.isPaused = isPaused;
    watched.quietSinceMs = nowMs;
  }

  has({ topic, partition }: TopicPartition): boolean {
    return this.#partitions.get(topic)?.has(partition) ?? false;
  }

  /** The partition that has been quiet the longest, when it is time to look at one; its quiet begins anew. */
  due(nowMs: number): Position | null {
    if (nowMs - this.#lookedAtMs < KAFKA_LIMITS.quietIntervalMs) return null;
    let quietest: Watched | null = null;
    for (const watched of this.#all()) {
      if (watched.isPaused || nowMs - watched.quietSinceMs < KAFKA_LIMITS.quietMs) continue;
      if (quietest === null || watched.quietSinceMs < quietest.quietSinceMs) quietest = watched;
    }
    if (quietest === null) return null;
    this.#lookedAtMs = nowMs;
    quietest.quietSinceMs = nowMs;
    const { topic, partition, next } = quietest;
    return { topic, partition, next };
  }

  /** Whether a partition still stands where it was when it was looked at. */
  isAt({ topic, partition, next }: Position): boolean {
    return this.#partitions.get(topic)?.get(partition)?.next === next;
  }

  positions(): readonly Position[] {
    return [...this.#all()].map(({ topic, partition, next }) => ({ topic, partition, next }));
  }

  *#all(): Iterable<Watched> {
    for (const ofTopic of this.#partitions.values()) yield* ofTopic.values();
  }
}

/** The error about a position that its partition does not have; null when it does. */
export function lostAt(position: Position, { low, high }: Watermarks): CtlstoreError | null {
  const { topic, partition, next } = position;
  if (next >= low && next <= high) return null;
  const state =
    next < low
      ? `the oldest event that is kept is at ${low}`
      : `it ends at ${high}, as if it had been made anew or had lost its end`;
  return new CtlstoreError("events_lost", `Cannot read ${topic} [${partition}] at offset ${next}: ${state}`, {
    hint:
      next < low
        ? "Kafka removed events before they were loaded: let Debezium take a new snapshot, or go on with --lost-events continue."
        : "Look at what happened to the topic; --lost-events continue goes on at what it has.",
  });
}
