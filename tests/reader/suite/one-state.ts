/** Reads of one call, and of one snapshot, are of one committed state; the order of rows is the key's (I10). */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import type { LdbReads } from "../../../reader/types.ts";
import type { SuiteEnvironment } from "./environment.ts";
import { throwsCode } from "./expect.ts";
import { SampleFolder } from "./sample-ldb.ts";

const TABLE = 'CREATE TABLE fam___t1 ("a" VARCHAR(191), "b" INTEGER, "v" INTEGER, PRIMARY KEY("a","b"))';

export function defineOneStateTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("I10 snapshot answers from one committed state when rows and tables change meanwhile", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(TABLE);
    ldb.apply("INSERT INTO fam___t1 VALUES('x', 1, 1), ('x', 2, 1)");
    const reader = folder.reader();
    const before = reader.getLastSequence();
    reader.snapshot((reads) => {
      ldb.apply("UPDATE fam___t1 SET v = 2");
      assert.equal(reads.getRowByKey("fam", "t1", "x", 1)?.["v"], 1);
      ldb.changeSchema(
        "ALTER TABLE fam___t1 ADD COLUMN w TEXT; CREATE TABLE fam___t2 (id INTEGER PRIMARY KEY)",
      );
      assert.deepEqual(reads.getRows("fam", "t1", [["x", 2]]), [{ a: "x", b: 2, v: 1 }]);
      assert.deepEqual(
        [...reads.getRowsByKeyPrefix("fam", "t1")].map((row) => row["v"]),
        [1, 1],
      );
      assert.equal(
        reader.getRowByKey("fam", "t1", "x", 1)?.["v"],
        1,
        "the reader's own reads are inside too",
      );
      throwsCode("unknown_table", () => reads.getRowByKey("fam", "t2", 1));
      assert.deepEqual(reads.tables().length, 1);
      assert.equal(reads.getLastSequence(), before);
      assert.equal(reader.snapshot((inner) => inner.getRowByKey("fam", "t1", "x", 1))?.["v"], 1);
    });
    assert.deepEqual(reader.getRowByKey("fam", "t1", "x", 1), { a: "x", b: 1, v: 2, w: null });
    assert.equal(reader.getLastSequence(), before + 2n);
  });

  test("snapshot hands back what its function returns and throws, and is over then", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(TABLE);
    const reader = folder.reader();
    let kept: LdbReads | null = null;
    let runs = 0;
    const mine = new Error("mine");
    assert.throws(
      () =>
        reader.snapshot((reads) => {
          kept = reads;
          runs += 1;
          throw mine;
        }),
      (error) => error === mine,
    );
    assert.equal(runs, 1);
    throwsCode("reader_closed", () => kept?.getLastSequence());
    assert.equal(
      reader.snapshot(() => 5),
      5,
    );
    assert.throws(() => reader.snapshot(async () => 5), TypeError);
    throwsCode("unknown_table", () => reader.snapshot((reads) => reads.getRowByKey("fam", "none", 1)));
    ldb.apply("INSERT INTO fam___t1 VALUES('x', 1, 1)");
    assert.equal(reader.getRowByKey("fam", "t1", "x", 1)?.["v"], 1, "no transaction was left open");
  });

  test("prefix gives rows in the key's order when they were written in another", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema('CREATE TABLE fam___t1 ("v" TEXT, "b" INTEGER, "a" VARCHAR(191), PRIMARY KEY("a","b"))');
    const letters = ["b", "a", "é", "Z", "😀", "aa", ""];
    for (const letter of letters) {
      for (const number of [10, -1, 9]) ldb.apply(`INSERT INTO fam___t1 VALUES('v', ${number}, '${letter}')`);
    }
    const reader = folder.reader();
    const rows = [...reader.getRowsByKeyPrefix("fam", "t1")].map((row) => [row["a"], row["b"]]);
    const sorted = ["", "Z", "a", "aa", "b", "é", "😀"].flatMap((a) => [-1, 9, 10].map((b) => [a, b]));
    assert.deepEqual(rows, sorted);
    assert.deepEqual(
      [...reader.getRowsByKeyPrefix("fam", "t1", "a")].map((row) => row["b"]),
      [-1, 9, 10],
    );
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "t1", "a", 9)], [{ v: "v", b: 9, a: "a" }]);
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "t1", "c")], []);
  });

  test("getRows answers in the order of the keys when there are many, doubled and missing ones", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(TABLE);
    ldb.apply(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 299)
       INSERT INTO fam___t1 SELECT 'k' || i, i, i * i FROM n`,
    );
    const reader = folder.reader();
    for (const count of [1, 2, 3, 63, 64, 65, 129, 300]) {
      const wanted = Array.from({ length: count }, (_, i) => (i * 37) % 400);
      const rows = reader.getRows(
        "fam",
        "t1",
        wanted.map((i) => [`k${i}`, i]),
      );
      const expected = wanted.map((i) => (i < 300 ? { a: `k${i}`, b: i, v: i * i } : null));
      assert.deepEqual(rows, expected);
    }
  });

  test("R15 iterator left open does not hold the write-ahead log when it is never finished", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(TABLE);
    ldb.apply(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
       INSERT INTO fam___t1 SELECT 'k', i, i FROM n`,
    );
    const reader = folder.reader();
    const rows = reader.getRowsByKeyPrefix("fam", "t1", "k");
    assert.equal(rows.next().value?.["v"], 0);
    ldb.apply("UPDATE fam___t1 SET v = -1");
    ldb.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    assert.equal(statSync(`${folder.ldbPath}-wal`).size, 0);
    assert.equal(rows.next().value?.["v"], 1, "still the state that the call was answered from");
    assert.equal(reader.getRowByKey("fam", "t1", "k", 1)?.["v"], -1);
  });
}
