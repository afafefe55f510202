/** Reads that come with their state, and states that are held (R15, R36). */
import { expect, test } from "bun:test";
import { openStatedReader } from "../../reader/stated/open.ts";
import { bunEnvironment } from "./bun-environment.ts";
import { throwsCode } from "./suite/expect.ts";
import { SampleFolder } from "./suite/sample-ldb.ts";

const TABLE = 'CREATE TABLE fam___t1 ("id" INTEGER, "v" TEXT, PRIMARY KEY("id"))';

function filled(folder: SampleFolder, id: string, sequence: number) {
  const ldb = folder.generation(id);
  ldb.changeSchema(TABLE);
  ldb.apply(`INSERT INTO fam___t1 VALUES(1, '${id}'), (2, '${id}')`);
  ldb.moveTo(sequence);
  folder.flipTo(id);
  return ldb;
}

test("R36 a held state is never behind what another connection of the reader has answered from", () => {
  using folder = new SampleFolder(bunEnvironment);
  const first = filled(folder, "first", 100);
  using reader = openStatedReader({ path: folder.path });
  expect(reader.rowByKey("fam", "t1", () => [1])).toMatchObject({
    row: { v: "first" },
    facts: { sequence: 100n },
  });
  const second = filled(folder, "second", 99);
  first.supersede();
  throwsCode("ldb_regressed", () => reader.hold(({ facts }) => facts));
  second.moveTo(101);
  const held = reader.hold(({ facts }) => facts.sequence);
  expect(held.result).toBe(101n);
  held.release();
  // The other way round: what was held counts for reads by key.
  second.moveTo(100);
  throwsCode("ldb_regressed", () => reader.rowByKey("fam", "t1", () => [1]));
});

test("a held state stays as it is while the LDB goes on, until it is released, which may happen twice", () => {
  using folder = new SampleFolder(bunEnvironment);
  const ldb = filled(folder, "first", 5);
  using reader = openStatedReader({ path: folder.path });
  const held = reader.hold((reads) => reads.prefix("fam", "t1", () => []));
  const rows = held.result.rows(10);
  expect(rows.next().value).toEqual({ id: 1n, v: "first" });
  ldb.apply("UPDATE fam___t1 SET v = 'newer'");
  expect(reader.rowByKey("fam", "t1", () => [2]).row).toEqual({ id: 2, v: "newer" });
  expect(rows.next().value).toEqual({ id: 2n, v: "first" });
  expect(held.result.count(10)).toBe(2);
  rows.return();
  held.release();
  held.release();
});

test("D16 a key is asked for again when the table was made anew between two attempts", () => {
  using folder = new SampleFolder(bunEnvironment);
  const ldb = filled(folder, "first", 5);
  using reader = openStatedReader({ path: folder.path });
  reader.rowByKey("fam", "t1", () => [1]);
  ldb.changeSchema(
    'DROP TABLE fam___t1; CREATE TABLE fam___t1 ("s" VARCHAR(191), PRIMARY KEY("s")); INSERT INTO fam___t1 VALUES(\'1\')',
  );
  const found = reader.rowByKey("fam", "t1", (shape) => [shape.keyTypes[0] === "string" ? "1" : 1]);
  expect(found.row).toEqual({ s: "1" });
  expect(found.facts.sequence).toBe(BigInt(ldb.sequence));
});

test("sequences beyond 2^53 are told with all their digits, also when they look alike as doubles", () => {
  using folder = new SampleFolder(bunEnvironment);
  const ldb = filled(folder, "first", 5);
  using reader = openStatedReader({ path: folder.path });
  for (const sequence of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
    ldb.moveTo(sequence);
    for (let again = 0; again < 2; again++)
      expect(reader.rowByKey("fam", "t1", () => [1]).facts.sequence).toBe(sequence);
  }
});

test("reads are reader_closed when the reader was disposed of, which may happen twice", () => {
  using folder = new SampleFolder(bunEnvironment);
  filled(folder, "first", 5);
  const reader = openStatedReader({ path: folder.path });
  reader[Symbol.dispose]();
  reader[Symbol.dispose]();
  throwsCode("reader_closed", () => reader.rowByKey("fam", "t1", () => [1]));
  throwsCode("reader_closed", () => reader.inOneState(({ facts }) => facts));
  throwsCode("reader_closed", () => reader.hold(({ facts }) => facts));
});
