/** Our Executive on a ctldb that the original has made, and goes on writing beside us. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { ZERO_HASH } from "../../core/ledger/chain.ts";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { SEQUENCE_ZERO, toSequence } from "../../core/sequence.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import {
  DEPS,
  failureOf,
  open,
  remove,
  request,
  SECRET,
  statementsAfter,
  table,
  upsert,
  WRITER,
} from "../ctldb/fixture.ts";
import { mysqlQuery, mysqlScript } from "../ctldb/mysql-target.ts";
import { dumpCtlDb, type RowsDump } from "../support/dump-rows.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { startProcess } from "../support/process.ts";
import { checkLedger, readWholeLedger, replayLedger } from "../support/replay-ledger.ts";
import { until } from "../support/until.ts";
import { loadOriginal, same, writeAsOriginal } from "./load-original.ts";

setDefaultTimeout(30_000);

const FAM1 = parseFamilyName("fam1");
const OLD_ENTRIES =
  "SELECT seq, CAST(leader_ts AS CHAR), statement FROM ctlstore_dml_ledger WHERE seq <= 352 ORDER BY seq";
/** Enough for most tests; making tables is what takes the time. */
const FEW = ["fam1___ints", "fam1___grow", "fam1___onlykey", "fam1___upper", "fam2___tbl1", "fam1___swapped"];

function ofFam1(mutations: Parameters<typeof request>[0]) {
  return request(mutations, { family: FAM1 });
}

/** The ledger holds together, and describes the very tables that MySQL has. */
async function expectSameTables(url: string): Promise<{ central: RowsDump; replayed: RowsDump }> {
  const ledger = await readWholeLedger(url);
  checkLedger(ledger);
  const central = await dumpCtlDb(url);
  const replayed = replayLedger(ledger.entries);
  const shapes = (dump: RowsDump) =>
    Object.entries(dump).map(([name, { columns, key }]) => ({ name, columns: [...columns].sort(), key }));
  expect(shapes(replayed)).toEqual(shapes(central));
  return { central, replayed };
}

