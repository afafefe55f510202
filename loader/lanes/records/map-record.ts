/** From a record to the mutations of its rows: decoding and mapping, without waiting for anything. */
import { CtlstoreError, quote } from "../../../core/errors.ts";
import type { ChangeEvent, RowEvent, TruncateEvent } from "../../events/change-event.ts";
import type { KafkaRecord } from "../../kafka/consumer.ts";
import { partitionKey } from "../../kafka/partition-key.ts";
import type { MappingKeeper, SchemaNeed, TableMapping } from "../../mapping/mapping.ts";
import { isOnlyTable } from "../../mapping/only-table.ts";
import type { RecordDecoder } from "../lane-contract.ts";
import type { NotLoadedReason } from "../lane-meter.ts";
import type { MappedRecord } from "../units/unit-maker.ts";

export type MapOutcome =
  | {
      readonly kind: "mapped";
      readonly mapped: MappedRecord;
      /** Why it has no mutations; null when it has some, or stands for work on its table. */
      readonly notLoaded: NotLoadedReason | null;
    }
  | { readonly kind: "needs"; readonly need: SchemaNeed };

export class RecordMapper {
  readonly #decoder: RecordDecoder;
  readonly #keeper: MappingKeeper;
  /** By partition, the last delete of a table that the mapping drops. */
  readonly #droppedDeletes = new Map<string, KafkaRecord>();

  constructor(decoder: RecordDecoder, keeper: MappingKeeper) {
    this.#decoder = decoder;
    this.#keeper = keeper;
  }

  /** @throws CtlstoreError `event_malformed`, `event_unmapped`, `event_refused` */
  map(record: KafkaRecord): MapOutcome {
    const event = this.#decoder.decode(record);
    switch (event.kind) {
      case "transaction":
        return withoutRows(record, event, "transaction");
      case "other":
        return withoutRows(record, event, event.what);
      case "truncate":
        return this.#mapTruncate(record, event);
      case "row":
        return this.#mapRow(record, event);
    }
  }

  #mapTruncate(record: KafkaRecord, event: TruncateEvent): MapOutcome {
    const target = this.#keeper.current.target(record.topic, event);
    if (target === "drop") return withoutRows(record, event, "dropped");
    switch (target.onTruncate) {
      case "ignore":
        return withoutRows(record, event, "truncate-ignored");
      case "clear":
        if (!isOnlyTable(target, event)) throw truncatedOne(target);
        return mapped({ record, event, target, mutations: [] }, null);
      case "stop":
        throw truncated(target);
    }
  }

  /** Its key may be that of a row of another table in the topic, which it must not take. */
  #isEchoOfDropped(record: KafkaRecord, event: RowEvent): boolean {
    if (!event.isTombstone || this.#droppedDeletes.size === 0) return false;
    const dropped = this.#droppedDeletes.get(partitionKey(record));
    return dropped !== undefined && isRightBehind(record, dropped) && areSameBytes(record.key, dropped.key);
  }

  #mapRow(record: KafkaRecord, event: RowEvent): MapOutcome {
    const target = this.#keeper.current.target(record.topic, event);
    if (target === "drop" || this.#isEchoOfDropped(record, event)) {
      if (event.isTombstone) return withoutRows(record, event, "tombstone");
      if (event.op === "delete") this.#droppedDeletes.set(partitionKey(record), record);
      return withoutRows(record, event, "dropped");
    }
    const need = target.schemaNeed(event);
    if (need !== null) return { kind: "needs", need };
    const mutations = target.toMutations(event, record.partition);
    const reason = event.isTombstone ? "tombstone" : "delete-of-nothing";
    return mapped({ record, event, target, mutations }, mutations.length > 0 ? null : reason);
  }
}

/** Between two records may be the end of a producer's transaction. */
const NEXT_WITHIN = 2;

function isRightBehind(record: KafkaRecord, before: KafkaRecord): boolean {
  const distance = record.offset - before.offset;
  return distance > 0 && distance <= NEXT_WITHIN;
}

function areSameBytes(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one !== null && other !== null && Buffer.compare(one, other) === 0;
}

function withoutRows(record: KafkaRecord, event: ChangeEvent, reason: NotLoadedReason): MapOutcome {
  return mapped({ record, event, target: null, mutations: [] }, reason);
}

function mapped(record: MappedRecord, notLoaded: NotLoadedReason | null): MapOutcome {
  return { kind: "mapped", mapped: record, notLoaded };
}

function truncated({ family, table }: TableMapping): CtlstoreError {
  return new CtlstoreError(
    "event_refused",
    `Cannot load the truncation of ${family}/${table}: the mapping says to stop there`,
    { hint: 'set "onTruncate" of the table to "clear" or "ignore"' },
  );
}

function truncatedOne({ family, table, topic }: TableMapping): CtlstoreError {
  return new CtlstoreError(
    "event_refused",
    `Cannot clear ${family}/${table}: the origin truncated one table, and topic ${quote(topic)} may have rows of several`,
    { hint: "name the table of the origin in the mapping (`source`), or set `onTruncate` to `ignore`" },
  );
}

/** A record that was put aside, or whose mark alone is wanted and that cannot be read any more. */
export function unreadable(record: KafkaRecord): MappedRecord {
  return { record, event: null, target: null, mutations: [] };
}
