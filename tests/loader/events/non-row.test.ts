/** Transactions, heartbeats and changes of the schema (R33). */
import { describe, expect, test } from "bun:test";
import {
  heartbeat,
  kafkaRecord,
  SAMPLE_TS_MS,
  schemaChange,
  transactionBegin,
  transactionEnd,
  withSchema,
} from "../../support/debezium.ts";
import { decode } from "./decode.ts";

describe("decoder, records about no row", () => {
  test("R33 reads begin and end of a transaction, with schemas and without", () => {
    expect(decode(transactionBegin("tx-1"))).toEqual({
      kind: "transaction",
      status: "begin",
      id: "tx-1",
      timestampMs: SAMPLE_TS_MS,
      collections: null,
      eventCount: null,
    });
    const end = transactionEnd("tx-1", { "inventory.a": 2, "inventory.b": 1 });
    const expected = {
      kind: "transaction",
      status: "end",
      id: "tx-1",
      timestampMs: SAMPLE_TS_MS,
      collections: new Map([
        ["inventory.a", 2],
        ["inventory.b", 1],
      ]),
      eventCount: 3,
    } as const;
    expect(decode(end)).toEqual(expected);
    const name = "io.debezium.connector.common.TransactionMetadataValue";
    const payload: unknown = JSON.parse(Buffer.from(end.value ?? []).toString());
    const typed = kafkaRecord({
      topic: "renamed",
      value: withSchema({ type: "struct", fields: [], name }, payload),
    });
    expect(decode(typed)).toEqual(expected);
  });

  test("R33 refuses anything else in the transaction topic, when that is known", () => {
    const record = kafkaRecord({
      topic: "shop.transaction",
      key: { id: 1 },
      value: { id: "1", status: "new" },
    });
    expect(decode(record).kind).toBe("row");
    expect(() => decode(record, { transactionTopic: "shop.transaction" })).toThrow(
      expect.objectContaining({ code: "event_malformed" }),
    );
  });

  test("R33 reads heartbeats, with schemas and without", () => {
    const expected = { kind: "other", what: "heartbeat", timestampMs: SAMPLE_TS_MS } as const;
    expect(decode(heartbeat())).toEqual(expected);
    const name = "io.debezium.connector.common.Heartbeat";
    const schema = { type: "struct", fields: [], name };
    expect(
      decode(kafkaRecord({ topic: "beat", value: withSchema(schema, { ts_ms: SAMPLE_TS_MS }) })),
    ).toEqual(expected);
  });

  test("R33 reads changes of the schema, with schemas and without", () => {
    const expected = { kind: "other", what: "schema-change", timestampMs: SAMPLE_TS_MS } as const;
    const record = schemaChange("ALTER TABLE customers ADD note TEXT");
    expect(decode(record)).toEqual(expected);
    const payload: unknown = JSON.parse(Buffer.from(record.value ?? []).toString());
    const schema = { type: "struct", fields: [], name: "io.debezium.connector.mysql.SchemaChangeValue" };
    expect(decode(kafkaRecord({ topic: "shop", value: withSchema(schema, payload) }))).toEqual(expected);
  });
});