describe("a ctldb of the original", () => {
  test("is adopted in place, with all entries as they were, and takes writes", async () => {
    const url = await loadOriginal();
    const before = await mysqlQuery(url, OLD_ENTRIES);
    const writers = await mysqlQuery(url, "SELECT writer, secret, HEX(cookie), clock FROM mutators");
    await using ctldb = await open(url);
    expect(await mysqlQuery(url, "SELECT writer, secret, HEX(cookie), clock FROM mutators")).toEqual(writers);
    const catalog = await ctldb.catalog();
    expect([...catalog.families]).toContain(FAM1);
    expect(catalog.table(FAM1, parseTableName("swapped")).keyFields).toEqual(["k1", "k2"] as never[]);
    // Its tables are those of its ledger: there is nothing to mend.
    expect(await statementsAfter(url, 352n)).toEqual([]);
    expect(await mysqlQuery(url, OLD_ENTRIES)).toEqual(before);
    const { headSequence } = await ctldb.status();
    await ctldb.writers.register(WRITER, SECRET);
    const { sequence } = await ctldb.write(
      ofFam1([
        upsert("alltypes", { id: "new", i: "9007199254740993", t: "\u0000" }),
        remove("alltypes", { id: "r1" }),
      ]),
    );
    expect(sequence).toBe((headSequence + 4n) as never);
    const fresh = table("fresh", { fields: [["id", "string"]], keyFields: ["id"] }, FAM1);
    await ctldb.createTables([fresh]);
    await ctldb.write(ofFam1([upsert("fresh", { id: "a" })]));
    const { central, replayed } = await expectSameTables(url);
    expect(replayed["fam1___fresh"]).toEqual(central["fam1___fresh"]);
    expect(replayed["fam1___alltypes"]?.rows).toEqual(
      expect.arrayContaining(['text "new"|null|integer 9007199254740993|null|text "\\u0000"|null|null']),
    );
    expect(await mysqlQuery(url, OLD_ENTRIES)).toEqual(before);
  });

  test("is changed no more when it is opened a second time", async () => {
    const url = await loadOriginal(FEW);
    const states = [];
    for (let round = 0; round < 2; round++) {
      await using ctldb = await open(url);
      const { entries, description } = await readWholeLedger(url);
      states.push({
        entries,
        description,
        tables: (await ctldb.catalog()).tables(),
        status: await ctldb.status(),
      });
    }
    expect(states[1]).toEqual(states[0] as (typeof states)[1]);
  });

  test("is adopted once when several Executives open it at once", async () => {
    const url = await loadOriginal(FEW);
    const all = await Promise.all([open(url), open(url), open(url)]);
    const epochs = await Promise.all(all.map(async (ctldb) => (await ctldb.status()).epoch));
    expect(new Set(epochs).size).toBe(1);
    for (const ctldb of all) await ctldb[Symbol.asyncDispose]();
    // The tables that were not loaded are dropped in LDBs, once each.
    const statements = await statementsAfter(url, 352n);
    expect(statements.length).toBeGreaterThan(0);
    expect(new Set(statements).size).toBe(statements.length);
    await expectSameTables(url);
  });

  test("D3 compares keys by bytes, its old ones too, when it was adopted", async () => {
    const url = await loadOriginal(FEW);
    await using ctldb = await open(url);
    await ctldb.writers.register(WRITER, SECRET);
    await ctldb.clearRows(FAM1, parseTableName("grow"));
    const names = ["Foo", "foo", "foo ", "fóo"];
    await ctldb.write(ofFam1(names.map((id) => upsert("grow", { id }))));
    await ctldb.write(ofFam1([remove("grow", { id: "FOO" }), remove("grow", { id: "foo" })]));
    const { central, replayed } = await expectSameTables(url);
    expect(central["fam1___grow"]?.rows).toHaveLength(3);
    expect(replayed["fam1___grow"]?.rows.length).toBe(3);
  });

  test("is adopted when that takes longer than an idle session may last", async () => {
    const url = await loadOriginal(FEW);
    // A reader makes the change of a collation wait for its metadata lock, here for three seconds.
    const slow = mysqlQuery(url, "SELECT SLEEP(3) FROM (SELECT 1) AS one LEFT JOIN fam1___grow ON TRUE");
    const reads = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(3)%'";
    await until(async () => (await mysqlQuery(url, reads)).length > 0, { what: "the slow reader" });
    await using ctldb = await open(url, { timeouts: { sessionIdleSeconds: 1 } });
    await slow;
    await ctldb.writers.register(WRITER, SECRET);
    await ctldb.write(ofFam1([upsert("grow", { id: "new" })]));
    await expectSameTables(url);
  });

  const moments: ReadonlyArray<readonly [string, RegExp]> = [
    ["the first column is added", /ALTER TABLE ctlstore_dml_ledger ADD COLUMN/],
    ["the sequence is widened", /ALTER TABLE ctlstore_dml_ledger MODIFY seq/],
    ["the identity is written and not committed", /REPLACE INTO ctlstore_meta .*'epoch'/],
    ["a collation is changed", /MODIFY COLUMN/],
    ["the new entries are written and not committed", /REPLACE INTO ctlstore_meta .*takeover_sequence/],
    ["all is committed", /^.{4}.COMMIT/s],
  ];
  /** What an adoption comes to that nobody disturbs, with one write after it. */
  async function adoptAndWrite(url: string) {
    await using ctldb = await open(url);
    await ctldb.writers.register(WRITER, SECRET);
    await ctldb.write(ofFam1([upsert("grow", { id: "new" })]));
    return { ...(await expectSameTables(url)), statements: await statementsAfter(url, 0n) };
  }

  let undisturbed: ReturnType<typeof adoptAndWrite> | null = null;
  for (const [moment, hold] of moments) {
    test(`is adopted as if nothing had happened when the first try is killed just after ${moment}`, async () => {
      undisturbed ??= loadOriginal(FEW).then(adoptAndWrite);
      const url = await loadOriginal(FEW);
      await using proxy = await startFaultProxy(await sharedMariadb());
      const through = new URL(url);
      through.port = String(proxy.port);
      proxy.set({ holdReplyOf: hold });
      await using child = startProcess([
        process.execPath,
        join(import.meta.dir, "adopt-child.ts"),
        through.href,
      ]);
      await proxy.held();
      await child.kill();
      proxy.resetAll();
      expect(child.stdout).not.toContain("adopted");
      expect(await adoptAndWrite(url)).toEqual(await undisturbed);
    });
  }
});

