/** D17: which lines a statement and a ledger transaction come to. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parseChangelogLine } from "../../../core/changelog/parse.ts";
import { CHANGES_LIMITS } from "../../../core/limits.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { changeLog, openTestWriter, short, type TestWriterOptions } from "./harness.ts";

const CREATE_S = 'CREATE TABLE fam___str ("id" VARCHAR(191), "n" INTEGER, PRIMARY KEY("id"));';
const CREATE_M =
  'CREATE TABLE fam___mix ("b" BLOB(255), "v" TEXT, "n" INTEGER, "s" VARCHAR(191), PRIMARY KEY("s","n","b"));';

/** The lines of statements that follow some others. */
function linesAfter(
  before: readonly string[],
  fill: (ledger: MemoryLedger) => void,
  options?: TestWriterOptions,
) {
  using folder = tempFolder("changelog-lines");
  const ledger = new MemoryLedger();
  ledger.append(...before);
  fill(ledger);
  const writer = openTestWriter(folder.path, options);
  writer.apply(ledger);
  writer.stop();
  return changeLog(folder.path).lines.slice(before.length);
}

const single = (create: string, ...statements: string[]) =>
  linesAfter([create], (ledger) => ledger.append(...statements));
const together = (create: string, ...statements: string[]) =>
  linesAfter([create], (ledger) => ledger.appendTransaction(...statements));

test("a line has the original's members first, and a whole transaction in one statement", () => {
  using folder = tempFolder("changelog-lines");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_S, `REPLACE INTO fam___str ("id","n") VALUES('a',1)`);
  const writer = openTestWriter(folder.path);
  writer.apply(ledger);
  writer.stop();
  const [header = "", , line = ""] = readFileSync(folder.file("change.log"), "utf8").split("\n");
  expect(line).toBe(
    '{"seq":2,"family":"fam","table":"str","key":[{"name":"id","type":"string","value":"a"}],"kind":"upsert","end":true}',
  );
  expect(header).toMatch(
    /^\{"seq":0,"family":"","table":"","key":\[\],"kind":"file","format":1,"history":"[0-9a-f]{16}","file":1\}$/,
  );
});

test("D17 a key is in one line of a ledger transaction, with its last statement, however often it was changed", () => {
  const lines = together(CREATE_T, put(1, "a"), put(2, "a"), put(1, "b"), put(1, "c"), put(3, "a"));
  expect(short(lines)).toEqual(["4 upsert tbl[2]", "6 upsert tbl[1]", "7 upsert tbl[3] end"]);
});

test("D17 seq is the ledger's and goes on after a restart", () => {
  using folder = tempFolder("changelog-lines");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"));
  for (const key of [2, 3]) {
    ledger.append(put(key, "a"));
    const writer = openTestWriter(folder.path);
    writer.apply(ledger);
    writer.stop();
  }
  expect(short(changeLog(folder.path).lines).map((line) => line.split(" ")[0])).toEqual(["1", "2", "3", "4"]);
});

test("a delete after an upsert and an upsert after a delete leave the last of both", () => {
  const remove = (key: number) => `DELETE FROM fam___tbl WHERE "k" = ${key}`;
  const lines = together(CREATE_T, put(1, "a"), remove(1), remove(2), put(2, "a"));
  expect(short(lines)).toEqual(["4 delete tbl[1]", "6 upsert tbl[2] end"]);
});

test("clear and drop stand for all rows that the transaction changed before them", () => {
  const clear = "DELETE FROM fam___tbl";
  const drop = "DROP TABLE IF EXISTS fam___tbl";
  expect(short(together(CREATE_T, put(1, "a"), clear, put(2, "a")))).toEqual([
    "4 clear tbl",
    "5 upsert tbl[2] end",
  ]);
  expect(short(together(CREATE_T, put(1, "a"), drop, CREATE_T, put(2, "a")))).toEqual([
    "4 drop tbl",
    "5 schema tbl",
    "6 upsert tbl[2] end",
  ]);
  expect(short(single(CREATE_T, clear, drop))).toEqual(["2 clear tbl end", "3 drop tbl end"]);
});

