/** Values that must survive unchanged, in the ctldb and in a replay of the ledger. */
import { describe, expect, test } from "bun:test";
import { parseExactJson } from "../../../core/exact-json.ts";
import { createTableStatement } from "../../../core/ledger/statements.ts";
import type { SqlValue } from "../../../core/values.ts";
import { canonicalRow } from "../../support/dump-rows.ts";
import type { ConformanceTarget } from "../conformance.ts";
import { expectConsistent, FAMILY, openFilled, remove, request, table, upsert } from "../fixture.ts";

const TEXTS = [
  "",
  " ",
  "a",
  "A",
  "a ",
  "a\t",
  "'",
  "''",
  "\\",
  "\\'",
  '"',
  "`",
  ";",
  "-- x",
  "/* x */",
  "?",
  "%",
  "\n\r\t",
  "\u0000",
  "a\u0000b",
  "\u0000'",
  "ä",
  "a\u0308",
  "ß",
  "ss",
  "é",
  "e",
  "😀",
  "👩‍👩‍👧",
  "\uffff",
  "\ufeffbom",
  "\u{10ffff}",
  "--- BEGIN",
  "x'00'",
  "NULL",
  "1e5",
  "0001",
  "I",
  "i",
  "İ",
  "ı",
] as const;

const INTEGERS = [
  0n,
  -1n,
  2n ** 31n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
] as const;

const DECIMALS = [
  0,
  1,
  -1.5,
  0.1,
  0.1 + 0.2,
  1e21,
  1e300,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.MIN_VALUE,
  2.2250738585072014e-308,
  1e-7,
  123456789.12345678,
  2 ** 53,
  2 ** 63,
  5e-324,
] as const;

const BLOBS = [
  new Uint8Array(),
  new Uint8Array([0]),
  new Uint8Array([255, 0, 39, 92]),
  Uint8Array.from({ length: 256 }, (_, i) => i).subarray(0, 255),
] as const;

export function valueTests(target: ConformanceTarget): void {
  describe("values", () => {
    test("D2 D4 D5 I8 come back to the byte when they are hostile", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const rows = Math.max(TEXTS.length, INTEGERS.length, DECIMALS.length, BLOBS.length);
      const expected: string[] = [];
      const mutations = Array.from({ length: rows }, (_, k2) => {
        const text = TEXTS[k2 % TEXTS.length] ?? "";
        const integer = INTEGERS[k2 % INTEGERS.length] ?? 0n;
        const decimal = DECIMALS[k2 % DECIMALS.length] ?? 0;
        const blob = BLOBS[k2 % BLOBS.length] ?? new Uint8Array();
        const row: SqlValue[] = [decimal, BigInt(k2), text, text, blob, blob, text, integer];
        expected.push(canonicalRow(row));
        return upsert("all_types", {
          d: decimal,
          k2,
          k1: text,
          t: text,
          b: blob,
          bs: blob,
          s: text,
          i: integer,
        });
      });
      await ctldb.write(request(mutations));
      const { rows: dump } = await expectConsistent(url);
      expect(dump["fam___all_types"]?.rows).toEqual(expected.sort());
    });

    test("D3 I8 are one key only when they are equal to the byte", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const all = [...TEXTS];
      await ctldb.write(request(all.map((name, i) => upsert("counts", { name, count: i }))));
      expect((await expectConsistent(url)).rows["fam___counts"]?.rows).toHaveLength(all.length);
      // Each is found again by itself alone, one after the other.
      for (const [i, name] of all.entries()) {
        if (i % 2 === 0) await ctldb.write(request([remove("counts", { name })]));
      }
      const { rows } = await expectConsistent(url);
      const left = all.flatMap((name, i) => (i % 2 === 1 ? [canonicalRow([name, BigInt(i)])] : []));
      expect(rows["fam___counts"]?.rows).toEqual(left.sort());
    });

    test("D3 are other keys when bytestrings differ in a trailing zero or blank", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const bytekeys = table("bytekeys", { fields: [["k", "bytestring"]], keyFields: ["k"] });
      await ctldb.createTables([bytekeys]);
      const keys = ["YQ==", "YQA=", "YSA=", "QQ==", ""];
      await ctldb.write(request(keys.map((k) => upsert("bytekeys", { k }))));
      await ctldb.write(request([remove("bytekeys", { k: "YSA=" })]));
      const { rows } = await expectConsistent(url);
      expect(rows["fam___bytekeys"]?.rows).toEqual(["blob ", "blob 41", "blob 61", "blob 6100"]);
    });

    test("D4 I12 stay exact when they come as JSON numbers, decimal strings or booleans", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const body = parseExactJson(
        `[9007199254740993, "9007199254740993", -9223372036854775808, 9223372036854775807, 1e18, true, false, -0]`,
      ) as unknown[];
      await ctldb.write(request(body.map((count, i) => upsert("counts", { name: `n${i}`, count }))));
      const { rows } = await expectConsistent(url);
      expect(rows["fam___counts"]?.rows.map((row) => row.split("|integer ")[1])).toEqual([
        "9007199254740993",
        "9007199254740993",
        "-9223372036854775808",
        "9223372036854775807",
        "1000000000000000000",
        "1",
        "0",
        "0",
      ]);
    });

    test("are null where an upsert leaves fields out, also over a row that had them", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([upsert("all_types", { k1: "a", k2: 1, t: "was here", i: 5 })]));
      await ctldb.write(request([upsert("all_types", { K1: "a", k2: 1, s: "now" })]));
      const { rows } = await expectConsistent(url);
      expect(rows["fam___all_types"]?.rows).toEqual([
        canonicalRow([null, 1n, "a", null, null, null, "now", null]),
      ]);
    });

    test("reach their limits and stay whole when they are as long as may be", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const longest = { s: "😀".repeat(191), t: "€".repeat(170_000), bs: Buffer.alloc(255, 7) };
      await ctldb.write(request([upsert("all_types", { k1: "x".repeat(191), k2: 1, ...longest })]));
      await ctldb.write(request([upsert("all_types", { k1: "b", k2: 1, b: Buffer.alloc(350 * 1024, 255) })]));
      const { rows } = await expectConsistent(url);
      expect(rows["fam___all_types"]?.rows).toHaveLength(2);
    });

    test("D15 are written and deleted when the fields are named like SQL keywords", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const names = [
        "order",
        "group",
        "select",
        "values",
        "key",
        "from",
        "default",
        "rowid",
        "index",
        "table",
      ];
      const keywords = table("keywords", {
        fields: names.map((name) => [name, "integer"] as const),
        keyFields: ["order", "group"],
      });
      await ctldb.createTables([keywords]);
      const row = (order: number) =>
        Object.fromEntries(names.map((name, i) => [name, name === "order" ? order : i]));
      await ctldb.write(request([upsert("keywords", row(1)), upsert("keywords", row(2))]));
      await ctldb.write(request([remove("keywords", { order: 1, group: 1 })]));
      await ctldb.addFields(FAMILY, keywords.table, [{ name: "where" as never, type: "text" }]);
      const { rows, entries } = await expectConsistent(url);
      expect(rows["fam___keywords"]?.rows).toHaveLength(1);
      expect(entries.some((entry) => entry.statement === createTableStatement(keywords))).toBeTrue();
    });
  });
}
