/**
 * Records of Debezium's topics as change events: the one place that knows what forms there are.
 *
 * A record is read whole and right or refused (`event_malformed`); nothing of it is guessed or rounded (I12, R33). What
 * stands in it is judged by others: whether a table is mapped, whether a value fits.
 */
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { ChangeEvent, Image, RowEvent } from "./change-event.ts";
import { ConnectJson } from "./connect-json.ts";
import { hasNewKey, isEnvelope, readEnvelope } from "./envelope.ts";
import { FlattenedReader } from "./flattened.ts";
import { malformed } from "./malformed.ts";
import { isMembers, isMissing, kindOf, type Members } from "./members.ts";
import { isTransaction, readOther, readTransaction } from "./non-row.ts";
import { readKey, tableOfKey } from "./record-key.ts";

export interface DecoderOptions {
  /** Debezium's transaction topic, whose records must all be of transactions; elsewhere they are known by their form. */
  readonly transactionTopic?: string | null;
  /** `add.fields.prefix` of ExtractNewRecordState, also of its headers. Default `__`. */
  readonly addedFieldsPrefix?: string;
}

export interface Decoder {
  /** @throws CtlstoreError `event_malformed`: what is wrong with the record, without its place, which the caller has */
  decode(record: KafkaRecord): ChangeEvent;
}

/**
 * Makes a decoder, which remembers the schemas that it has seen: one per process is enough.
 *
 * @example
 * const decoder = createDecoder();
 * const event = decoder.decode(record);
 * if (event.kind === "row") console.log(event.op, event.after?.values);
 */
export function createDecoder(options: DecoderOptions = {}): Decoder {
  const keys = new ConnectJson("key");
  const values = new ConnectJson("value");
  const flattened = new FlattenedReader(options.addedFieldsPrefix ?? "__");
  const transactionTopic = options.transactionTopic ?? null;
  return {
    decode(record) {
      const key = (): Image | null => readKey(record, keys);
      if (record.value === null) return tombstone(record, key());
      const { payload, type } = values.read(record.topic, record.value);
      if (isMissing(payload)) return tombstone(record, key());
      if (!isMembers(payload)) throw noObject(payload);
      if (record.topic === transactionTopic || isTransaction(payload, type))
        return readTransaction(payload, record);
      const other = readOther(payload, type, record);
      if (other !== null) return other;
      if (isEnvelope(payload, type)) return readEnvelope(payload, type, record, key);
      refuseForeign(payload);
      return flattened.read(payload, type, record, key());
    },
  };
}

function tombstone(record: KafkaRecord, key: Image | null): RowEvent {
  if (key === null) throw malformed("value", "it is null, and so is the key", "a tombstone needs a key");
  return {
    kind: "row",
    op: "delete",
    meta: {
      source: tableOfKey(key),
      snapshot: "none",
      timestampMs: record.timestampMs,
      transaction: null,
    },
    key,
    before: null,
    after: null,
    isTombstone: true,
    newKeyFollows: hasNewKey(record),
  };
}

function noObject(payload: unknown): Error {
  const state = `it is ${kindOf(payload)}`;
  const needed = "it must be an envelope of Debezium or a flattened row";
  if (typeof payload !== "string" || !payload.trimStart().startsWith("{"))
    return malformed("value", state, needed);
  return malformed("value", `${state} with JSON in it`, needed, {
    hint: "it was converted twice: use JsonConverter in Kafka Connect and no JSON format of Debezium's own before it",
  });
}

/** Other forms of change events, which would pass for rows with strange columns. */
function refuseForeign(payload: Members): void {
  if (!("specversion" in payload && "iodebeziumop" in payload)) return;
  throw malformed("value", "it is a CloudEvent", "it must be an envelope of Debezium or a flattened row", {
    hint: "set value.converter to org.apache.kafka.connect.json.JsonConverter",
  });
}
