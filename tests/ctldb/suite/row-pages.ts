/** Pages of a table: every row once, in the order of its key's bytes, as one committed state each. */
import { describe, expect, test } from "bun:test";
import type { FieldName } from "../../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../../core/schema.ts";
import type { SqlValue } from "../../../core/values.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import type { RowsPage, RowsRequest } from "../../../ctldb/row-pages.ts";
import { canonicalRow } from "../../support/dump-rows.ts";
import { seededRandom, suiteSeed } from "../../support/suite.ts";
import type { ConformanceTarget } from "../conformance.ts";
import {
  ALL_TYPES,
  COUNTS,
  count,
  FAMILY,
  failureOf,
  openFilled,
  remove,
  request,
  table,
  upsert,
} from "../fixture.ts";

const TEXT_KEYS = ["", " ", "a", "A", "a ", "a\u0000", "a\u0000b", "'", "\\", "ä", "ß", "😀", "\uffff", "z"];
const INTEGER_KEYS = [-(2n ** 63n), -(2n ** 53n) - 1n, -1n, 0n, 1n, 10n, 9n, 2n ** 53n + 1n, 2n ** 63n - 1n];
const BYTE_KEYS = [[], [0], [0, 0], [1], [39], [92, 39], [127], [128], [255], [255, 0]].map((b) =>
  Uint8Array.from(b),
);

type Wanted = Partial<Pick<RowsRequest, "fields" | "limit" | "bytes" | "after">>;

function page(ctldb: CtlDb, schema: TableSchema, wanted: Wanted = {}): Promise<RowsPage> {
  const { family, table: name } = schema;
  return ctldb.readRows({
    family,
    table: name,
    fields: "all",
    after: null,
    limit: 100,
    bytes: 1e9,
    ...wanted,
  });
}

/** All pages; `between` runs after each. */
async function allPages(
  ctldb: CtlDb,
  schema: TableSchema,
  wanted: Wanted = {},
  between: (pages: number) => Promise<void> = async () => {},
): Promise<RowsPage[]> {
  const pages: RowsPage[] = [];
  let after: readonly SqlValue[] | null = null;
  do {
    const next: RowsPage = await page(ctldb, schema, { ...wanted, after });
    pages.push(next);
    after = next.next;
    await between(pages.length);
  } while (after !== null);
  return pages;
}

function rowsOf(pages: readonly RowsPage[]): (readonly SqlValue[])[] {
  return pages.flatMap(({ rows }) => rows);
}

function byBytes(left: SqlValue, right: SqlValue): number {
  if (typeof left === "bigint" && typeof right === "bigint") return left < right ? -1 : left > right ? 1 : 0;
  const [a, b] = [left, right].map((value) =>
    typeof value === "string" ? Buffer.from(value) : (value as Uint8Array),
  );
  return Buffer.compare(a ?? new Uint8Array(), b ?? new Uint8Array());
}

/** Keys of every type, alone and together, in another order than that of the fields. */
const KEYED: ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, string, readonly SqlValue[]]>]> =
  [
    ["texts", [["k", "string", TEXT_KEYS]]],
    ["integers", [["k", "integer", INTEGER_KEYS]]],
    ["bytekeys", [["k", "bytestring", BYTE_KEYS]]],
    [
      "mixed",
      [
        ["k3", "bytestring", BYTE_KEYS.slice(0, 4)],
        ["k1", "string", TEXT_KEYS.slice(2, 8)],
        ["k2", "integer", INTEGER_KEYS.slice(1, 6)],
      ],
    ],
  ];