test("a new field is a change of schema, and one with a default a change of rows", () => {
  const add = 'ALTER TABLE fam___tbl ADD COLUMN "f" VARCHAR(191)';
  expect(short(single(CREATE_T, add))).toEqual(["2 schema tbl end"]);
  expect(short(single(CREATE_T, `${add} DEFAULT 'x'`))).toEqual(["2 reload tbl end"]);
});

test("an upsert is told with the right key when fields came meanwhile, also in the same transaction", () => {
  const add = 'ALTER TABLE fam___tbl ADD COLUMN "f" INTEGER';
  const wide = (key: number) => `REPLACE INTO fam___tbl ("f","k","v") VALUES(7,${key},'x')`;
  const lines = together(CREATE_T, put(1, "a"), put(2, "a"), add, wide(1), wide(3));
  expect(short(lines)).toEqual(["4 upsert tbl[2]", "5 schema tbl", "6 upsert tbl[1]", "7 upsert tbl[3] end"]);
});

test("a table made anew with another key is told by that key", () => {
  const other = 'CREATE TABLE fam___tbl ("k" INTEGER, "v" VARCHAR(191), PRIMARY KEY("v"));';
  const lines = single(CREATE_T, put(1, "a"), "DROP TABLE IF EXISTS fam___tbl", other, put(1, "a"));
  expect(short(lines).at(-1)).toBe('5 upsert tbl["a"] end');
});

test("I12 keys of every kind are exact, in key order, with the ledger's words for their types", () => {
  using folder = tempFolder("changelog-lines");
  const ledger = new MemoryLedger();
  ledger.append(
    CREATE_M,
    `REPLACE INTO fam___mix ("b","v","n","s") VALUES(x'00ff','text',-9007199254740993,'it''s "é" 😀\\')`,
  );
  const writer = openTestWriter(folder.path);
  writer.apply(ledger);
  writer.stop();
  const line = readFileSync(folder.file("change.log"), "utf8").split("\n")[2] ?? "";
  expect(parseChangelogLine(line).key).toEqual([
    { name: "s", type: "string", value: 'it\'s "é" 😀\\' },
    { name: "n", type: "integer", value: -9007199254740993n },
    { name: "b", type: "bytestring", value: "AP8=" },
  ]);
  expect(line).toContain('"value":-9007199254740993}');
});

test("D5 a key holding NUL is text, whichever ctlstore wrote it", () => {
  const of = (literal: string) => `REPLACE INTO fam___str ("id","n") VALUES(${literal},1)`;
  const lines = single(CREATE_S, of("CAST(x'610062' AS CHAR)"), of("x'610062'"));
  expect(lines.map((line) => (line["key"] as { value: unknown }[])[0]?.value)).toEqual(["a\0b", "a\0b"]);
});

test("a delete by a compound key is told with the parts in key order, and one by a part of it as reload", () => {
  const by = (...conditions: string[]) => `DELETE FROM fam___mix WHERE ${conditions.join(" AND ")}`;
  const lines = single(CREATE_M, by('"n" = 1', `"s" = 'x'`, `"b" = x'61'`), by('"n" = 1', `"s" = 'x'`));
  expect(short(lines)).toEqual(['2 delete mix["x",1,"YQ=="] end', "3 reload mix end"]);
});

test("D1 a key that is not of its declared kind is told as reload of its table", () => {
  const of = (literal: string) => `REPLACE INTO fam___str ("id","n") VALUES(${literal},1)`;
  // What SQLite makes of these is not what the statement says: text of a number, no value, bytes.
  for (const literal of ["5", "NULL", "x'61'", "5.5"]) {
    expect(short(single(CREATE_S, of(literal)))).toEqual(["2 reload str end"]);
  }
  expect(short(single(CREATE_T, `REPLACE INTO fam___tbl ("k","v") VALUES('5','a')`))).toEqual([
    "2 reload tbl end",
  ]);
  expect(short(single(CREATE_T, `REPLACE INTO fam___tbl ("v") VALUES('a')`))).toEqual(["2 reload tbl end"]);
  expect(short(single(CREATE_T, `REPLACE INTO fam___tbl ("k","k","v") VALUES(1,2,'a')`))).toEqual([
    "2 reload tbl end",
  ]);
});

