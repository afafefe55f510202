import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { UpsertParser } from "../../core/ledger/parse-upsert.ts";
import { upsertStatement } from "../../core/ledger/statements.ts";
import { parseTableSchema } from "../../core/schema.ts";
import type { SqlValue } from "../../core/values.ts";

const COLUMNS = `"id" VARCHAR(191), "i" INTEGER, "d" REAL, "t" TEXT, "b" BLOB`;
const SHOW = ["id", "i", "d", "t", "b"]
  .map((c) => `typeof(${c}) || ':' || hex(${c}) || ':' || coalesce(quote(${c}), '')`)
  .join(" || ' ' || ");

/** What the table holds after the statement ran as text and after it ran with bound values. */
function bothWays(statement: string): { text: unknown; bound: unknown } | null {
  const parsed = new UpsertParser().parse(statement);
  if (parsed === null) return null;
  const contents = [false, true].map((binding) => {
    using db = new Database(":memory:");
    db.run(`CREATE TABLE fam___tbl (${COLUMNS}, PRIMARY KEY("id"))`);
    const places = parsed.values.map(() => "?").join(",");
    if (binding) db.prepare(`${parsed.prefix}${places})`).run(...parsed.values);
    else db.run(statement);
    return db.query(`SELECT ${SHOW} AS row FROM fam___tbl`).all();
  });
  return { text: contents[0], bound: contents[1] };
}

const upsert = (...literals: string[]) =>
  `REPLACE INTO fam___tbl ("id","i","d","t","b") VALUES(${literals.join(",")})`;

describe("UpsertParser", () => {
  test("binding stores what the literals would, for every value that the Executive writes", () => {
    const schema = parseTableSchema("fam", "tbl", {
      fields: [
        ["id", "string"],
        ["i", "integer"],
        ["d", "decimal"],
        ["t", "text"],
        ["b", "binary"],
      ],
      keyFields: ["id"],
    });
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "'", "''", "a'b", "\u0000", "x\u0000'", ");--", "\\'"),
    );
    const value = fc.record({
      id: text,
      i: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      d: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      t: fc.option(text),
      b: fc.option(fc.uint8Array()),
    });
    let parsed = 0;
    fc.assert(
      fc.property(value, ({ id, i, d, t, b }) => {
        const row: SqlValue[] = [id, i, d === 0 ? 0 : d, t, b];
        const both = bothWays(upsertStatement(schema, row));
        if (both === null) return;
        parsed += 1;
        expect(both.bound).toEqual(both.text);
      }),
      { numRuns: 1000 },
    );
    // Nothing of this may be left to the slower way but what is beyond the literals of ours.
    expect(parsed).toBeGreaterThan(900);
  });

  test.each([
    upsert("5", "'abc'", "'2.5'", "7", "'text'"),
    upsert("1.25", "1.5", "3", "1000000000000", "-0.25"),
    upsert("'a'", "9223372036854775807", "9223372036854775807", "-9223372036854775808", "x''"),
    upsert("'a'", "1234567890123", "-1", "12345678901", "x'00ff'"),
    upsert("-0", "0", "-0", "00012", "NULL"),
    upsert(
      "99999999999999999999",
      "100000000000000000000",
      "-18446744073709551616",
      "123456789012345678901234567890",
      "NULL",
    ),
    upsert("x'6100'", "NULL", "NULL", "NULL", "NULL"),
    upsert("CAST(x'610062' AS CHAR)", "1", "0.1", "''''", "x'0A'"),
  ])("binding stores what the literals would when types do not match their columns: %s", (statement) => {
    const both = bothWays(statement);
    expect(both).not.toBeNull();
    expect(both?.bound).toEqual(both?.text);
  });

  test.each([
    "REPLACE INTO fam___tbl (\"id\") VALUES('a'); DROP TABLE fam___tbl",
    "REPLACE INTO fam___tbl (\"id\") VALUES('a') ",
    "REPLACE INTO fam___tbl (\"id\") VALUES('a'),('b')",
    "REPLACE INTO fam___tbl (\"id\") VALUES('a' || 'b')",
    'REPLACE INTO fam___tbl ("id") VALUES(true)',
    'REPLACE INTO fam___tbl ("id") VALUES(1e5)',
    'REPLACE INTO fam___tbl ("id") VALUES(0x10)',
    'REPLACE INTO fam___tbl ("id") VALUES(.5)',
    'REPLACE INTO fam___tbl ("id") VALUES(5.)',
    'REPLACE INTO fam___tbl ("id") VALUES(1.2.3)',
    'REPLACE INTO fam___tbl ("id") VALUES(-)',
    'REPLACE INTO fam___tbl ("id") VALUES(9223372036854775808)',
    "REPLACE INTO fam___tbl (\"id\") VALUES(x'0')",
    "REPLACE INTO fam___tbl (\"id\") VALUES(x'zz')",
    'REPLACE INTO fam___tbl ("id") VALUES(\'open',
    'REPLACE INTO fam___tbl ("id") VALUES(',
    'REPLACE INTO fam___tbl ("id") VALUES()',
    "REPLACE INTO fam___tbl (\"id\") VALUES('a',)",
    "REPLACE INTO sqlite_schema (\"id\") VALUES('a')",
    'REPLACE INTO _ldb_seq ("id") VALUES(1)',
    "DELETE FROM fam___tbl WHERE \"id\" = 'a'",
    "--- BEGIN",
    "",
  ])("leaves what is not exactly an upsert of ours alone: %s", (statement) => {
    expect(new UpsertParser().parse(statement)).toBeNull();
  });

  test("takes every upsert of the original's ledger apart or leaves it alone, and never differs from its text", async () => {
    const dump = gunzipSync(
      await Bun.file(`${import.meta.dir}/../interchange/fixtures/original-ctldb.sql.gz`).arrayBuffer(),
    ).toString("utf8");
    const texts = [...dump.matchAll(/VALUES\(((?:[^'\\\n]|\\.|'{2})*?)\)'\)/g)].map((match) =>
      (match[1] ?? "").replaceAll("\\'", "'"),
    );
    let parsed = 0;
    for (const values of texts) {
      const statement = `REPLACE INTO fam___tbl ("id") VALUES(${values})`;
      const result = new UpsertParser().parse(statement);
      if (result === null) continue;
      parsed += 1;
      using db = new Database(":memory:");
      const sql = `SELECT ${result.values.map((_, i) => `typeof(?${i + 1}) || quote(?${i + 1})`).join(" || ',' || ")} AS row`;
      const literal = `SELECT ${values.split("").length > 0 ? result.values.map((_, i) => `typeof(c${i}) || quote(c${i})`).join(" || ',' || ") : ""} AS row FROM (WITH v(${result.values.map((_, i) => `c${i}`).join(",")}) AS (VALUES(${values})) SELECT * FROM v)`;
      expect(db.query(sql).all(...result.values)).toEqual(db.query(literal).all());
    }
    expect(parsed).toBeGreaterThan(100);
  });
});
