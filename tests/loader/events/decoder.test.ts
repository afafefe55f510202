/** Every form of Debezium's records, read right or refused (R33). */
import { describe, expect, test } from "bun:test";
import { NumberText } from "../../../core/exact-json.ts";
import { BARE_KEY, type ChangeEvent, type RowEvent } from "../../../loader/events/change-event.ts";
import { createDecoder, type DecoderOptions } from "../../../loader/events/decoder.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import {
  type Columns,
  changeRecord,
  column,
  envelope,
  envelopeSchema,
  flattened,
  heartbeat,
  kafkaRecord,
  keyChangeHeaders,
  keySchema,
  rowSchema,
  SAMPLE_TS_MS,
  schemaChange,
  sourceOf,
  tombstone,
  transactionBegin,
  transactionEnd,
  withSchema,
} from "../../support/debezium.ts";

const COLUMNS: Columns = {
  id: column("int64", { optional: false }),
  name: column("string"),
  balance: column("bytes", {
    name: "org.apache.kafka.connect.data.Decimal",
    version: 1,
    parameters: { scale: "2", "connect.decimal.precision": "10" },
  }),
};
const OLD = { id: 1001, name: "Sally", balance: "AGQ=" };
const NEW = { id: 1001, name: "Sälly 😀", balance: null };

function decode(record: KafkaRecord, options: DecoderOptions = {}): ChangeEvent {
  return createDecoder(options).decode(record);
}

function decodeRow(record: KafkaRecord, options: DecoderOptions = {}): RowEvent {
  const event = decode(record, options);
  if (event.kind !== "row") throw new Error(`it is ${event.kind}`);
  return event;
}

const META = {
  source: { database: "inventory", schema: null, table: "customers" },
  snapshot: "none",
  timestampMs: SAMPLE_TS_MS,
  transaction: null,
} as const;

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

describe("decoder, flattened rows", () => {
  const key = { id: 1001 };
  const rowOf = (value: unknown, more: object = {}) => decodeRow(kafkaRecord({ key, value, ...more }));

  test("R33 reads a bare row as an update, with schema and without", () => {
    expect(rowOf(flattened(NEW))).toMatchObject({
      op: "update",
      before: null,
      after: { values: NEW, types: null },
    });
    const typed = rowOf(withSchema(rowSchema(COLUMNS), NEW)).after;
    expect(typed?.values).toEqual(NEW);
    expect([...(typed?.types?.keys() ?? [])]).toEqual(["id", "name", "balance"]);
  });

  test("R33 reads deletes of every mode: rewritten, as tombstone, and both", () => {
    for (const deleted of ["true", true]) {
      const event = rowOf(flattened(OLD, { __deleted: deleted }));
      expect(event).toMatchObject({ op: "delete", before: { values: OLD }, after: null, isTombstone: false });
      expect(Object.keys(event.before?.values ?? {})).toEqual(["id", "name", "balance"]);
    }
    for (const deleted of ["false", false, null]) {
      const event = rowOf(flattened(NEW, { __deleted: deleted }));
      expect(event).toMatchObject({ op: "update", after: { values: NEW } });
      expect(Object.keys(event.after?.values ?? {})).toEqual(["id", "name", "balance"]);
    }
    expect(decodeRow(tombstone(key, { headers: { __op: "d" } }))).toMatchObject({
      op: "delete",
      isTombstone: true,
      key: { values: key },
    });
  });

  test("R33 takes what was added for what it is, and not for columns", () => {
    const event = rowOf(
      flattened(NEW, {
        __op: "r",
        __table: "customers",
        __db: "inventory",
        __source_ts_ms: 12,
        __source_snapshot: "last",
        __ts_ms: 99,
        __deleted: "false",
        __transaction_id: "t",
        __transaction_total_order: 4,
      }),
    );
    expect(event).toMatchObject({
      op: "read",
      meta: {
        source: { database: "inventory", schema: null, table: "customers" },
        snapshot: "last",
        timestampMs: 12,
        transaction: { id: "t", order: 4 },
      },
    });
    expect(event.after?.values).toEqual(NEW);
  });

  test("R33 takes what was added to the headers", () => {
    const headers = { __op: "c", __table: '"customers"', __source_ts_ms: "12" };
    expect(rowOf(flattened(NEW), { headers })).toMatchObject({
      op: "create",
      meta: { source: { table: "customers" }, timestampMs: 12 },
    });
  });

  test("R33 leaves what was added out of the types, the same for all rows of a schema", () => {
    const decoder = createDecoder();
    const columns = { ...COLUMNS, __deleted: column("string"), __op: column("string") };
    const typesOf = (name: string) => {
      const value = withSchema(
        rowSchema(columns),
        flattened({ ...NEW, name }, { __deleted: "false", __op: "u" }),
      );
      const event = decoder.decode(kafkaRecord({ key, value }));
      return event.kind === "row" ? event.after?.types : null;
    };
    const types = typesOf("a");
    expect([...(types?.keys() ?? [])]).toEqual(["id", "name", "balance"]);
    expect(typesOf("b")).toBe(types as NonNullable<typeof types>);
  });

  test("R33 takes another prefix, and then leaves names with the usual one alone", () => {
    const row = { id: 1, __op: "x" };
    const event = decodeRow(kafkaRecord({ key, value: { ...row, dbz_op: "c", dbz_table: "t" } }), {
      addedFieldsPrefix: "dbz_",
    });
    expect(event).toMatchObject({ op: "create", meta: { source: { table: "t" } } });
    expect(event.after?.values).toEqual(row);
    expect(() => createDecoder({ addedFieldsPrefix: "" })).toThrow(
      expect.objectContaining({ code: "mapping_invalid" }),
    );
  });

  test("keeps columns that are called like members of other forms", () => {
    for (const row of [
      { id: 1, op: "sell", after: "x" },
      { id: 1, source: "web", op: "sell" },
      { schema: "a", payload: "b" },
      { schema: null, payload: "b" },
      { id: "7", status: "BEGIN" },
      { id: 1, ddl: "x", databaseName: "y" },
      { ts_ms: 5 },
      { id: 1, constructor: "x", hasOwnProperty: 1, toString: null },
    ])
      expect(rowOf(row).after?.values).toEqual(row);
    const shadow = { id: 1, op: "x", before: 1, after: 2 };
    const columns = {
      id: column("int64"),
      op: column("string"),
      before: column("int32"),
      after: column("int32"),
    };
    expect(rowOf(withSchema(rowSchema(columns), shadow)).after?.values).toEqual(shadow);
  });

  test("R31 knows a rewritten delete of a changed key by its header", () => {
    const headers = keyChangeHeaders("newkey", { id: 2 });
    expect(rowOf(flattened(OLD, { __deleted: "true" }), { headers }).newKeyFollows).toBe(true);
    expect(rowOf(flattened(OLD), { headers }).newKeyFollows).toBe(false);
  });
});

