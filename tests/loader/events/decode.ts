/** What the tests of the decoder share: a table, and records that are read at once. */
import type { ChangeEvent, RowEvent } from "../../../loader/events/change-event.ts";
import { createDecoder, type DecoderOptions } from "../../../loader/events/decoder.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { type Columns, column, SAMPLE_TS_MS } from "../../support/debezium.ts";

export const COLUMNS: Columns = {
  id: column("int64", { optional: false }),
  name: column("string"),
  balance: column("bytes", {
    name: "org.apache.kafka.connect.data.Decimal",
    version: 1,
    parameters: { scale: "2", "connect.decimal.precision": "10" },
  }),
};
export const OLD = { id: 1001, name: "Sally", balance: "AGQ=" };
export const NEW = { id: 1001, name: "Sälly 😀", balance: null };

export function decode(record: KafkaRecord, options: DecoderOptions = {}): ChangeEvent {
  return createDecoder(options).decode(record);
}

export function decodeRow(record: KafkaRecord, options: DecoderOptions = {}): RowEvent {
  const event = decode(record, options);
  if (event.kind !== "row") throw new Error(`it is ${event.kind}`);
  return event;
}

export const META = {
  source: { database: "inventory", schema: null, table: "customers" },
  snapshot: "none",
  timestampMs: SAMPLE_TS_MS,
  transaction: null,
} as const;
