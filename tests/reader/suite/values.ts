/** Every type of value and key comes back as it was stored. */
import assert from "node:assert/strict";
import type { SuiteEnvironment } from "./environment.ts";
import { throwsCode } from "./expect.ts";
import { SampleFolder } from "./sample-ldb.ts";

const ALL_TYPES = `CREATE TABLE fam___types ("id" VARCHAR(191), "s" VARCHAR(191), "i" INTEGER, "d" REAL, "t" TEXT,
  "b" BLOB, "bs" BLOB(255), PRIMARY KEY("id"))`;

export function defineValueTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("row holds every type as stored when read by key", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(ALL_TYPES);
    ldb.apply(`REPLACE INTO fam___types VALUES('a', 'é😀''"', -5, 1.5, 'text', x'00ff', x'');
      REPLACE INTO fam___types VALUES('nulls', NULL, NULL, NULL, NULL, NULL, NULL)`);
    const reader = folder.reader();
    const row = reader.getRowByKey("fam", "types", "a");
    const bytes = new Uint8Array([0, 255]);
    assert.deepEqual(row, { id: "a", s: "é😀'\"", i: -5, d: 1.5, t: "text", b: bytes, bs: new Uint8Array() });
    assert.equal(row?.["b"]?.constructor, Uint8Array);
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
    const nulls = { id: "nulls", s: null, i: null, d: null, t: null, b: null, bs: null };
    assert.deepEqual(reader.getRowByKey("fam", "types", "nulls"), nulls);
    assert.deepEqual(reader.getRows("fam", "types", ["nulls", "a"]), [nulls, row]);
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "types")], [row, nulls]);
    assert.equal(reader.getRowByKey("fam", "types", "none"), null);
  });

  test("row belongs to its caller when it is changed", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema('CREATE TABLE fam___t1 ("id" INTEGER, "v" BLOB, PRIMARY KEY("id"))');
    ldb.apply("INSERT INTO fam___t1 VALUES(1, x'01')");
    const reader = folder.reader();
    const row = reader.getRowByKey("fam", "t1", 1);
    if (row?.["v"] instanceof Uint8Array) row["v"][0] = 9;
    assert.deepEqual(reader.getRowByKey("fam", "t1", 1), { id: 1, v: new Uint8Array([1]) });
  });

  test("D4 I12 integer beyond 2^53 is refused by name in number mode and exact in bigint mode", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(
      'CREATE TABLE fam___ints ("k" VARCHAR(191), "id" INTEGER, "big" INTEGER, PRIMARY KEY("k","id"))',
    );
    const values = ["9007199254740993", "9223372036854775807", "-9223372036854775808", "-9007199254740993"];
    for (const value of values) ldb.apply(`INSERT INTO fam___ints VALUES('k', ${value}, ${value})`);
    ldb.apply("INSERT INTO fam___ints VALUES('safe', 9007199254740991, -9007199254740991)");
    const reader = folder.reader();
    const exact = folder.reader({ integers: "bigint" });
    for (const value of values.map(BigInt)) {
      assert.deepEqual(exact.getRowByKey("fam", "ints", "k", value), { k: "k", id: value, big: value });
      const error = throwsCode("unsafe_integer", () => reader.getRowByKey("fam", "ints", "k", value));
      assert.equal(error.details.field, "id");
      assert.ok(error.message.includes(String(value)));
      throwsCode("unsafe_integer", () =>
        reader.getRows("fam", "ints", [
          ["safe", 9007199254740991],
          ["k", value],
        ]),
      );
    }
    throwsCode("unsafe_integer", () => reader.getRowsByKeyPrefix("fam", "ints", "k"));
    const sorted = values.map(BigInt).sort((a, b) => (a < b ? -1 : 1));
    assert.deepEqual(
      [...exact.getRowsByKeyPrefix("fam", "ints", "k")].map((row) => row["id"]),
      sorted,
    );
    const safe = { k: "safe", id: 9007199254740991, big: -9007199254740991 };
    assert.deepEqual(reader.getRowByKey("fam", "ints", "safe", 9007199254740991), safe);
    assert.deepEqual(reader.getRowByKey("fam", "ints", "safe", 9007199254740991n), safe);
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "ints", "safe")], [safe]);
  });

  test("I12 D4 integers are numbers where that is exact and bigints beyond when they are asked for mixed", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema('CREATE TABLE fam___ints ("id" INTEGER, "big" INTEGER, "d" REAL, PRIMARY KEY("id"))');
    ldb.apply(
      "INSERT INTO fam___ints VALUES(1, 9007199254740993, 5), (2, 9007199254740991, 1e300), (3, NULL, 0.5)",
    );
    const reader = folder.reader({ integers: "mixed" });
    const rows = [
      { id: 1, big: 9007199254740993n, d: 5 },
      { id: 2, big: 9007199254740991, d: 1e300 },
      { id: 3, big: null, d: 0.5 },
    ];
    for (const row of rows) assert.deepEqual(reader.getRowByKey("fam", "ints", row.id), row);
    assert.deepEqual(reader.getRows("fam", "ints", [1, 2, 3]), rows);
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "ints")], rows);
  });

  test("large decimal is no unsafe integer when it is read in number mode", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema('CREATE TABLE fam___dec ("id" INTEGER, "d" REAL, "i" INTEGER, PRIMARY KEY("id"))');
    ldb.apply("INSERT INTO fam___dec VALUES(1, 1e300, 7), (2, -9007199254740994, 8), (3, 5e-324, 9)");
    const rows = [
      { id: 1, d: 1e300, i: 7 },
      { id: 2, d: -9007199254740994, i: 8 },
      { id: 3, d: 5e-324, i: 9 },
    ];
    const reader = folder.reader();
    assert.deepEqual(reader.getRowByKey("fam", "dec", 1), rows[0]);
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "dec")], rows);
    const exactRow = folder.reader({ integers: "bigint" }).getRowByKey("fam", "dec", 1);
    assert.deepEqual(exactRow, { id: 1n, d: 1e300, i: 7n });
  });

  test("D5 key holding NUL is found when it was stored as text, and as the original stored it", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema('CREATE TABLE fam___nul ("a" VARCHAR(191), "b" VARCHAR(191), PRIMARY KEY("a","b"))');
    ldb.apply(`REPLACE INTO fam___nul VALUES(CAST(x'610062' AS CHAR), 'ours');
      REPLACE INTO fam___nul VALUES(x'610063', 'original')`);
    const reader = folder.reader();
    assert.deepEqual(reader.getRowByKey("fam", "nul", "a\0b", "ours"), { a: "a\0b", b: "ours" });
    const original = { a: new TextEncoder().encode("a\0c"), b: "original" };
    assert.deepEqual(reader.getRowByKey("fam", "nul", "a\0c", "original"), original);
    assert.deepEqual(
      reader.getRows("fam", "nul", [
        ["a\0c", "original"],
        ["a", "ours"],
        ["a\0b", "ours"],
      ]),
      [original, null, { a: "a\0b", b: "ours" }],
    );
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "nul", "a\0c")], [original]);
    assert.equal(reader.getRowByKey("fam", "nul", "a", "ours"), null);
  });

  test("D5 text is whole when it holds NUL or begins with a byte order mark", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(ALL_TYPES);
    ldb.apply(`REPLACE INTO fam___types VALUES('nul', CAST(x'0000' AS CHAR), 1, 1.5, CAST(x'61006200' AS CHAR), x'6100', x'00');
      REPLACE INTO fam___types VALUES('bom', CAST(x'efbbbf61' AS CHAR), 1, 1.5, CAST(x'efbbbf6100' AS CHAR), x'', x'')`);
    const rows = [
      { id: "bom", s: "\ufeffa", i: 1, d: 1.5, t: "\ufeffa\0", b: new Uint8Array(), bs: new Uint8Array() },
      {
        id: "nul",
        s: "\0\0",
        i: 1,
        d: 1.5,
        t: "a\0b\0",
        b: new Uint8Array([97, 0]),
        bs: new Uint8Array([0]),
      },
    ];
    const reader = folder.reader();
    assert.deepEqual(reader.getRowByKey("fam", "types", "bom"), rows[0]);
    assert.deepEqual(reader.getRowByKey("fam", "types", "nul"), rows[1]);
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam", "types")], rows);
    assert.deepEqual(reader.getRows("fam", "types", ["bom", "nul"]), rows);
  });

  test("D2 D5 history of the original is returned as it is when a field holds another kind of value", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(ALL_TYPES);
    ldb.apply("REPLACE INTO fam___types VALUES('odd', x'0001', 'abc', 'text', 5, 7, 'x')");
    assert.deepEqual(folder.reader().getRowByKey("fam", "types", "odd"), {
      id: "odd",
      s: new Uint8Array([0, 1]),
      i: "abc",
      d: "text",
      t: "5",
      b: 7,
      bs: "x",
    });
  });

  test("D15 names that are SQL keywords are read when they are keys, fields and tables", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(
      'CREATE TABLE select___group ("order" VARCHAR(191), "group" INTEGER, "select" TEXT, "t" TEXT, PRIMARY KEY("group","order"))',
    );
    ldb.apply("INSERT INTO select___group VALUES('o', 1, 's', 't')");
    const reader = folder.reader();
    const row = { order: "o", group: 1, select: "s", t: "t" };
    assert.deepEqual(reader.getRowByKey("select", "group", 1, "o"), row);
    assert.deepEqual(reader.getRows("select", "group", [[1, "o"]]), [row]);
    assert.deepEqual([...reader.getRowsByKeyPrefix("select", "group", 1)], [row]);
  });

  test("key of bytes is matched by its bytes when parts of several types make one key", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(
      'CREATE TABLE fam___multi ("v" TEXT, "c" BLOB(255), "b" INTEGER, "a" VARCHAR(191), PRIMARY KEY("a","b","c"))',
    );
    ldb.apply("INSERT INTO fam___multi VALUES('1', x'', 3000000000, 'x'), ('2', x'00', 3000000000, 'x')");
    const reader = folder.reader();
    const key = (bytes: number[]) => ["x", 3_000_000_000, new Uint8Array(bytes)] as const;
    assert.equal(reader.getRowByKey("fam", "multi", ...key([]))?.["v"], "1");
    assert.equal(reader.getRowByKey("fam", "multi", ...key([0]))?.["v"], "2");
    assert.equal(reader.getRowByKey("fam", "multi", ...key([0, 0])), null);
    assert.deepEqual(
      reader.getRows("fam", "multi", [key([0]), key([1])]).map((row) => row?.["v"]),
      ["2", undefined],
    );
  });
}