describe("tables that the original has left apart from its ledger", () => {
  test("D6 D7 I8 are mended by new entries when the ctldb is adopted", async () => {
    const url = await loadOriginal(FEW);
    await mysqlScript(url, [
      // Made, and the ledger never told.
      "CREATE TABLE fam1___lost (id VARCHAR(191) NOT NULL, n BIGINT, d DOUBLE, b MEDIUMBLOB, PRIMARY KEY (id)) DEFAULT CHARSET=utf8mb4",
      "INSERT INTO fam1___lost VALUES ('a', 9223372036854775807, 0.1, x'00ff'), ('it''s', NULL, NULL, NULL), ('d', 1, 9.034006625342357, NULL)",
      // Grown, and the ledger never told; one row has a value already.
      "ALTER TABLE fam1___onlykey ADD COLUMN late VARCHAR(191)",
      "UPDATE fam1___onlykey SET late = 'here' WHERE id = 'k'",
      // Dropped and made again with another key.
      "DROP TABLE fam2___tbl1",
      "CREATE TABLE fam2___tbl1 (k BIGINT NOT NULL, v VARCHAR(191), PRIMARY KEY (k)) DEFAULT CHARSET=utf8mb4",
      "INSERT INTO fam2___tbl1 VALUES (1, 'one')",
      // Dropped.
      "DROP TABLE fam1___swapped",
    ]);
    await using ctldb = await open(url);
    const { central, replayed } = await expectSameTables(url);
    for (const name of ["fam1___lost", "fam2___tbl1"]) {
      expect({ name, dump: replayed[name] }).toEqual({ name, dump: central[name] });
    }
    expect(replayed["fam1___onlykey"]?.rows).toContain('text "k"|text "here"');
    expect(replayed["fam1___swapped"]).toBeUndefined();
    await ctldb.writers.register(WRITER, SECRET);
    await ctldb.write(ofFam1([upsert("lost", { id: "b", n: 1 }), upsert("onlykey", { id: "z", late: "x" })]));
    await expectSameTables(url);
  });

  test("are left alone, here and in LDBs, when somebody has given them columns that are not ours", async () => {
    const url = await loadOriginal(FEW);
    await mysqlScript(url, ["ALTER TABLE fam1___upper ADD COLUMN changed TIMESTAMP NULL"]);
    await using ctldb = await open(url);
    expect(
      (await statementsAfter(url, 352n)).filter((statement) => statement.includes("fam1___upper")),
    ).toEqual([]);
    await ctldb.writers.register(WRITER, SECRET);
    expect((await failureOf(ctldb.write(ofFam1([upsert("upper", { id: "a" })])))).code).toBe("unknown_table");
  });

  test("stop the adoption, naming the entry, when SQLite refuses the ledger itself", async () => {
    const url = await loadOriginal(FEW);
    await writeAsOriginal(url, [{ sql: "DO 0", statement: "CREATE TABLE fam1___ints (broken" }]);
    const error = await failureOf(open(url));
    expect(error.code).toBe("ctldb_incompatible");
    expect(error.details.sequence).toBeGreaterThan(352n);
  });
});

