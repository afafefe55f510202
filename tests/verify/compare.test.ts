/** Comparing an LDB with its ctldb: what is equal is found equal, and each kind of difference is found and named. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { parseTableName } from "../../core/names.ts";
import { toSequence } from "../../core/sequence.ts";
import { InvalidText } from "../../core/sql/stored-rows.ts";
import { openRowSource } from "../../ctldb/open.ts";
import { count, FAMILY, failureOf, remove, request, table, upsert } from "../ctldb/fixture.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { suiteSeed } from "../support/suite.ts";
import {
  ALL_KINDS,
  MARIADB,
  makeWorld,
  reportOf,
  SQLITE,
  shown,
  unequal,
  verify,
  type World,
  writeRandomRows,
} from "./world.ts";

setDefaultTimeout(30_000);

/** Ten counts, n1 to n10, in both. */
async function tenCounts(world: World): Promise<void> {
  await world.ctldb.write(request(Array.from({ length: 10 }, (_, i) => count(`n${i + 1}`, i + 1))));
  await world.reflect();
}

for (const kind of ALL_KINDS) {
  describe(`an LDB compared with a ctldb on ${kind.name}`, () => {
    test("D9 I8 is equal, with equal digests, when it has caught up with random rows of every type", async () => {
      await using world = await makeWorld(kind);
      const seed = suiteSeed();
      await writeRandomRows(world.ctldb, seed, 30);
      await world.reflect();
      const report = await world.verify();
      expect({ seed, unequal: unequal(report) }).toEqual({ seed, unequal: {} });
      expect(report).toMatchObject({ equal: true, warnings: [], passes: 1 });
      expect(report.ldbSequence).toBe(report.headSequence);
      const rows = reportOf(report, "all_types");
      expect(rows.ldb?.rows).toBeGreaterThan(100);
      expect(rows.ldb).toEqual(rows.ctldb as NonNullable<typeof rows.ctldb>);
    });

    test("D9 I8 gives both sides' rows in one order when a table of hostile keys is gone through", async () => {
      await using world = await makeWorld(kind);
      const seed = suiteSeed();
      await writeRandomRows(world.ctldb, seed, 15);
      const keys = ["", "a", "a ", "A", "a\u0000", "\u0000", "ä", "\uffff", "\ue000", "😀", "\u{10ffff}"];
      await world.ctldb.write(request(keys.map((k1) => upsert("all_types", { k1, k2: -1, t: "before" }))));
      const bytes = table("by_bytes", { fields: [["b", "bytestring"]], keyFields: ["b"] });
      await world.ctldb.createTables([bytes]);
      const blobs = ["", "AA==", "AAA=", "/w==", "//8=", "gA=="];
      await world.ctldb.write(request(blobs.map((b) => upsert("by_bytes", { b }))));
      await world.reflect();
      // One row makes the digests differ, so that all are compared side by side.
      world.changeLdb(
        "UPDATE fam___all_types SET t = 'after' WHERE k1 = '😀' AND k2 = -1",
        "DELETE FROM fam___by_bytes WHERE b = x'ffff'",
      );
      const report = await world.verify();
      expect({ seed, shown: shown(reportOf(report, "all_types")) }).toEqual({
        seed,
        shown: ["different k1=😀 k2=-1: t"],
      });
      expect(reportOf(report, "by_bytes").differences).toMatchObject({ missing: 1, extra: 0, different: 0 });
    });

    test("D9 differs when a row was changed, deleted or added in the LDB's file", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      world.changeLdb(
        "UPDATE fam___counts SET count = 77 WHERE name = 'n3'",
        "DELETE FROM fam___counts WHERE name = 'n5'",
        "INSERT INTO fam___counts VALUES ('stranger', 1)",
      );
      const report = await world.verify();
      expect(report.equal).toBe(false);
      expect(unequal(report)).toEqual({ "fam/counts": "different" });
      const found = reportOf(report, "counts");
      expect(found.differences).toMatchObject({ missing: 1, extra: 1, different: 1 });
      expect(shown(found)).toEqual(["different name=n3: count", "missing name=n5", "extra name=stranger"]);
      const [changed] = found.differences?.shown ?? [];
      expect([changed?.ldb?.get("count"), changed?.ctldb?.get("count")]).toEqual([77n, 3n]);
    });

    test("D9 I8 differs when a value is the same and stored as another class", async () => {
      await using world = await makeWorld(kind);
      await world.ctldb.write(
        request([upsert("all_types", { k1: "a", k2: 1, t: "5", b: "AP8=", bs: "", s: "", d: 5 })]),
      );
      await world.reflect();
      const changes: ReadonlyArray<readonly [string, string]> = [
        ["t", "x'35'"],
        ["b", "CAST(x'00ff' AS TEXT)"],
        ["bs", "NULL"],
        ["s", "x''"],
        ["s", "NULL"],
        ["i", "1.5"],
        ["d", "5.000000000000001"],
      ];
      for (const [field, value] of changes) {
        const before = `(SELECT ${field} FROM fam___all_types)`;
        world.changeLdb("CREATE TABLE kept AS SELECT * FROM fam___all_types");
        world.changeLdb(`UPDATE fam___all_types SET ${field} = ${value} WHERE ${before} IS NOT ${value}`);
        const report = await world.verify();
        expect({ field, value, shown: shown(reportOf(report, "all_types")) }).toEqual({
          field,
          value,
          shown: [`different k1=a k2=1: ${field}`],
        });
        world.changeLdb("REPLACE INTO fam___all_types SELECT * FROM kept", "DROP TABLE kept");
      }
      expect((await world.verify()).equal).toBe(true);
    });

    test("D9 differs when text in the LDB is damaged, even where it reads as what the ctldb has", async () => {
      await using world = await makeWorld(kind);
      await world.ctldb.write(request([upsert("all_types", { k1: "a", k2: 1, t: "\ufffd" })]));
      await world.reflect();
      expect((await world.verify()).equal).toBe(true);
      world.changeLdb("UPDATE fam___all_types SET t = CAST(x'ff' AS TEXT)");
      const found = reportOf(await world.verify(), "all_types");
      expect(shown(found)).toEqual(["different k1=a k2=1: t"]);
      expect(found.differences?.shown[0]?.ldb?.get("t")).toEqual(new InvalidText(Buffer.from([0xff])));
    });

    test("D9 differs when a row was changed, deleted or added in the ctldb by hand", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      await world.changeCtlDb(
        "UPDATE fam___counts SET count = 77 WHERE name = 'n3'",
        "DELETE FROM fam___counts WHERE name = 'n5'",
        "INSERT INTO fam___counts (name, count) VALUES ('stranger', 1)",
      );
      const found = reportOf(await world.verify(), "counts");
      expect(shown(found)).toEqual(["different name=n3: count", "extra name=n5", "missing name=stranger"]);
    });

    test("D9 counts every difference and shows the first when there are many", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      world.changeLdb("UPDATE fam___counts SET count = -1");
      const found = reportOf(await world.verify({ shownDifferences: 2 }), "counts");
      expect(found.differences).toMatchObject({ missing: 0, extra: 0, different: 10 });
      expect(shown(found)).toEqual(["different name=n1: count", "different name=n10: count"]);
    });

    test("D9 names tables that one side alone has, and tables of another form", async () => {
      await using world = await makeWorld(kind);
      const other = table("other", { fields: [["id", "integer"]], keyFields: ["id"] });
      await world.ctldb.createTables([other]);
      await tenCounts(world);
      world.changeLdb(
        "DROP TABLE fam___all_types",
        'CREATE TABLE fam___stranger ("id" INTEGER, PRIMARY KEY("id"))',
        "ALTER TABLE fam___counts ADD COLUMN more TEXT",
      );
      const report = await world.verify();
      expect(unequal(report)).toEqual({
        "fam/all_types": "missing_in_ldb",
        "fam/counts": "schema_differs",
        "fam/stranger": "missing_in_ctldb",
      });
      expect(reportOf(report, "counts").reason).toContain("more text");
    });

    test("D9 says that a table of the ctldb cannot be read when it was dropped by hand", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      await world.changeCtlDb("DROP TABLE fam___counts");
      expect(unequal(await world.verify())).toEqual({ "fam/counts": "unreadable" });
    });

    test("D9 passes over the rows that wait in the ledger, and over no other, when it is behind", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      world.changeLdb("UPDATE fam___counts SET count = -1 WHERE name IN ('n2', 'n3')");
      await world.ctldb.write(
        request([count("n3", 33), remove("counts", { name: "n4" }), count("it's new \u0000 = ' AND", 1)]),
      );
      const report = await world.verify();
      expect(unequal(report)).toEqual({ "fam/counts": "different" });
      expect(shown(reportOf(report, "counts"))).toEqual(["different name=n2: count"]);
      world.changeLdb("UPDATE fam___counts SET count = 2 WHERE name = 'n2'");
      expect(reportOf(await world.verify(), "counts")).toMatchObject({ status: "equal", changing: 3 });
      // The Reflector replaces the third.
      await world.reflect();
      expect(reportOf(await world.verify(), "counts")).toMatchObject({ status: "equal", changing: 0 });
    });

    test("D9 does not compare a table that waits to be created, changed or cleared", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      await world.ctldb.clearRows(FAMILY, parseTableName("counts"));
      await world.ctldb.addFields(FAMILY, parseTableName("all_types"), [
        { name: "late" as never, type: "text" },
      ]);
      await world.ctldb.createTables([table("fresh", { fields: [["id", "string"]], keyFields: ["id"] })]);
      expect(unequal(await world.verify())).toEqual({
        "fam/all_types": "busy",
        "fam/counts": "busy",
        "fam/fresh": "busy",
      });
      await world.reflect();
      expect(unequal(await world.verify())).toEqual({});
    });

    test("R5 D9 is refused when it follows another ctldb", async () => {
      await using world = await makeWorld(kind);
      await using other = await makeWorld(kind);
      await tenCounts(world);
      expect((await failureOf(verify(other.url, world.ldbFolder))).code).toBe("ledger_epoch_mismatch");
    });

    test("R3 D9 is refused when the ctldb is behind it", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      const { headSequence } = await world.ctldb.status();
      await world.changeCtlDb(`DELETE FROM ctlstore_dml_ledger WHERE seq = ${headSequence}`);
      const error = await failureOf(world.verify());
      expect(error).toMatchObject({ code: "ledger_behind", details: { sequence: headSequence } });
    });

    test("R27 D9 is refused when the entries after it are gone from the ledger", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      await world.ctldb.write(request([count("n1", 100)]));
      await world.ctldb.write(request([count("n2", 200)]));
      const { headSequence } = await world.ctldb.status();
      await world.changeCtlDb(`DELETE FROM ctlstore_dml_ledger WHERE seq < ${headSequence}`);
      expect((await failureOf(world.verify())).code).toBe("ledger_too_old");
    });

    test("R4 D9 warns when the ledger has another entry where the LDB is, and when the LDB skipped one", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      const { headSequence } = await world.ctldb.status();
      await world.changeCtlDb(
        `UPDATE ctlstore_dml_ledger SET hash = x'${"ab".repeat(32)}' WHERE seq = ${headSequence}`,
      );
      world.changeLdb("INSERT INTO _ldb_skips VALUES (1, 'x', 'why', 'when')");
      const { warnings, equal } = await world.verify();
      expect(equal).toBe(true);
      expect(warnings).toEqual([
        expect.stringContaining(`another entry ${headSequence}`),
        expect.stringContaining("1 ledger entries"),
      ]);
    });

    test("D9 goes on with fresh states until all tables are done when one is held only briefly", async () => {
      await using world = await makeWorld(kind);
      await tenCounts(world);
      const report = await world.verify({ viewMs: 0 });
      expect(report.tables.map(({ status }) => status)).toEqual(["equal", "equal"]);
      expect(report.passes).toBe(2);
    });
  });
}