test("I13 a key longer than a line may be is told as reload of its table", () => {
  const of = (text: string) => `REPLACE INTO fam___str ("id","n") VALUES('${text}',1)`;
  const [long, longer] = ["\u0001".repeat(8_192), "\u0001".repeat(8_193)];
  const lines = single(CREATE_S, of(long), of(longer), `DELETE FROM fam___str WHERE "id" = '${longer}'`);
  expect(lines.map(({ kind }) => kind)).toEqual(["upsert", "reload", "reload"]);
  expect(JSON.stringify(lines[0]).length).toBeLessThan(CHANGES_LIMITS.lineBytes);
  const mixed = (text: string) =>
    `REPLACE INTO fam___mix ("b","v","n","s") VALUES(x'${"00".repeat(3_000)}','text',1,'${text}')`;
  const compound = single(CREATE_M, mixed("a".repeat(4_192)), mixed("a".repeat(4_193)));
  expect(compound.map(({ kind }) => kind)).toEqual(["upsert", "reload"]);
});

test("a statement that is none of the ledger's forms is told as reload of any table", () => {
  const lines = single(CREATE_T, "UPDATE fam___tbl SET v = 'x'", 'INSERT INTO fam___tbl ("k") VALUES(1)');
  expect(short(lines)).toEqual(["2 reload  end", "3 reload  end"]);
  expect(lines[0]?.["family"]).toBe("");
});

test("a form of the ledger with more in it than ctlstore writes is told as reload of its table", () => {
  const copy = 'REPLACE INTO fam___tbl ("k","v") SELECT k + 1, v FROM fam___tbl';
  expect(short(single(CREATE_T, copy, "DELETE FROM fam___tbl WHERE v > 'a'"))).toEqual([
    "2 reload tbl end",
    "3 reload tbl end",
  ]);
});

test("a table with a key that no read can name is told as reload", () => {
  const keyless = 'CREATE TABLE fam___tbl ("k" INTEGER, "v" VARCHAR(191));';
  const real = 'CREATE TABLE fam___tbl ("k" REAL, "v" VARCHAR(191), PRIMARY KEY("k"));';
  for (const create of [keyless, real]) {
    expect(short(single(create, put(1, "a")))).toEqual(["2 reload tbl end"]);
  }
});

test("I13 a transaction with more keys than are kept in mind is told as reload of the table", () => {
  const statements = Array.from({ length: 10_001 }, (_, i) => put(i, "a"));
  const other = `REPLACE INTO fam___str ("id","n") VALUES('a',1)`;
  const lines = linesAfter([CREATE_T, CREATE_S], (ledger) =>
    ledger.appendTransaction(other, ...statements, put(0, "b")),
  );
  expect(short(lines)).toEqual(['4 upsert str["a"]', "10006 reload tbl end"]);
  const repeated = Array.from({ length: 25_000 }, (_, i) => put(i % 3, "a"));
  expect(short(together(CREATE_T, ...repeated))).toEqual([
    "25000 upsert tbl[1]",
    "25001 upsert tbl[2]",
    "25002 upsert tbl[0] end",
  ]);
});

test("I6 a ledger transaction over several blocks and slices is one in the changelog", () => {
  const lines = linesAfter(
    [CREATE_T],
    (ledger) => ledger.appendTransaction(...Array.from({ length: 40 }, (_, i) => put(i % 20, "a"))),
    { blockEntries: 7 },
  );
  expect(lines.length).toBe(20);
  expect(lines.filter((line) => line["end"] === true)).toEqual(lines.slice(-1));
});

test("D10 what comes before a refused statement is told once, and the refused transaction not at all", () => {
  using folder = tempFolder("changelog-lines");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"));
  ledger.appendTransaction(put(2, "a"), 'REPLACE INTO no_such___table ("k") VALUES(1)');
  const writer = openTestWriter(folder.path);
  for (const _attempt of [1, 2]) expect(() => writer.apply(ledger)).toThrow(/no_such___table/);
  writer.stop();
  expect(short(changeLog(folder.path).lines)).toEqual(["1 schema tbl end", "2 upsert tbl[1] end"]);
});
