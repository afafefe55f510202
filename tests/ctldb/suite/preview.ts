/** Previews of changes of tables: they change nothing, tell every reason against the change, and promise nothing else. */
import { describe, expect, test } from "bun:test";
import { PREVIEW_LIMITS } from "../../../core/limits.ts";
import { parseFamilyName, parseFieldName, parseOperatorName, parseWriterName } from "../../../core/names.ts";
import type { FieldSchema } from "../../../core/schema.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import type { ChangePreview, ProposedChange } from "../../../ctldb/preview/contract.ts";
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
  request,
  SECRET,
  statementsAfter,
  stateOf,
  table,
  upsert,
  WRITER,
} from "../fixture.ts";

const OTHER = parseFamilyName("other");
const field = (name: string, type: FieldSchema["type"] = "integer"): FieldSchema => ({
  name: parseFieldName(name),
  type,
});

function simple(name: string, family?: string, fields: number = 1) {
  const more = Array.from({ length: fields }, (_, i) => [`n${i}`, "integer"] as const);
  return table(name, { fields: [["id", "string"], ...more], keyFields: ["id"] }, family);
}

const codes = ({ conflicts }: ChangePreview) => conflicts.map(({ code }) => code);

/** The preview, having made sure that it changed nothing. */
async function previewed(url: string, ctldb: CtlDb, change: ProposedChange): Promise<ChangePreview> {
  const before = await stateOf(url, ctldb);
  const preview = await ctldb.preview(change);
  expect(await stateOf(url, ctldb)).toEqual(before);
  return preview;
}

/** Makes the change itself. */
async function make(ctldb: CtlDb, change: ProposedChange): Promise<unknown> {
  switch (change.kind) {
    case "create-family":
      return ctldb.createFamily(change.family);
    case "create":
      return ctldb.createTables(change.tables);
    case "add-fields":
      return ctldb.addFields(change.family, change.table, change.fields);
    case "drop":
      return ctldb.dropTable(change.family, change.table);
    case "clear":
      return ctldb.clearRows(change.family, change.table);
  }
}