export function rowPageTests(target: ConformanceTarget): void {
  describe("pages of rows", () => {
    test("I12 have every key once, in the order of its bytes, for keys of every type and of several fields", async () => {
      await using ctldb = await openFilled(await target.createDatabase());
      for (const [name, fields] of KEYED) {
        const schema = table(name, {
          fields: [["note", "text"], ...fields.map(([field, type]) => [field, type] as const)],
          keyFields: fields.map(([field]) => field),
        });
        await ctldb.createTables([schema]);
        const keys = combinations(fields.map(([, , values]) => values));
        for (let at = 0; at < keys.length; at += 100) {
          await ctldb.write(
            request(keys.slice(at, at + 100).map((key) => upsert(name, withNames(fields, key)))),
          );
        }
        const sorted = keys.toSorted(
          (a, b) => a.map((value, i) => byBytes(value, b[i] ?? null)).find((x) => x !== 0) ?? 0,
        );
        for (const limit of [1, 3, 1000]) {
          const pages = await allPages(ctldb, schema, { fields: "key", limit });
          expect(rowsOf(pages).map(canonicalRow)).toEqual(sorted.map(canonicalRow));
          expect(pages[0]?.fields.map((field) => field.name as string)).toEqual(
            fields.map(([field]) => field),
          );
        }
      }
    });

    test("I12 D5 give every value back exactly", async () => {
      await using ctldb = await openFilled(await target.createDatabase());
      const rows: SqlValue[][] = [
        [
          0.1 + 0.2,
          2n ** 63n - 1n,
          "a\u0000b",
          "text\u0000'",
          Uint8Array.of(0, 255),
          Uint8Array.of(),
          "😀",
          2n ** 53n + 1n,
        ],
        [5e-324, -(2n ** 63n), "", null, null, null, null, null],
        [123456789.12345678, 0n, "ß", "", Uint8Array.of(), Uint8Array.of(39), "", -1n],
      ];
      await ctldb.write(request(rows.map((row) => upsert("all_types", named(ALL_TYPES.fields, row)))));
      const { rows: found, sequence, next } = await page(ctldb, ALL_TYPES);
      expect(found.map(canonicalRow).toSorted()).toEqual(rows.map(canonicalRow).toSorted());
      expect(sequence).toBe((await ctldb.status()).headSequence);
      expect(next).toBeNull();
      const blob = found.flat().find((value) => value instanceof Uint8Array && value.length === 2);
      expect(blob).toEqual(Buffer.from([0, 255]) as never);
    });

    test("have all of 10,000 rows once, whatever the page's size", async () => {
      await using ctldb = await openFilled(await target.createDatabase());
      const names = Array.from({ length: 10_000 }, (_, i) => `row-${(i * 7919) % 10_000}`);
      for (let at = 0; at < names.length; at += 2_000) {
        await ctldb.write(request(names.slice(at, at + 2_000).map((name, i) => count(name, at + i))));
      }
      const pages = await allPages(ctldb, COUNTS, { limit: 1_700 });
      expect(pages.map(({ rows }) => rows.length)).toEqual([1_700, 1_700, 1_700, 1_700, 1_700, 1_500]);
      expect(rowsOf(pages).map(([name]) => String(name))).toEqual(names.toSorted());
    });

    test("have every row that stays, once, while others come and go between the pages", async () => {
      const seed = suiteSeed();
      const random = seededRandom(seed);
      await using ctldb = await openFilled(await target.createDatabase());
      const steady = Array.from({ length: 60 }, (_, i) => `steady-${String(i).padStart(2, "0")}`);
      await ctldb.write(request(steady.map((name) => count(name))));
      const churn = async () => {
        const name = `steady-${String(Math.floor(random() * 60)).padStart(2, "0")}${random() < 0.5 ? "x" : "y"}`;
        await ctldb.write(request([random() < 0.7 ? count(name) : remove("counts", { name })]));
      };
      const pages = await allPages(ctldb, COUNTS, { limit: 7 }, churn);
      const found = rowsOf(pages).map(([name]) => String(name));
      expect(new Set(found).size, `seed ${seed}`).toBe(found.length);
      expect(
        found.filter((name) => name.length === 9),
        `seed ${seed}`,
      ).toEqual(steady);
      expect(pages.map(({ sequence }) => sequence)).toEqual(
        pages.map(({ sequence }) => sequence).toSorted(byBytes),
      );
    });

    test("end with the row that goes beyond the bytes asked for, and have one row at least", async () => {
      await using ctldb = await openFilled(await target.createDatabase());
      const long = "€".repeat(100_000);
      for (const k2 of [1, 2, 3, 4]) {
        await ctldb.write(request([upsert("all_types", { k1: "a", k2, ...(k2 === 4 ? {} : { t: long }) })]));
      }
      const sizes = async (bytes: number) =>
        (await allPages(ctldb, ALL_TYPES, { bytes })).map(({ rows }) => rows.length);
      expect(await sizes(1)).toEqual([1, 1, 1, 1]);
      expect((await sizes(400_000)).reduce((sum, rows) => sum + rows)).toBe(4);
      expect((await sizes(400_000))[0]).toBeLessThan(4);
      expect(await sizes(10_000_000)).toEqual([4]);
    });

    test("go on with the new field when the table grows between two pages", async () => {
      await using ctldb = await openFilled(await target.createDatabase());
      await ctldb.write(request(["a", "b", "c"].map((name) => count(name))));
      const extra: FieldSchema = { name: "extra" as FieldName, type: "text" };
      const pages = await allPages(ctldb, COUNTS, { limit: 2 }, async (done) => {
        if (done === 1) await ctldb.addFields(FAMILY, COUNTS.table, [extra]);
      });
      expect(pages.map(({ fields }) => fields.length)).toEqual([2, 3]);
      expect(rowsOf(pages)).toEqual([
        ["a", 1n],
        ["b", 1n],
        ["c", 1n, null],
      ]);
    });

    test("are empty for an empty table and refused for what is none", async () => {
      await using ctldb = await openFilled(await target.createDatabase());
      expect((await page(ctldb, COUNTS)).rows).toEqual([]);
      const missing = { ...COUNTS, table: "missing" as typeof COUNTS.table };
      expect((await failureOf(page(ctldb, missing))).code).toBe("unknown_table");
      const elsewhere = { ...COUNTS, family: "elsewhere" as typeof COUNTS.family };
      expect((await failureOf(page(ctldb, elsewhere))).code).toBe("unknown_family");
      for (const after of [[], ["a", "b"], [1], [null], ["\ud800"]]) {
        expect((await failureOf(page(ctldb, COUNTS, { after }))).code).toBe("invalid_value");
      }
    });

    test("say that the ctldb cannot be read while a table is not as its schema says", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("a")]));
      await target.sql(url, "ALTER TABLE fam___counts RENAME TO hidden_counts");
      expect((await failureOf(page(ctldb, COUNTS))).code).toBe("ctldb_unavailable");
      await target.sql(url, "ALTER TABLE hidden_counts RENAME TO fam___counts");
      expect((await page(ctldb, COUNTS)).rows).toHaveLength(1);
    });
  });
}

function combinations(lists: readonly (readonly SqlValue[])[]): SqlValue[][] {
  return lists.reduce<SqlValue[][]>(
    (rows, list) => rows.flatMap((row) => list.map((value) => [...row, value])),
    [[]],
  );
}

function withNames(fields: ReadonlyArray<readonly [string, ...unknown[]]>, key: readonly SqlValue[]) {
  return Object.fromEntries(fields.map(([name], i) => [name, key[i]]));
}

function named(fields: readonly FieldSchema[], row: readonly SqlValue[]): Record<string, SqlValue> {
  return Object.fromEntries(fields.map(({ name }, i) => [name as string, row[i] ?? null]));
}
