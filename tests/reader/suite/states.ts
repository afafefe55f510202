/** An LDB that cannot answer is an error, never "not found" (R36). */
import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import type { LdbReader } from "../../../reader/types.ts";
import type { SuiteEnvironment } from "./environment.ts";
import { rejectsCode, throwsCode } from "./expect.ts";
import { SampleFolder, type SampleLdb } from "./sample-ldb.ts";

const TABLE = 'CREATE TABLE fam___t1 ("id" INTEGER, "v" TEXT, PRIMARY KEY("id"))';

/** Every kind of read, as functions. */
function everyRead(reader: LdbReader): (() => unknown)[] {
  return [
    () => reader.getRowByKey("fam", "t1", 1),
    () => reader.getRowByKey("fam", "none", 1),
    () => reader.getRows("fam", "t1", [1]),
    () => reader.getRowsByKeyPrefix("fam", "t1"),
    () => reader.snapshot((reads) => reads.getRowByKey("fam", "t1", 1)),
    () => reader.families(),
    () => reader.tables(),
    () => reader.tableSchema("fam", "t1"),
    () => reader.getLastSequence(),
    () => reader.getLedgerLatency(),
    () => reader.ping(),
  ];
}

function filled(ldb: SampleLdb): void {
  ldb.changeSchema(TABLE);
  ldb.apply("INSERT INTO fam___t1 VALUES(1, 'x')");
}

export function defineStateTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("R36 opening is ldb_not_found when there is no LDB, and nothing is created", () => {
    using folder = new SampleFolder(environment);
    throwsCode("ldb_not_found", () => folder.reader());
    throwsCode("ldb_not_found", () => folder.reader({ path: folder.ldbPath }));
    throwsCode("ldb_not_found", () => folder.reader());
    folder.flipTo("gone");
    throwsCode("ldb_not_found", () => folder.reader());
  });

  test("R36 every read is ldb_empty when the LDB was never filled, and answers once it is", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    const reader = folder.reader();
    for (const read of everyRead(reader)) throwsCode("ldb_empty", read);
    ldb.exec(TABLE);
    for (const read of everyRead(reader)) throwsCode("ldb_empty", read);
    ldb.exec("DELETE FROM _ldb_seq");
    for (const read of everyRead(reader)) throwsCode("ldb_empty", read);
    ldb.exec("INSERT INTO _ldb_seq VALUES(1, 0)");
    ldb.stamp(1);
    ldb.apply("INSERT INTO fam___t1 VALUES(1, 'x')");
    assert.deepEqual(reader.getRowByKey("fam", "t1", 1), { id: 1, v: "x" });
    assert.equal(reader.getRowByKey("fam", "t1", 2), null);
    throwsCode("unknown_table", () => reader.getRowByKey("fam", "none", 1));
    ldb.exec("UPDATE _ldb_seq SET seq = 0");
    for (const read of everyRead(reader)) throwsCode("ldb_empty", read);
  });

  test("R36 every read is ldb_empty when the file is an empty database", () => {
    using folder = new SampleFolder(environment);
    writeFileSync(folder.ldbPath, "");
    for (const read of everyRead(folder.reader())) throwsCode("ldb_empty", read);
  });

  test("R36 every read is ldb_regressed when a flip went back, until the sequence seen is reached again", () => {
    using folder = new SampleFolder(environment);
    const first = folder.generation("1");
    filled(first);
    first.moveTo(100);
    folder.flipTo("1");
    const reader = folder.reader();
    assert.equal(reader.getRowByKey("fam", "t1", 1)?.["v"], "x");
    const second = folder.generation("2");
    filled(second);
    second.stamp(1);
    second.moveTo(99);
    folder.flipTo("2");
    first.supersede();
    for (const read of everyRead(reader)) throwsCode("ldb_regressed", read);
    assert.equal(
      folder.reader().getRowByKey("fam", "t1", 1)?.["v"],
      "x",
      "a new reader has seen nothing else",
    );
    second.moveTo(100);
    assert.equal(reader.getRowByKey("fam", "t1", 1)?.["v"], "x");
    assert.equal(reader.getLastSequence(), 100n);
  });

  test("opening and reading are ldb_incompatible when a newer ctlstore wrote the LDB", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    filled(ldb);
    const reader = folder.reader();
    reader.ping();
    ldb.exec("UPDATE _ldb_meta SET format_version = 2, schema_version = schema_version + 1");
    throwsCode("ldb_incompatible", () => folder.reader());
    for (const read of everyRead(reader)) throwsCode("ldb_incompatible", read);
  });

  test("opening is ldb_damaged when the file is no database, and reading when its pages are gone", () => {
    using folder = new SampleFolder(environment);
    writeFileSync(folder.ldbPath, "this is no database ".repeat(500));
    throwsCode("ldb_damaged", () => folder.reader());

    using other = new SampleFolder(environment);
    const ldb = other.ldb();
    ldb.changeSchema(TABLE);
    ldb.apply(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
       INSERT INTO fam___t1 SELECT i, printf('%.500c', 'x') FROM n`,
    );
    ldb.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    ldb.close();
    // The first pages, with the schema, stay whole.
    const file = openSync(other.ldbPath, "r+");
    writeSync(file, new Uint8Array(400 * 4096).fill(0xee), 0, 400 * 4096, 40 * 4096);
    closeSync(file);
    const damaged = other.reader();
    throwsCode("ldb_damaged", () => [...damaged.getRowsByKeyPrefix("fam", "t1")]);
    throwsCode("ldb_damaged", () => damaged.getRowByKey("fam", "t1", 2500));
    truncateSync(other.ldbPath, 100 * 4096);
    throwsCode("ldb_damaged", () => [...other.reader().getRowsByKeyPrefix("fam", "t1")]);
  });

  test("opening is ldb_unavailable when a stranger keeps the LDB to itself", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    filled(ldb);
    ldb.exec("PRAGMA locking_mode = EXCLUSIVE");
    ldb.apply("INSERT INTO fam___t1 VALUES(2, 'y')");
    throwsCode("ldb_unavailable", () => folder.reader());
    ldb.exec("PRAGMA locking_mode = NORMAL");
    ldb.apply("INSERT INTO fam___t1 VALUES(3, 'z')");
    assert.equal(folder.reader().getLastSequence(), BigInt(ldb.sequence));
  });

  test("opening is refused when options make no sense or the path is a folder in place of the file", () => {
    using folder = new SampleFolder(environment);
    throwsCode("config_invalid", () => folder.reader({ path: "" }));
    throwsCode("config_invalid", () => folder.reader({ integers: "string" as never }));
    throwsCode("config_invalid", () => folder.reader({ cacheBytes: Number.NaN }));
    mkdirSync(folder.ldbPath);
    throwsCode("ldb_not_found", () => folder.reader({ path: folder.path }));
  });

  test("every call is reader_closed when the reader was closed, which may happen twice", async () => {
    using folder = new SampleFolder(environment);
    filled(folder.ldb());
    const reader = folder.reader();
    const rows = reader.getRowsByKeyPrefix("fam", "t1");
    reader.close();
    reader.close();
    reader[Symbol.dispose]();
    for (const read of everyRead(reader)) throwsCode("reader_closed", read);
    await rejectsCode("reader_closed", reader.waitFor(1, { timeoutMs: 0 }));
    assert.equal([...rows].length, 1, "rows read before belong to the caller");
  });
}
