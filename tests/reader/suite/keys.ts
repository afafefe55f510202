/** What cannot be a key or a name is an error, never "not found". */
import assert from "node:assert/strict";
import type { KeyValue } from "../../../reader/types.ts";
import type { SuiteEnvironment } from "./environment.ts";
import { throwsCode } from "./expect.ts";
import { SampleFolder } from "./sample-ldb.ts";

/** Keys that JavaScript callers may pass against the types. */
function untyped(...parts: unknown[]): KeyValue[] {
  return parts as KeyValue[];
}

export function defineKeyTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  function sampleReader(folder: SampleFolder) {
    const ldb = folder.ldb();
    ldb.changeSchema('CREATE TABLE fam___s ("id" VARCHAR(191), PRIMARY KEY("id"))');
    ldb.changeSchema('CREATE TABLE fam___i ("id" INTEGER, PRIMARY KEY("id"))');
    ldb.changeSchema('CREATE TABLE fam___b ("id" BLOB(255), "x" VARCHAR(191), PRIMARY KEY("id","x"))');
    ldb.apply("INSERT INTO fam___s VALUES('1'); INSERT INTO fam___i VALUES(1)");
    return folder.reader();
  }

  test("key of the wrong kind is invalid_key when its field has another type", () => {
    using folder = new SampleFolder(environment);
    const reader = sampleReader(folder);
    const wrong: [string, unknown[]][] = [
      ["s", [1]],
      ["s", [null]],
      ["s", [undefined]],
      ["s", ["\ud800"]],
      ["s", [new Uint8Array(1)]],
      ["s", [["1"]]],
      ["i", ["1"]],
      ["i", [1.5]],
      ["i", [Number.NaN]],
      ["i", [2 ** 53]],
      ["i", [2n ** 63n]],
      ["i", [-(2n ** 63n) - 1n]],
      ["i", [true]],
      ["b", ["AA==", "x"]],
      ["b", [new Uint8Array(1), 5]],
      ["b", [{}, "x"]],
    ];
    for (const [table, parts] of wrong) {
      throwsCode("invalid_key", () => reader.getRowByKey("fam", table, ...untyped(...parts)));
      throwsCode("invalid_key", () => reader.getRows("fam", table, [untyped(...parts)]));
      throwsCode("invalid_key", () => reader.getRowsByKeyPrefix("fam", table, ...untyped(...parts)));
    }
    assert.deepEqual(reader.getRowByKey("fam", "i", 1n), { id: 1 });
    assert.deepEqual(reader.getRowByKey("fam", "i", -0), null);
  });

  test("key with the wrong number of parts is invalid_key when read whole, and a prefix may be shorter", () => {
    using folder = new SampleFolder(environment);
    const reader = sampleReader(folder);
    throwsCode("invalid_key", () => reader.getRowByKey("fam", "s"));
    throwsCode("invalid_key", () => reader.getRowByKey("fam", "s", "1", "2"));
    throwsCode("invalid_key", () => reader.getRowByKey("fam", "b", new Uint8Array(1)));
    throwsCode("invalid_key", () => reader.getRows("fam", "b", [new Uint8Array(1)]));
    throwsCode("invalid_key", () => reader.getRowsByKeyPrefix("fam", "s", "1", "2"));
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "b", new Uint8Array(1))], []);
    assert.deepEqual(reader.getRows("fam", "s", []), []);
    assert.deepEqual(reader.getRows("fam", "s", ["1", ["1"]]), [{ id: "1" }, { id: "1" }]);
  });

  test("getRows refuses more than ten thousand keys when asked", () => {
    using folder = new SampleFolder(environment);
    const reader = sampleReader(folder);
    const keys = Array.from({ length: 10_001 }, (_, i) => i);
    throwsCode("request_too_large", () => reader.getRows("fam", "i", keys));
    const rows = reader.getRows("fam", "i", keys.slice(0, 10_000));
    assert.equal(rows.length, 10_000);
    assert.deepEqual(
      rows.flatMap((row, i) => (row === null ? [] : [i])),
      [1],
    );
  });

  test("unknown table is an error when the LDB holds others", () => {
    using folder = new SampleFolder(environment);
    const reader = sampleReader(folder);
    throwsCode("unknown_table", () => reader.getRowByKey("fam", "none", "1"));
    throwsCode("unknown_table", () => reader.getRows("none", "s", ["1"]));
    throwsCode("unknown_table", () => reader.getRowsByKeyPrefix("fam", "none"));
    throwsCode("unknown_table", () => reader.tableSchema("fam", "none"));
    for (const [family, table] of [
      ["", "s"],
      ["fam", ""],
      ["_ldb", "seq"],
      ["fa", "m___s"],
      ["fam___s", "x"],
      ["f`", "s"],
    ] as const) {
      throwsCode("invalid_name", () => reader.getRowByKey(family, table, "1"));
    }
    throwsCode("invalid_name", () => reader.getRowByKey(undefined as never, "s", "1"));
  });

  test("names match in any case when they are given in upper case", () => {
    using folder = new SampleFolder(environment);
    const reader = sampleReader(folder);
    assert.deepEqual(reader.getRowByKey("FAM", "S", "1"), { id: "1" });
    assert.deepEqual(
      reader.tables("Fam").map(({ table }) => table),
      ["b", "i", "s"],
    );
  });

  test("tables and schema are listed when there are some, without the LDB's own", () => {
    using folder = new SampleFolder(environment);
    const reader = sampleReader(folder);
    assert.deepEqual(reader.families(), ["fam"]);
    assert.deepEqual(reader.tables(), [
      { family: "fam", table: "b" },
      { family: "fam", table: "i" },
      { family: "fam", table: "s" },
    ]);
    assert.deepEqual(reader.tableSchema("fam", "b"), {
      family: "fam",
      table: "b",
      fields: [
        { name: "id", type: "bytestring" },
        { name: "x", type: "string" },
      ],
      keyFields: ["id", "x"],
    });
  });
}