test("D9 says how far it is when there is much to read", async () => {
  await using world = await makeWorld(SQLITE);
  await world.reflect();
  const fill = `WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 40000)
    INSERT INTO fam___counts SELECT 'n' || n, n FROM s`;
  world.changeLdb(fill);
  await world.changeCtlDb(fill);
  const said: string[] = [];
  const report = await world.verify({ onProgress: (name, rows) => void said.push(`${name} ${rows}`) });
  expect(report.equal).toBe(true);
  const side = ["fam___counts 16384", "fam___counts 32768"];
  expect(said).toEqual([...side, ...side]);
});

describe("a view of a ctldb on MariaDB", () => {
  test("R20 D9 is given up when the server falls silent", async () => {
    await using world = await makeWorld(MARIADB);
    await tenCounts(world);
    await using proxy = await startFaultProxy(await sharedMariadb());
    const through = new URL(world.url);
    through.port = String(proxy.port);
    await using source = openRowSource(through.href, { timeouts: { queryMs: 100 } });
    await using view = await source.openView();
    proxy.set({ blackHole: "down" });
    const selection = { table: "fam___counts", fields: ["name"], keyFields: ["name"] };
    const reading = view.readRows(selection, { order: "any", exactText: false }, () => {});
    expect((await failureOf(reading)).code).toBe("ctldb_unavailable");
  });

  test("D9 lets tables be altered that it has read", async () => {
    await using world = await makeWorld(MARIADB);
    await tenCounts(world);
    await using source = openRowSource(world.url);
    await using view = await source.openView();
    const selection = { table: "fam___counts", fields: ["name", "count"], keyFields: ["name"] };
    const rows = { before: 0, after: 0 };
    const any = { order: "any", exactText: false } as const;
    expect(await view.readRows(selection, any, () => void rows.before++)).toBe(true);
    await world.ctldb.write(request([count("later")]));
    expect(await view.readRows(selection, any, () => void rows.after++)).toBe(true);
    expect(rows).toEqual({ before: 10, after: 10 });
    // With the table held this would wait for the view's end.
    const { sequence } = await world.ctldb.addFields(FAMILY, parseTableName("counts"), [
      { name: "late" as never, type: "text" },
    ]);
    expect(sequence).toBeGreaterThan(toSequence(view.headSequence));
    await world.ctldb.dropTable(FAMILY, parseTableName("counts"));
    expect(await view.readRows(selection, any, () => {})).toBe(false);
  });
});
