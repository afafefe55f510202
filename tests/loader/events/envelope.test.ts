/** Envelopes, with schemas and without (R31, R32, R33). */
import { describe, expect, test } from "bun:test";
import { createDecoder } from "../../../loader/events/decoder.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import {
  changeRecord,
  column,
  envelope,
  envelopeSchema,
  kafkaRecord,
  keyChangeHeaders,
  keySchema,
  SAMPLE_TS_MS,
  sourceOf,
  tombstone,
  withSchema,
} from "../../support/debezium.ts";
import { COLUMNS, decode, decodeRow, META, NEW, OLD } from "./decode.ts";

describe("decoder, envelopes", () => {
  for (const columns of [undefined, COLUMNS]) {
    const form = columns === undefined ? "without schemas" : "with schemas";
    const base = columns === undefined ? {} : { columns };

    test(`R33 reads c, u, d and r ${form}`, () => {
      const key = { values: { id: 1001 } };
      const common = { kind: "row", meta: META, isTombstone: false, newKeyFollows: false, key };
      expect(decode(changeRecord({ ...base, op: "c", after: NEW }))).toMatchObject({
        ...common,
        op: "create",
        before: null,
        after: { values: NEW },
      });
      expect(decode(changeRecord({ ...base, op: "u", before: OLD, after: NEW }))).toMatchObject({
        ...common,
        op: "update",
        before: { values: OLD },
        after: { values: NEW },
      });
      expect(decode(changeRecord({ ...base, op: "d", before: OLD }))).toMatchObject({
        ...common,
        op: "delete",
        before: { values: OLD },
        after: null,
      });
      expect(decode(changeRecord({ ...base, op: "r", after: NEW, snapshot: "true" }))).toMatchObject({
        ...common,
        op: "read",
        meta: { ...META, snapshot: "within" },
        before: null,
        after: { values: NEW },
      });
    });

    test(`R33 reads a truncate ${form}, which has neither rows nor key`, () => {
      expect(decode(changeRecord({ ...base, op: "t" }))).toEqual({ kind: "truncate", meta: META });
    });

    test(`R33 reads an update without the row before ${form}`, () => {
      expect(decodeRow(changeRecord({ ...base, op: "u", after: NEW })).before).toBeNull();
    });

    test(`R33 reads a record ${form} of a table without a key`, () => {
      expect(decodeRow(changeRecord({ ...base, op: "c", after: NEW, key: null })).key).toBeNull();
    });
  }

  test("R33 takes schemas of the key and of the value each for itself", () => {
    const both = changeRecord({ op: "c", after: NEW, columns: COLUMNS });
    const none = changeRecord({ op: "c", after: NEW });
    const keyOnly = decodeRow({ ...none, key: both.key });
    expect(keyOnly.key?.types?.get("id")).toMatchObject({ type: "int64", isOptional: false });
    expect(keyOnly.after).toEqual({ values: NEW, types: null });
    const valueOnly = decodeRow({ ...both, key: none.key });
    expect(valueOnly.key).toEqual({ values: { id: 1001 }, types: null });
    expect(valueOnly.after?.types?.get("balance")).toEqual({
      type: "bytes",
      name: "org.apache.kafka.connect.data.Decimal",
      isOptional: true,
      parameters: { scale: "2", "connect.decimal.precision": "10" },
      fields: null,
      items: null,
    });
    expect([...(valueOnly.after?.types?.keys() ?? [])]).toEqual(["id", "name", "balance"]);
  });

  test("gives events of one schema the same types, by identity, in whatever form the schema comes", () => {
    const decoder = createDecoder();
    const typesOf = (record: KafkaRecord) => {
      const event = decoder.decode(record);
      return event.kind === "row" ? [event.key?.types, event.before?.types, event.after?.types] : [];
    };
    const change = { op: "u", before: OLD, after: NEW, columns: COLUMNS };
    const first = typesOf(changeRecord(change));
    expect(first.every((types) => types instanceof Map)).toBe(true);
    const payloadFirst = kafkaRecord({
      key: withSchema(keySchema(COLUMNS, ["id"]), { id: 1 }),
      value: { payload: envelope(change), schema: envelopeSchema(COLUMNS) },
    });
    for (const record of [changeRecord(change), changeRecord({ ...change, offset: 1 }), payloadFirst]) {
      typesOf(record).forEach((types, i) => {
        expect(types).toBe(first[i] as typeof types);
      });
    }
    expect(first[1]).toBe(first[2] as (typeof first)[1]);
    const wider = { ...COLUMNS, note: column("string") };
    expect(typesOf(changeRecord({ ...change, columns: wider }))[2]).not.toBe(first[2] as (typeof first)[2]);
    expect(typesOf(changeRecord(change))).toEqual(first);
  });

  test.each([
    ["true", "within"],
    [true, "within"],
    ["first", "first"],
    ["first_in_data_collection", "first-of-table"],
    ["last_in_data_collection", "last-of-table"],
    ["last", "last"],
    ["incremental", "incremental"],
    ["false", "within"], // a row that was read is of a snapshot, whatever else is said
    [false, "within"],
    [undefined, "within"],
  ] as const)("R32 reads the snapshot mark %p of a read row as %s", (snapshot, mark) => {
    const record = changeRecord({ op: "r", after: NEW, source: { snapshot } });
    expect(decodeRow(record).meta.snapshot).toBe(mark);
  });

  test.each(["false", false, undefined, null])(
    "R32 reads the snapshot mark %p of a change as none",
    (snapshot) => {
      expect(decodeRow(changeRecord({ op: "u", after: NEW, source: { snapshot } })).meta.snapshot).toBe(
        "none",
      );
    },
  );

  test("takes an event's place in its transaction", () => {
    const record = changeRecord({ op: "c", after: NEW, transaction: { id: "file=a,pos=7", order: 3 } });
    expect(decodeRow(record).meta.transaction).toEqual({ id: "file=a,pos=7", order: 3 });
  });

  test("takes the time of the commit, else of the processing, else Kafka's", () => {
    const at = (source: object, more: object = {}) => {
      const value = { ...envelope({ op: "c", after: NEW, source: { ...source } }), ...more };
      return decodeRow(kafkaRecord({ key: { id: 1 }, value, timestampMs: 5 })).meta.timestampMs;
    };
    const none = { ts_ms: undefined, ts_us: undefined, ts_ns: undefined };
    expect(at({})).toBe(SAMPLE_TS_MS);
    expect(at({ ...none, ts_us: 1_732_300_800_999_000 })).toBe(1_732_300_800_999);
    expect(at({ ...none, ts_ns: 1_732_300_800_998_000_000n })).toBe(1_732_300_800_998);
    expect(at({ ...none, ts_ms: 0 })).toBe(SAMPLE_TS_MS + 87);
    expect(at(none, none)).toBe(5);
  });

  test("R31 knows the delete of a changed key, and the tombstone behind it, by their header", () => {
    const headers = keyChangeHeaders("newkey", { id: 2 });
    expect(decodeRow(changeRecord({ op: "d", before: OLD, headers })).newKeyFollows).toBe(true);
    expect(decodeRow(tombstone({ id: 1001 }, { headers }))).toMatchObject({
      isTombstone: true,
      newKeyFollows: true,
    });
    const create = changeRecord({ op: "c", after: NEW, headers: keyChangeHeaders("oldkey", { id: 1 }) });
    expect(decodeRow(create).newKeyFollows).toBe(false);
  });

  test("R33 reads a tombstone, also one that the converter wrote with a schema", () => {
    const deleted = {
      kind: "row",
      op: "delete",
      meta: { source: null, snapshot: "none", timestampMs: SAMPLE_TS_MS + 250, transaction: null },
      key: { values: { id: 1001 }, types: null },
      before: null,
      after: null,
      isTombstone: true,
      newKeyFollows: false,
    } as const;
    expect(decode(tombstone({ id: 1001 }))).toEqual(deleted);
    const payload = withSchema(envelopeSchema(COLUMNS), null);
    expect(decode(kafkaRecord({ key: { id: 1001 }, value: payload }))).toEqual(deleted);
    expect(decode(kafkaRecord({ key: { id: 1001 }, value: Buffer.from("null") }))).toEqual(deleted);
  });

  test("takes the schema of a connector that has schemas", () => {
    const record = changeRecord({ op: "c", after: NEW, source: { schema: "public" } });
    expect(decodeRow(record).meta.source).toEqual({
      database: "inventory",
      schema: "public",
      table: "customers",
    });
  });

  test("takes an envelope whose source somebody removed", () => {
    const { source: _, ...value } = envelope({ op: "c", after: NEW });
    expect(decodeRow(kafkaRecord({ key: { id: 1 }, value })).meta.source).toBeNull();
  });

  test("R33 reads a message of the log as such", () => {
    const value = {
      op: "m",
      ts_ms: 7,
      source: sourceOf({}),
      message: { prefix: "a", content: "AA==" },
    };
    expect(decode(kafkaRecord({ value }))).toEqual({
      kind: "other",
      what: "message",
      timestampMs: SAMPLE_TS_MS,
    });
  });
});