export function previewTests(target: ConformanceTarget): void {
  describe("a preview", () => {
    test("tells the statements that the change then has, and changes nothing", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("a"), count("b")]));
      const changes: ProposedChange[] = [
        { kind: "create-family", family: OTHER },
        { kind: "create", tables: [simple("made"), simple("made_too")] },
        {
          kind: "add-fields",
          family: FAMILY,
          table: COUNTS.table,
          fields: [field("more"), field("text", "text")],
        },
        { kind: "clear", family: FAMILY, table: COUNTS.table },
        { kind: "drop", family: FAMILY, table: COUNTS.table },
      ];
      for (const change of changes) {
        const preview = await previewed(url, ctldb, change);
        expect(preview.conflicts).toEqual([]);
        const { headSequence } = await ctldb.status();
        await make(ctldb, change);
        expect(preview.tables.flatMap(({ ledgerStatements }) => ledgerStatements)).toEqual(
          await statementsAfter(url, headSequence),
        );
        expect(preview.tables.every(({ ctldbStatements }) => ctldbStatements.length > 0)).toBe(true);
      }
      await expectConsistent(url);
    });

    test("tells cost, rows, readers and writers of each table of a family that is to be cleared", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const second = parseWriterName("writer-2");
      await ctldb.writers.register(second, SECRET);
      await ctldb.write(request([count("a"), count("b")]));
      await ctldb.write(request([count("c")], { writer: second }));
      await ctldb.write(request([count("b", 2)]));
      const reader = parseOperatorName("shop-frontend");
      await ctldb.readers.declare(FAMILY, COUNTS.table, { reader, contact: "#shop" }, { actor: "alice" });
      const { tables } = await previewed(url, ctldb, { kind: "clear", family: FAMILY, table: null });
      expect(tables.map((each) => [each.table, each.cost, each.rows, each.rowsAreEstimated])).toEqual([
        [ALL_TYPES.table, "none", 0n, false],
        [COUNTS.table, "rows", 3n, false],
      ]);
      const [empty, filled] = tables;
      expect([empty?.readers, empty?.writers]).toEqual([[], []]);
      expect(filled?.readers).toMatchObject([{ reader, contact: "#shop", declaredBy: "alice" }]);
      expect(filled?.writers.map(({ writer }) => writer)).toEqual([WRITER, second]);
      for (const { lastUs } of filled?.writers ?? [])
        expect(Math.abs(lastUs / 1000 - Date.now())).toBeLessThan(60_000);
    });

    test("tells every reason against tables, and the change itself the first of them", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url, { defaults: { tablesPerFamily: 4, fieldsPerTable: 10 } });
      await target.sql(url, "CREATE TABLE fam___stray (id INTEGER PRIMARY KEY)");
      const change: ProposedChange = {
        kind: "create",
        tables: [
          simple("lost", "nowhere"),
          simple("lost_too", "nowhere"),
          COUNTS,
          simple("twice"),
          simple("twice"),
          simple("stray"),
          simple("wide", FAMILY, 10),
        ],
      };
      const preview = await previewed(url, ctldb, change);
      expect(codes(preview)).toEqual([
        "unknown_family",
        "table_exists",
        "table_exists",
        "schema_too_large",
        "schema_too_large",
        "table_exists",
      ]);
      expect(preview.conflicts.map(({ message }) => message)).toEqual([
        expect.stringContaining("nowhere"),
        expect.stringContaining("fam/counts: it exists already"),
        expect.stringContaining("fam/twice: it is given twice"),
        expect.stringContaining("fam/wide 11 fields: the limit is 10"),
        expect.stringContaining('3 tables in family "fam": it has 2; the limit is 4'),
        expect.stringContaining("fam___stray: the database has it"),
      ]);
      const error = await failureOf(make(ctldb, change));
      expect([error.code, error.message]).toEqual(["unknown_family", preview.conflicts[0]?.message ?? ""]);
    });

    test("tells every reason against fields: those that are there, those that SQLite refuses, too many", async () => {
      const url = await target.createDatabase();
      {
        await using _ctldb = await openFilled(url);
      }
      await using ctldb = await open(url, { defaults: { fieldsPerTable: 3 } });
      const change: ProposedChange = {
        kind: "add-fields",
        family: FAMILY,
        table: COUNTS.table,
        fields: [field("name"), field("count"), field("rowid"), field("more")],
      };
      const preview = await previewed(url, ctldb, change);
      expect(codes(preview)).toEqual(["field_exists", "field_exists", "schema_too_large", "invalid_schema"]);
      expect((await failureOf(make(ctldb, change))).code).toBe("field_exists");
      const rowid: ProposedChange = { ...change, fields: [field("rowid")] };
      expect(codes(await previewed(url, ctldb, rowid))).toEqual(["invalid_schema"]);
      expect((await failureOf(make(ctldb, rowid))).code).toBe("invalid_schema");
      const lost: ProposedChange = { ...change, family: OTHER };
      expect(codes(await previewed(url, ctldb, lost))).toEqual(["unknown_family"]);
    });

    test("tells what is not there of a drop and of a clear, and shows nothing", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const gone = simple("gone").table;
      const changes: ReadonlyArray<readonly [ProposedChange, string]> = [
        [{ kind: "drop", family: FAMILY, table: gone }, "unknown_table"],
        [{ kind: "drop", family: OTHER, table: gone }, "unknown_family"],
        [{ kind: "clear", family: FAMILY, table: gone }, "unknown_table"],
        [{ kind: "clear", family: OTHER, table: null }, "unknown_family"],
        [{ kind: "create-family", family: FAMILY }, "family_exists"],
      ];
      for (const [change, code] of changes) {
        const preview = await previewed(url, ctldb, change);
        expect([codes(preview), preview.tables]).toEqual([[code], []] as never);
        expect((await failureOf(make(ctldb, change))).code).toBe(code as never);
      }
    });

    test("sees what another Executive has just made", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      await second.catalog();
      await first.createTables([simple("fresh")]);
      expect(codes(await second.preview({ kind: "create", tables: [simple("fresh")] }))).toEqual([
        "table_exists",
      ]);
    });

    test("counts exactly beyond one step, with writers of more entries than one step", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url, { limits: { statementBytes: 1 << 20 } });
      const rows = PREVIEW_LIMITS.stepRows + 500;
      for (let at = 0; at < rows; at += 5_000) {
        const batch = Math.min(5_000, rows - at);
        await ctldb.write(request(Array.from({ length: batch }, (_, i) => count(`n${at + i}`))));
      }
      const { tables } = await ctldb.preview({ kind: "drop", family: FAMILY, table: COUNTS.table });
      expect([tables[0]?.rows, tables[0]?.rowsAreEstimated]).toEqual([BigInt(rows), false]);
      expect(tables[0]?.writers).toHaveLength(1);
    });

    test("waits for no writer that holds the ledger lock, and no writer waits for it", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const changes: ProposedChange[] = [
        { kind: "drop", family: FAMILY, table: COUNTS.table },
        { kind: "add-fields", family: FAMILY, table: COUNTS.table, fields: [field("more")] },
      ];
      const outcomes = await Promise.all([
        ...Array.from({ length: 30 }, (_, i) => ctldb.write(request([count(`n${i}`)]))),
        ...changes.map((change) => ctldb.preview(change)),
        ...Array.from({ length: 30 }, (_, i) => ctldb.write(request([upsert("counts", { name: `m${i}` })]))),
      ]);
      expect(outcomes).toHaveLength(62);
      expect((await expectConsistent(url)).rows["fam___counts"]?.rows).toHaveLength(60);
    });
  });

  describe("the bounds of a schema", () => {
    test("R38 are never exceeded when two Executives create tables and fields at once", async () => {
      const url = await target.createDatabase();
      const defaults = { tablesPerFamily: 5, fieldsPerTable: 8 };
      await using first = await openFilled(url, { defaults });
      await using second = await open(url, { defaults });
      const outcomes = await Promise.allSettled([
        ...Array.from({ length: 8 }, (_, i) => [first, second][i % 2]?.createTables([simple(`made_${i}`)])),
        ...Array.from({ length: 12 }, (_, i) =>
          [first, second][i % 2]?.addFields(FAMILY, COUNTS.table, [field(`extra_${i}`)]),
        ),
      ]);
      const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
      expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["schema_too_large"]));
      // Three tables of eight, six fields of twelve.
      expect(refused).toHaveLength(5 + 6);
      const catalog = await second.catalog();
      expect(catalog.tables(FAMILY)).toHaveLength(5);
      expect(catalog.table(FAMILY, COUNTS.table).fields).toHaveLength(8);
      await expectConsistent(url);
    });

    test("hold for all tables of a call together, by family, and take none of them when one is too many", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url, { defaults: { tablesPerFamily: 3 } });
      await ctldb.createFamily(OTHER);
      const before = await ctldb.status();
      const error = await failureOf(
        ctldb.createTables([simple("one", OTHER), simple("two"), simple("three")]),
      );
      expect([error.code, error.message]).toEqual([
        "schema_too_large",
        expect.stringContaining('2 tables in family "fam": it has 2; the limit is 3'),
      ] as never);
      expect(await ctldb.status()).toEqual(before);
      await ctldb.createTables([simple("one", OTHER), simple("two"), simple("two", OTHER)]);
      expect((await failureOf(ctldb.createTables([simple("three")]))).code).toBe("schema_too_large");
      // Dropping makes room.
      await ctldb.dropTable(FAMILY, simple("two").table);
      await ctldb.createTables([simple("three")]);
      await expectConsistent(url);
    });

    test("that were lowered refuse more, and take nothing away", async () => {
      const url = await target.createDatabase();
      {
        await using _ctldb = await openFilled(url);
      }
      await using ctldb = await open(url, { defaults: { tablesPerFamily: 1, fieldsPerTable: 2 } });
      expect((await failureOf(ctldb.addFields(FAMILY, ALL_TYPES.table, [field("more")]))).code).toBe(
        "schema_too_large",
      );
      expect((await failureOf(ctldb.createTables([simple("more")]))).code).toBe("schema_too_large");
      await ctldb.write(request([count("a")]));
      expect((await ctldb.addFields(FAMILY, ALL_TYPES.table, [])).sequence).toBe(
        (await ctldb.status()).headSequence,
      );
    });
  });

  describe("destructive changes", () => {
    test("D6 D7 R38 of two Executives among writes and other changes leave ctldb and ledger alike", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      const both = [first, second] as const;
      const one = simple("came_and_went");
      const each = async (i: number): Promise<unknown[]> => {
        const ctldb = both[i % 2] ?? first;
        return Promise.all(
          [
            ctldb.write(request([count(`a${i}`), count(`b${i}`)])),
            ctldb.createTables([one]),
            ctldb.write(request([upsert(one.table, { id: `${i}` })])),
            i % 3 === 0 ? ctldb.clearRows(FAMILY, null) : ctldb.clearRows(FAMILY, COUNTS.table),
            ctldb.addFields(FAMILY, one.table, [field(`more_${i}`)]),
            ctldb.preview({ kind: "clear", family: FAMILY, table: null }),
            ctldb.preview({ kind: "drop", family: FAMILY, table: one.table }),
            ctldb.dropTable(FAMILY, one.table),
            ctldb.write(request([count(`c${i}`)])),
          ].map((change) =>
            change.then(
              () => null,
              (error: unknown) => (error as { code: unknown }).code,
            ),
          ),
        );
      };
      const outcomes = await Promise.all(Array.from({ length: 6 }, (_, i) => each(i)));
      // What lost a race was told so, and nothing else went wrong.
      const expected = [null, "table_exists", "unknown_table", "ctldb_unavailable"];
      expect(expected).toEqual(expect.arrayContaining([...new Set(outcomes.flat())]));
      await first.clearRows(FAMILY, null);
      const { rows } = await expectConsistent(url);
      expect(Object.values(rows).every((table) => table.rows.length === 0)).toBe(true);
    });
  });
}