describe("the original beside us", () => {
  const old = (id: number) => same(`REPLACE INTO fam1___ints ("id","v") VALUES(${id},'old ${id}')`);

  test("R1 R2 has its entries taken over, in order, with the gaps that it leaves", async () => {
    const url = await loadOriginal(FEW);
    await using ctldb = await open(url);
    await ctldb.writers.register(WRITER, SECRET);
    await ctldb.clearRows(FAM1, parseTableName("ints"));
    for (let round = 1; round <= 3; round++) {
      await ctldb.write(ofFam1([upsert("ints", { id: round, v: "ours" })]));
      await writeAsOriginal(url, [old(10 * round)], "ROLLBACK");
      await writeAsOriginal(url, [old(100 * round), old(round)]);
    }
    const { sequence } = await ctldb.write(ofFam1([upsert("ints", { id: 3, v: "ours again" })]));
    const { central, replayed } = await expectSameTables(url);
    expect(replayed["fam1___ints"]).toEqual(central["fam1___ints"]);
    expect(central["fam1___ints"]?.rows).toEqual(
      [
        'integer 1|text "old 1"',
        'integer 2|text "old 2"',
        'integer 3|text "ours again"',
        ...[100, 200, 300].map((id) => `integer ${id}|text "old ${id}"`),
      ].sort(),
    );
    const { description, entries } = await readWholeLedger(url);
    expect(description.takeoverSequence).toBe((sequence - 1n) as never);
    expect(entries.filter((entry) => entry.hash === null && entry.sequence > 352n)).toHaveLength(12);
  });

  test("has its new tables and fields in our catalog when we write next", async () => {
    const url = await loadOriginal(FEW);
    await using ctldb = await open(url);
    await ctldb.writers.register(WRITER, SECRET);
    await writeAsOriginal(url, [
      {
        sql: "CREATE TABLE fam1___theirs (id VARCHAR(191) NOT NULL, PRIMARY KEY (id)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
        statement: 'CREATE TABLE fam1___theirs ("id" VARCHAR(191), PRIMARY KEY("id"));',
      },
    ]);
    await writeAsOriginal(url, [
      {
        sql: "ALTER TABLE fam1___theirs ADD COLUMN n BIGINT",
        statement: 'ALTER TABLE fam1___theirs ADD COLUMN "n" INTEGER',
      },
    ]);
    await ctldb.addFields(FAM1, parseTableName("grow"), [{ name: "ours" as never, type: "text" }]);
    await ctldb.write(ofFam1([upsert("theirs", { id: "Foo", n: 1 }), upsert("theirs", { id: "foo", n: 2 })]));
    const { central, replayed } = await expectSameTables(url);
    expect(replayed["fam1___theirs"]).toEqual(central["fam1___theirs"]);
    expect(central["fam1___theirs"]?.rows).toHaveLength(2);
  });

  test("gets sequences after ours when it inserts, and reads our entries as its own", async () => {
    const url = await loadOriginal(FEW);
    await using ctldb = await open(url);
    await ctldb.writers.register(WRITER, SECRET);
    const { sequence } = await ctldb.write(ofFam1([upsert("ints", { id: 1, v: "ours" })]));
    await writeAsOriginal(url, [old(2)]);
    const rows = await mysqlQuery(
      url,
      `SELECT seq, CAST(leader_ts AS CHAR), statement FROM ctlstore_dml_ledger WHERE seq >= ${sequence} ORDER BY seq LIMIT 10`,
    );
    expect(rows.map(([, , statement]) => statement)).toEqual([
      `REPLACE INTO fam1___ints ("id","v") VALUES(1,'ours')`,
      old(2).statement,
    ]);
    expect(String(rows[0]?.[1])).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  });

  test("R4 stops us, and nothing is written, when the ledger's tail was deleted", async () => {
    const url = await loadOriginal(FEW);
    await using ctldb = await open(url);
    await ctldb.writers.register(WRITER, SECRET);
    const { sequence } = await ctldb.write(ofFam1([upsert("ints", { id: 1, v: "ours" })]));
    await mysqlScript(url, [`DELETE FROM ctlstore_dml_ledger WHERE seq = ${sequence}`]);
    const error = await failureOf(ctldb.write(ofFam1([upsert("ints", { id: 2, v: "ours" })])));
    expect(error.code).toBe("ctldb_incompatible");
    expect(error.details.hint).toContain("backup");
  });
});

describe("the ledger source on a ctldb of the original", () => {
  test("gives unattested entries, and no epoch, until ours has taken it over", async () => {
    const url = await loadOriginal(FEW);
    const time = { ms: 0 };
    await using source = openLedgerSource(url, {
      ...DEPS,
      clock: { ...DEPS.clock, monotonicMs: () => time.ms },
    });
    const before = await source.describe();
    expect(before).toEqual({
      epoch: null,
      origin: ZERO_HASH,
      takeoverSequence: SEQUENCE_ZERO,
      firstSequence: toSequence(1),
      headSequence: toSequence(352),
    });
    const block = await source.poll(SEQUENCE_ZERO, 10_000);
    expect(block.entries.every((entry) => entry.hash === null)).toBeTrue();
    expect(block.entries[0]?.timestampUs).toBe(Date.parse("2026-11-22T12:19:04Z") * 1000);
    await using ctldb = await open(url);
    await ctldb.writers.register(WRITER, SECRET);
    const { sequence } = await ctldb.write(ofFam1([upsert("ints", { id: 1, v: "ours" })]));
    // It looks again after half a minute, and then sees our columns.
    time.ms += 31_000;
    const ours = await source.poll(toSequence(352), 10_000);
    expect(ours.entries.at(-1)?.sequence).toBe(sequence);
    expect(ours.entries.at(-1)?.hash).toHaveLength(32);
    const after = await source.describe();
    expect(after.epoch).toBe((await ctldb.status()).epoch);
    expect(after.takeoverSequence).toBe(toSequence(352));
  });
});