describe("decoder, keys", () => {
  const value = envelope({ op: "c", after: NEW });

  test("takes a key that is one value", () => {
    for (const key of [7, "seven", true, 9007199254740993n]) {
      const event = decodeRow(kafkaRecord({ key, value }));
      expect(event.key).toEqual({ values: { [BARE_KEY]: key }, types: null });
    }
    const typed = decodeRow(kafkaRecord({ key: withSchema({ type: "int32", optional: false }, 7), value }));
    expect(typed.key?.values).toEqual({ [BARE_KEY]: 7 });
    expect(typed.key?.types?.get(BARE_KEY)).toMatchObject({ type: "int32" });
  });

  test("takes a key whose payload is null for none", () => {
    const key = withSchema({ type: "string", optional: true }, null);
    expect(decodeRow(kafkaRecord({ key, value })).key).toBeNull();
    expect(decodeRow(kafkaRecord({ key: Buffer.from("null"), value })).key).toBeNull();
  });
});

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

describe("decoder, exactness", () => {
  const columns = {
    big: 9223372036854775807n,
    bigger: new NumberText("18446744073709551615"),
    minus: -9223372036854775808n,
    safe: 9007199254740991n,
    fraction: new NumberText("9007199254740993.5"),
    huge: new NumberText("1e400"),
    tiny: new NumberText("1e-400"),
    exponent: new NumberText("1.8446744073709551615E19"),
    list: [9007199254740993n, { deep: 9007199254740993n }],
    text: '":9007199254740993,"',
  };

  for (const form of ["envelope", "flattened", "with schemas"]) {
    test(`I12 keeps numbers that a double does not hold in the form ${form}`, () => {
      const row = { id: 9007199254740993n, ...columns };
      const record =
        form === "flattened"
          ? kafkaRecord({ key: { id: row.id }, value: row })
          : changeRecord({
              op: "u",
              before: row,
              after: row,
              ...(form === "envelope"
                ? {}
                : { columns: Object.fromEntries(Object.keys(row).map((name) => [name, column("int64")])) }),
            });
      const decoder = createDecoder();
      for (let round = 0; round < 2; round++) {
        const event = decoder.decode(record);
        if (event.kind !== "row") throw new Error(event.kind);
        expect(event.key?.values).toEqual({ id: 9007199254740993n });
        expect(event.after?.values).toEqual({ ...row, safe: 9007199254740991 });
        expect(event.before).toEqual(form === "flattened" ? null : event.after);
      }
    });
  }

  test("keeps a column called __proto__, -0, NUL, emoji and lone surrogates", () => {
    const text = `{"__proto__":{"a":"9007199254740993"},"z":-0,"nul":"\\u0000","nulNumber":"\\u00009007199254740993","big":9007199254740993,"emoji":"😀\\ud83d\\ude00","lone":"\\ud800","__op":"u"}`;
    const values = decodeRow(kafkaRecord({ key: { id: 1 }, value: Buffer.from(text) })).after?.values ?? {};
    expect(Object.keys(values)).toEqual(["__proto__", "z", "nul", "nulNumber", "big", "emoji", "lone"]);
    expect(Object.getOwnPropertyDescriptor(values, "__proto__")?.value).toEqual({ a: "9007199254740993" });
    expect(Object.getPrototypeOf(values)).toBe(Object.prototype);
    expect(values).toMatchObject({
      z: -0,
      nul: "\0",
      nulNumber: "\x009007199254740993",
      big: 9007199254740993n,
      emoji: "😀😀",
      lone: "\ud800",
    });
  });

  test("takes the last of members of one name, as every JSON parser does", () => {
    const value = Buffer.from('{"id":1,"id":9007199254740993}');
    expect(decodeRow(kafkaRecord({ key: { id: 1 }, value })).after?.values).toEqual({
      id: 9007199254740993n,
    });
  });

  test("leaves a value that the connector did not have as it is written", () => {
    const row = { id: 1, blob: "__debezium_unavailable_value" };
    expect(decodeRow(changeRecord({ op: "u", after: row })).after?.values).toEqual(row);
  });

  test("reads an event of 2 MiB", () => {
    const row = { id: 1, document: 'x"\\\n'.repeat(500_000) };
    expect(decodeRow(changeRecord({ op: "c", after: row })).after?.values).toEqual(row);
  });
});
