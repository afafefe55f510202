/** Rows that ExtractNewRecordState flattened, in all its modes of deletes (R31, R33). */
import { describe, expect, test } from "bun:test";
import { createDecoder } from "../../../loader/events/decoder.ts";
import {
  column,
  flattened,
  kafkaRecord,
  keyChangeHeaders,
  rowSchema,
  tombstone,
  withSchema,
} from "../../support/debezium.ts";
import { COLUMNS, decodeRow, NEW, OLD } from "./decode.ts";

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
