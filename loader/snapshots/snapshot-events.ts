/** What single events say of a snapshot: when a row is one of it, and which of two ends is its own. */
import type { RowEvent } from "../events/change-event.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { SnapshotEnd } from "./open-snapshot.ts";

/** A later row that is marked as the last one is that of a snapshot that started over. */
export function replaces(end: SnapshotEnd, isMarked: boolean, record: KafkaRecord): boolean {
  return isMarked && (!end.isMarked || isLater(record, end.record));
}

export function isLater(one: KafkaRecord, other: KafkaRecord): boolean {
  return (one.timestampMs ?? 0) > (other.timestampMs ?? Number.POSITIVE_INFINITY);
}

/** A row of a snapshot of whole tables. */
export function isRead({ op, meta: { snapshot } }: RowEvent): boolean {
  return op === "read" && snapshot !== "none" && snapshot !== "incremental";
}

/** A tombstone says nothing of when it was; a read without a mark may be of a snapshot. */
export function isEchoOrRead({ isTombstone, op }: RowEvent): boolean {
  return isTombstone || op === "read";
}
