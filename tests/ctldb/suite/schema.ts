/** Families and tables: made, grown, cleared, dropped; the catalog always says what holds. */
import { describe, expect, test } from "bun:test";
import { createTableStatement } from "../../../core/ledger/statements.ts";
import { parseFamilyName } from "../../../core/names.ts";
import type { ConformanceTarget } from "../conformance.ts";
import {
  ALL_TYPES,
  COUNTS,
  count,
  expectConsistent,
  FAMILY,
  failureOf,
  open,
  openFilled,
  remove,
  request,
  statementsAfter,
  table,
  upsert,
} from "../fixture.ts";

const OTHER = parseFamilyName("other");

function simple(name: string, family?: string) {
  return table(
    name,
    {
      fields: [
        ["id", "string"],
        ["n", "integer"],
      ],
      keyFields: ["id"],
    },
    family,
  );
}

export function schemaTests(target: ConformanceTarget): void {
  describe("the schema", () => {
    test("lists families and tables as they were declared when it is read", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.createFamily(OTHER);
      await using second = await open(url);
      for (const each of [ctldb, second]) {
        const catalog = await each.catalog();
        expect([...catalog.families].sort()).toEqual([FAMILY, OTHER]);
        expect(catalog.tables()).toEqual([ALL_TYPES, COUNTS]);
        expect(catalog.tables(OTHER)).toEqual([]);
      }
    });

    test("gets all tables of a call in one go, of several families, in the order given", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.createFamily(OTHER);
      const before = await ctldb.status();
      const tables = [simple("ttt_c"), simple("ttt_a", OTHER), simple("ttt_b")];
      const { sequence } = await ctldb.createTables(tables);
      expect(sequence).toBe((before.headSequence + 3n) as never);
      expect((await ctldb.status()).schemaVersion).toBe(before.schemaVersion + 1n);
      expect(await statementsAfter(url, before.headSequence)).toEqual(tables.map(createTableStatement));
      expect((await ctldb.catalog()).tables(OTHER)).toHaveLength(1);
      await expectConsistent(url);
    });

    test("makes nothing of several tables when the database refuses the last one", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await target.sql(url, "CREATE TABLE fam___stray (id INTEGER PRIMARY KEY)");
      const before = await ctldb.status();
      const error = await failureOf(ctldb.createTables([simple("ttt_a"), simple("stray")]));
      expect(error.code).toBe("table_exists");
      expect(error.details.hint).toContain("by hand");
      expect(await ctldb.status()).toEqual(before);
      await target.sql(url, "DROP TABLE fam___stray");
      await ctldb.createTables([simple("ttt_a"), simple("stray")]);
      await ctldb.write(request([upsert("stray", { id: "a" })]));
      await expectConsistent(url);
    });

    test("grows by fields of every type, null in rows that are there, one entry each", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("old", 1)]));
      const { headSequence } = await ctldb.status();
      const added = (["string", "integer", "decimal", "text", "binary", "bytestring"] as const).map(
        (type) => ({
          name: `new_${type}` as never,
          type,
        }),
      );
      const { sequence } = await ctldb.addFields(FAMILY, COUNTS.table, added);
      expect(sequence).toBe((headSequence + 6n) as never);
      expect((await statementsAfter(url, headSequence))[4]).toBe(
        'ALTER TABLE fam___counts ADD COLUMN "new_binary" BLOB',
      );
      await ctldb.write(
        request([
          upsert("counts", {
            name: "new",
            count: 2,
            new_string: "s",
            new_integer: 1,
            new_decimal: 1,
            new_text: "t",
            new_binary: "AA==",
            new_bytestring: "AQ==",
          }),
        ]),
      );
      const { rows } = await expectConsistent(url);
      expect(rows["fam___counts"]?.rows).toEqual([
        'text "new"|integer 2|text "s"|integer 1|real 1e+0|text "t"|blob 00|blob 01',
        'text "old"|integer 1|null|null|null|null|null|null',
      ]);
    });

    test("stays as it is when no field is added", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const before = await ctldb.status();
      expect((await ctldb.addFields(FAMILY, COUNTS.table, [])).sequence).toBe(before.headSequence);
      expect(await ctldb.status()).toEqual(before);
    });

    test("D16 forgets a dropped table and its rows, and takes it again with another key", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("a"), count("b")]));
      await ctldb.dropTable(FAMILY, COUNTS.table);
      expect((await ctldb.catalog()).find(FAMILY, COUNTS.table)).toBeUndefined();
      expect((await failureOf(ctldb.write(request([count("a")])))).code).toBe("unknown_table");
      const again = table("counts", {
        fields: [
          ["count", "integer"],
          ["name", "text"],
          ["part", "bytestring"],
        ],
        keyFields: ["part", "count"],
      });
      await ctldb.createTables([again]);
      await ctldb.write(request([upsert("counts", { part: "AA==", count: 1, name: "new" })]));
      const { rows } = await expectConsistent(url);
      expect(rows["fam___counts"]).toEqual({
        columns: ["count integer", "name text", "part bytestring"],
        key: ["part", "count"],
        rows: ['integer 1|text "new"|blob 00'],
      });
    });

    test("clears one table, or all of a family and of no other, in one ledger transaction", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.createFamily(OTHER);
      await ctldb.createTables([simple("kept", OTHER)]);
      await ctldb.write(request([count("a"), upsert("all_types", { k1: "a", k2: 1 })]));
      await ctldb.write(request([upsert("kept", { id: "a" })], { family: OTHER }));
      const { headSequence } = await ctldb.status();
      await ctldb.clearRows(FAMILY, COUNTS.table);
      await ctldb.write(request([count("b")]));
      await ctldb.clearRows(FAMILY, null);
      expect(await statementsAfter(url, headSequence)).toEqual([
        "DELETE FROM fam___counts",
        'REPLACE INTO fam___counts ("name","count") VALUES(\'b\',1)',
        "--- BEGIN",
        "DELETE FROM fam___all_types",
        "DELETE FROM fam___counts",
        "--- COMMIT",
      ]);
      const { rows } = await expectConsistent(url);
      expect(Object.values(rows).map((each) => each.rows.length)).toEqual([0, 0, 1]);
      await ctldb.write(request([count("c"), remove("counts", { name: "c" })]));
    });

    test("clears nothing, and says where the ledger stands, when a family has no table", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.createFamily(OTHER);
      const { headSequence } = await ctldb.status();
      expect((await ctldb.clearRows(OTHER, null)).sequence).toBe(headSequence);
      await expectConsistent(url);
    });

    test("R38 takes only one of many when all make the same table at once", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      const codes = await Promise.all(
        [first, second, first, second].map((ctldb) =>
          ctldb.createTables([simple("same")]).then(
            () => "made",
            (error) => error.code,
          ),
        ),
      );
      expect(codes.sort()).toEqual(["made", "table_exists", "table_exists", "table_exists"]);
      await expectConsistent(url);
    });

    test("R38 loses no write and no change when tables grow while rows are written", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      const writes = Array.from({ length: 60 }, (_, i) => async () => {
        await (i % 2 === 0 ? first : second).write(request([count(`n${i}`, i)]));
      });
      const changes = Array.from({ length: 4 }, (_, i) => async () => {
        const field = { name: `f${i}` as never, type: "text" as const };
        await (i % 2 === 0 ? second : first).addFields(FAMILY, COUNTS.table, [field]);
      });
      const workers = [writes.slice(0, 30), writes.slice(30), changes].map(async (steps) => {
        for (const step of steps) await step();
      });
      await Promise.all(workers);
      const { rows } = await expectConsistent(url);
      expect(rows["fam___counts"]?.rows).toHaveLength(60);
      expect(rows["fam___counts"]?.columns).toHaveLength(6);
    });

    test("holds a table of 200 fields when it is made at once or grows to it", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const types = ["integer", "decimal", "text", "binary"] as const;
      const fields = Array.from({ length: 199 }, (_, i) => [`f${i}`, types[i % 4] ?? "text"] as const);
      await ctldb.createTables([table("wide", { fields: [["id", "string"], ...fields], keyFields: ["id"] })]);
      await ctldb.createTables([simple("grown")]);
      const added = fields.slice(0, 198).map(([name, type]) => ({ name: name as never, type }));
      await ctldb.addFields(FAMILY, simple("grown").table, added);
      const filled = (id: string, names: readonly (readonly [string, string])[]) =>
        Object.fromEntries([
          ["id", id],
          ...names.map(([name, type], i) => [
            name,
            type === "text" ? "x".repeat(300) : type === "binary" ? "AAAA" : i,
          ]),
        ]);
      await ctldb.write(
        request([upsert("wide", filled("a", fields)), upsert("grown", filled("a", fields.slice(0, 198)))]),
      );
      await expectConsistent(url);
    });
  });
}
