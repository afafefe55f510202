/** Records as they are after decoding and mapping, made directly: for what is tested behind the two. */
import type { ChangeEvent, RowEvent, SnapshotMark } from "../../loader/events/change-event.ts";
import type { KafkaRecord } from "../../loader/kafka/consumer.ts";
import type { MappedRecord } from "../../loader/lanes/units/unit-maker.ts";
import type { RowMutation, TableMapping } from "../../loader/mapping/mapping.ts";

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs?: number;
}

export function recordAt({ topic, partition, offset, timestampMs = offset }: Place): KafkaRecord {
  return { topic, partition, offset, key: null, value: new Uint8Array(10), headers: new Map(), timestampMs };
}

export interface RowParts {
  readonly op?: RowEvent["op"];
  readonly snapshot?: SnapshotMark;
  readonly transaction?: { readonly id: string; readonly order: number } | null;
  readonly source?: { readonly database: string; readonly table: string } | null;
  readonly isTombstone?: boolean;
  readonly timestampMs?: number;
}

export function rowEvent(parts: RowParts): RowEvent {
  const { op = "create", snapshot = "none", transaction = null, source = null, isTombstone = false } = parts;
  return {
    kind: "row",
    op,
    meta: {
      source: source === null ? null : { ...source, schema: null },
      snapshot,
      timestampMs: parts.timestampMs ?? 0,
      transaction,
    },
    key: null,
    before: null,
    after: op === "delete" ? null : { values: {}, types: null },
    isTombstone,
    newKeyFollows: false,
  };
}

export function mappedAt(
  place: Place,
  event: ChangeEvent | null,
  mutations: readonly RowMutation[] = [],
  target: TableMapping | null = null,
): MappedRecord {
  return { record: recordAt(place), event, target, mutations };
}
