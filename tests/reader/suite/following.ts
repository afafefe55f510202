/** Readers follow schema changes and replaced LDBs with no failed read (D16, R39). */
import assert from "node:assert/strict";
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { ReaderWarning } from "../../../reader/types.ts";
import type { SuiteEnvironment } from "./environment.ts";
import { throwsCode } from "./expect.ts";
import { SampleFolder } from "./sample-ldb.ts";

const ONE_KEY = 'CREATE TABLE fam___t1 ("a" VARCHAR(191), "b" VARCHAR(191), PRIMARY KEY("a"))';
const OTHER_KEY = 'CREATE TABLE fam___t1 ("a" VARCHAR(191), "b" VARCHAR(191), PRIMARY KEY("b"))';

export function defineFollowingTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  for (const who of ["our Reflector", "the original's Reflector"] as const) {
    test(`D16 R39 key means the new table's key when a table was dropped and made again by ${who}`, () => {
      using folder = new SampleFolder(environment);
      const ldb = folder.ldb();
      ldb.changeSchema(ONE_KEY);
      ldb.apply("INSERT INTO fam___t1 VALUES('x', 'y')");
      const reader = folder.reader();
      assert.deepEqual(reader.getRowByKey("fam", "t1", "x"), { a: "x", b: "y" });
      assert.equal(reader.getRows("fam", "t1", ["x"]).length, 1);
      assert.equal([...reader.getRowsByKeyPrefix("fam", "t1", "x")].length, 1);

      const remake = `DROP TABLE fam___t1; ${OTHER_KEY}; INSERT INTO fam___t1 VALUES('y', 'x'), ('x', 'z')`;
      if (who === "our Reflector") ldb.changeSchema(remake);
      else ldb.applyAsOriginal(remake);
      assert.deepEqual(reader.getRowByKey("fam", "t1", "x"), { a: "y", b: "x" });
      assert.deepEqual(reader.getRows("fam", "t1", ["z"]), [{ a: "x", b: "z" }]);
      assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "t1", "x")], [{ a: "y", b: "x" }]);
      assert.deepEqual(reader.tableSchema("fam", "t1").keyFields, ["b"]);
    });
  }

  test("D16 key of another type is accepted when the table was made again with it", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(ONE_KEY);
    ldb.apply("INSERT INTO fam___t1 VALUES('1', 'old')");
    const reader = folder.reader();
    assert.equal(reader.getRowByKey("fam", "t1", "1")?.["b"], "old");
    ldb.changeSchema(
      'DROP TABLE fam___t1; CREATE TABLE fam___t1 ("id" INTEGER, "n" INTEGER, PRIMARY KEY("id","n")); INSERT INTO fam___t1 VALUES(1, 2)',
    );
    assert.deepEqual(reader.getRowByKey("fam", "t1", 1, 2), { id: 1, n: 2 });
    throwsCode("invalid_key", () => reader.getRowByKey("fam", "t1", "1"));
  });

  test("R39 added field is in the next row, and a vanished one is not, when statements are cached", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(ONE_KEY);
    ldb.apply("INSERT INTO fam___t1 VALUES('x', 'y')");
    const reader = folder.reader();
    assert.deepEqual(reader.getRowByKey("fam", "t1", "x"), { a: "x", b: "y" });
    ldb.changeSchema('ALTER TABLE fam___t1 ADD COLUMN "c" INTEGER');
    assert.deepEqual(reader.getRowByKey("fam", "t1", "x"), { a: "x", b: "y", c: null });
    ldb.changeSchema('DROP TABLE fam___t1; CREATE TABLE fam___t1 ("a" VARCHAR(191), PRIMARY KEY("a"))');
    ldb.apply("INSERT INTO fam___t1 VALUES('x')");
    assert.deepEqual(reader.getRowByKey("fam", "t1", "x"), { a: "x" });
    ldb.changeSchema("DROP TABLE fam___t1");
    throwsCode("unknown_table", () => reader.getRowByKey("fam", "t1", "x"));
    ldb.changeSchema(ONE_KEY);
    assert.equal(reader.getRowByKey("fam", "t1", "x"), null);
  });

  test("reader goes to the next generation at once when the old one says that it is replaced", () => {
    using folder = new SampleFolder(environment);
    const first = folder.generation("1");
    first.changeSchema(ONE_KEY);
    first.apply("INSERT INTO fam___t1 VALUES('x', 'first')");
    folder.flipTo("1");
    // So seldom that only the old generation's own word can be why.
    const readers = [0, 1, 2, 3].map(() => folder.reader({ fileCheckIntervalMs: 3_600_000 }));
    for (const reader of readers) assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "first");

    const second = folder.generation("2");
    second.changeSchema(`${OTHER_KEY}; CREATE TABLE fam___new ("id" INTEGER, PRIMARY KEY("id"))`);
    second.apply("INSERT INTO fam___t1 VALUES('second', 'x')");
    second.moveTo(first.sequence + 1);
    folder.flipTo("2");
    first.supersede();
    const [byKey, byKeys, byPrefix, byTable] = readers;
    assert.deepEqual(byKey?.getRowByKey("fam", "t1", "x"), { a: "second", b: "x" });
    assert.deepEqual(byKeys?.getRows("fam", "t1", ["x"]), [{ a: "second", b: "x" }]);
    assert.deepEqual([...(byPrefix?.getRowsByKeyPrefix("fam", "t1") ?? [])], [{ a: "second", b: "x" }]);
    assert.equal(byTable?.getRowByKey("fam", "new", 1), null);
  });

  test("I15 reader stays on a generation that says it is replaced when there is no other to go to", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.generation("1");
    ldb.changeSchema(ONE_KEY);
    ldb.apply("INSERT INTO fam___t1 VALUES('x', 'y')");
    folder.flipTo("1");
    const reader = folder.reader();
    ldb.supersede();
    for (let i = 0; i < 3; i++) {
      assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "y");
      assert.equal(reader.snapshot((reads) => reads.getRowByKey("fam", "t1", "x"))?.["b"], "y");
    }
    assert.equal(folder.reader().getRowByKey("fam", "t1", "x")?.["b"], "y");
  });

  test("reader goes to a file that somebody moved over the path when the interval has passed", () => {
    using folder = new SampleFolder(environment);
    const old = folder.ldb();
    old.changeSchema(ONE_KEY);
    old.apply("INSERT INTO fam___t1 VALUES('x', 'old')");
    const reader = folder.reader({ fileCheckIntervalMs: 0 });
    assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "old");
    const next = folder.generation("by-hand");
    next.changeSchema(ONE_KEY);
    next.apply("INSERT INTO fam___t1 VALUES('x', 'new')");
    next.exec("PRAGMA journal_mode = DELETE");
    next.close();
    old.close();
    rmSync(`${old.path}-wal`, { force: true });
    rmSync(`${old.path}-shm`, { force: true });
    renameSync(next.path, old.path);
    assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "new");
  });

  test("I15 reader stays on what it has open when the path is taken away or holds no database", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.generation("1");
    ldb.changeSchema(ONE_KEY);
    ldb.apply("INSERT INTO fam___t1 VALUES('x', 'y')");
    folder.flipTo("1");
    const warnings: ReaderWarning[] = [];
    const reader = folder.reader({ fileCheckIntervalMs: 0, onWarning: (warning) => warnings.push(warning) });
    const before = warnings.length;
    rmSync(folder.ldbPath);
    assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "y");
    writeFileSync(folder.ldbPath, "this is no database, and long enough to be seen as none ".repeat(40));
    assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "y");
    assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "y");
    assert.deepEqual(
      warnings.slice(before).map((warning) => warning.code),
      ["unreadable_replacement"],
    );
    // The same file, now copied whole.
    const copied = folder.generation("copied");
    copied.changeSchema(ONE_KEY);
    copied.apply("INSERT INTO fam___t1 VALUES('x', 'copied')");
    copied.exec("PRAGMA journal_mode = DELETE");
    copied.close();
    writeFileSync(folder.ldbPath, readFileSync(copied.path));
    assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "copied");
    rmSync(folder.ldbPath);
    folder.flipTo("1");
    ldb.apply("REPLACE INTO fam___t1 VALUES('x', 'z')");
    assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "z");
  });

  test("I15 reader stays on what it has open when the path cannot even be looked at", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.generation("1");
    ldb.changeSchema(ONE_KEY);
    ldb.apply("INSERT INTO fam___t1 VALUES('x', 'y')");
    folder.flipTo("1");
    const reader = folder.reader({ fileCheckIntervalMs: 0 });
    rmSync(folder.ldbPath);
    symlinkSync(folder.ldbPath, folder.ldbPath); // a link to itself: every look fails with ELOOP
    assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], "y");
    throwsCode("ldb_not_found", () => folder.reader());
  });

  test("R39 reader that never read goes to the next generation when its own was removed meanwhile", () => {
    for (const said of [true, false]) {
      using folder = new SampleFolder(environment);
      const first = folder.generation("1");
      first.changeSchema(ONE_KEY);
      first.apply("INSERT INTO fam___t1 VALUES('x', 'first')");
      folder.flipTo("1");
      const reader = folder.reader({ fileCheckIntervalMs: 3_600_000 });
      const second = folder.generation("2");
      second.changeSchema(ONE_KEY);
      second.apply("INSERT INTO fam___t1 VALUES('x', 'second')");
      second.moveTo(first.sequence + 1);
      folder.flipTo("2");
      if (said) first.supersede();
      first.close();
      rmSync(dirname(first.path), { recursive: true });
      assert.equal(reader.getRowByKey("fam", "t1", "x")?.["b"], said ? "second" : "first");
    }
  });

  test("statements are let go when a reader has prepared more than it keeps", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    const names = Array.from({ length: 600 }, (_, i) => `t${i}`);
    ldb.changeSchema(
      names.map((name) => `CREATE TABLE fam___${name} ("id" INTEGER, PRIMARY KEY("id"))`).join(";"),
    );
    ldb.apply(names.map((name, i) => `INSERT INTO fam___${name} VALUES(${i})`).join(";"));
    const reader = folder.reader();
    for (let round = 0; round < 2; round++) {
      names.forEach((name, i) => {
        assert.deepEqual(reader.getRowByKey("fam", name, i), { id: i });
      });
    }
  });
}
