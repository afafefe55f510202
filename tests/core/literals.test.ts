/** Values as SQL text: SQLite reads back exactly what was written. (MySQL: tests/ctldb/mysql-literals.test.ts.) */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isSingleStatement } from "../../core/ledger/single-statement.ts";
import { backtickQuoted, doubleQuoted } from "../../core/sql/identifiers.ts";
import { bytesLiteral, ledgerLiteral, mysqlLiteral, textLiteral } from "../../core/sql/literals.ts";
import { plainDecimal } from "../../core/sql/plain-decimal.ts";
import type { SqlValue } from "../../core/values.ts";
import { canonicalCell } from "../support/dump-rows.ts";
import { suiteSeed } from "../support/suite.ts";

const db = new Database(":memory:", { safeIntegers: true });

function readBack(literal: string): string {
  const row = db
    .prepare(`SELECT typeof(v) AS t, v, CAST(v AS BLOB) AS b FROM (SELECT ${literal} AS v)`)
    .get() as {
    t: string;
    v: SqlValue;
    b: Uint8Array | null;
  };
  // SQLite gives back empty blobs as null in casts of nothing.
  const bytes = Buffer.from(row.b ?? new Uint8Array());
  if (row.t === "text") return canonicalCell(bytes.toString("utf8"));
  return row.t === "blob" ? canonicalCell(bytes) : canonicalCell(row.v);
}

const text = fc.oneof(
  fc.string({ unit: "binary" }).filter((each) => each.isWellFormed()),
  fc
    .array(fc.constantFrom("'", "\\", "\u0000", ";", "--", "/*", "😀", "x'", "\n", '"'), { maxLength: 12 })
    .map((each) => each.join("")),
);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => (each === 0 ? 0 : each));
const value: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  text,
  fc.uint8Array({ maxLength: 40 }),
);

describe("literals", () => {
  test("D5 I8 are read back by SQLite as what they stand for, typeof and bytes", () => {
    fc.assert(
      fc.property(value, (each) => {
        expect(readBack(ledgerLiteral(each))).toBe(canonicalCell(each));
        expect(isSingleStatement(`SELECT ${ledgerLiteral(each)}`)).toBeTrue();
      }),
      { seed: suiteSeed(), numRuns: 1_000 },
    );
  });

  test("have the forms that the original writes, and text for strings with NUL", () => {
    expect(textLiteral("it's")).toBe("'it''s'");
    expect(textLiteral("back\\slash")).toBe("'back\\slash'");
    expect(textLiteral("")).toBe("''");
    expect(textLiteral("a\u0000")).toBe("CAST(x'6100' AS CHAR)");
    expect(bytesLiteral(new Uint8Array([0, 255]))).toBe("x'00ff'");
    expect(bytesLiteral(new Uint8Array([9, 1, 2, 9]).subarray(1, 3))).toBe("x'0102'");
    expect(ledgerLiteral(null)).toBe("NULL");
    expect(ledgerLiteral(-5n)).toBe("-5");
    expect(mysqlLiteral(0.1)).toBe("1e-1");
  });

  test("of the smallest integer stay an integer in SQLite", () => {
    expect(readBack(ledgerLiteral(-(2n ** 63n)))).toBe("integer -9223372036854775808");
  });

  test("of decimals are plain, and the same double again for Number and in a REAL column", () => {
    db.run("CREATE TABLE IF NOT EXISTS reals (v REAL)");
    const special = [
      5e-324,
      Number.MAX_VALUE,
      1e21,
      1e-7,
      2 ** 53,
      1e22,
      123456789012345680000,
      0.1 + 0.2,
      1.5e300,
    ];
    const insert = (literal: string) => {
      db.run("DELETE FROM reals");
      db.run(`INSERT INTO reals VALUES(${literal})`);
      return db.prepare("SELECT typeof(v) AS t, v FROM reals").get();
    };
    for (const each of special.flatMap((number) => [number, -number])) {
      expect(insert(plainDecimal(each))).toEqual({ t: "real", v: each });
    }
    fc.assert(
      fc.property(finite, (each) => {
        const plain = plainDecimal(each);
        expect(plain).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(plain)).toBe(each);
        expect(insert(plain)).toEqual({ t: "real", v: each });
      }),
      { seed: suiteSeed(), numRuns: 1_000 },
    );
  });
});

describe("quoted identifiers", () => {
  test("are one name, whatever they hold", () => {
    expect(doubleQuoted('a"b')).toBe('"a""b"');
    expect(backtickQuoted("a`b")).toBe("`a``b`");
  });

  test("in backticks fail when the column is gone, where double quotes would be a string", () => {
    db.run("CREATE TABLE IF NOT EXISTS t (a)");
    expect(() => db.prepare(`SELECT ${backtickQuoted("gone")} FROM t`)).toThrow(/no such column/);
  });
});
