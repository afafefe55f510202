/** Statements of the ledger taken apart into the row that they are about. */
import { expect, test } from "bun:test";
import { RowStatementParser, sameValue, typedValue } from "../../core/ledger/row-statement.ts";

const parse = (statement: string) => {
  const parsed = new RowStatementParser().parse(statement);
  return parsed === null ? null : [parsed.kind, Object.fromEntries(parsed.values)];
};

test("a row statement gives its fields by name when it is one of the ledger's forms", () => {
  expect(parse(`REPLACE INTO fam___tbl ("order","group") VALUES('it''s',x'00ff')`)).toEqual([
    "upsert",
    { order: "it's", group: Buffer.from([0, 255]) },
  ]);
  expect(
    parse(`DELETE FROM fam___tbl WHERE "a" = CAST(x'610062' AS CHAR) AND "b" = -9223372036854775808`),
  ).toEqual(["delete", { a: "a\u0000b", b: -(2n ** 63n) }]);
});

test("a row statement of the original gives what it lets in, too", () => {
  const values = ["true", "false", "5.0", "9223372036854775808", "-100000000000000000000", "'a'"];
  const names = values.map((_, i) => `"f${i}"`);
  expect(parse(`REPLACE INTO fam___tbl (${names.join(",")}) VALUES(${values.join(",")})`)).toEqual([
    "upsert",
    { f0: 1n, f1: 0n, f2: 5, f3: 2 ** 63, f4: -1e20, f5: "a" },
  ]);
});

test.each([
  "--- BEGIN",
  "DELETE FROM fam___tbl",
  `DELETE FROM fam___tbl WHERE 1 = 1`,
  `DELETE FROM fam___tbl WHERE "a" = 1 OR "b" = 2`,
  `REPLACE INTO fam___tbl ("a") VALUES(lower('A'))`,
  `REPLACE INTO fam___tbl ("a") VALUES(1),(2)`,
  `REPLACE INTO fam___tbl ("a","b") VALUES(1)`,
  `REPLACE INTO fam___tbl ("a") VALUES(1); DROP TABLE x`,
  `REPLACE INTO fam___tbl ("a") VALUES(trueish)`,
  `UPDATE fam___tbl SET "a" = 1`,
])("a statement is no row statement when it is %s", (statement) => {
  expect(parse(statement)).toBeNull();
});

test("a typed value is what a column of its type holds", () => {
  expect(typedValue("integer", 5)).toBe(5n);
  expect(typedValue("integer", "5")).toBe(5n);
  expect(typedValue("integer", "05")).toBe("05");
  expect(typedValue("integer", 1.5)).toBe(1.5);
  expect(typedValue("integer", 1e20)).toBe(1e20);
  expect(typedValue("decimal", 5)).toBe(5);
  expect(typedValue("decimal", 2n ** 60n)).toBe(2 ** 60);
  expect(typedValue("decimal", "2.5")).toBe(2.5);
  expect(typedValue("string", 5)).toBe("5");
  expect(typedValue("text", Buffer.from("a\u0000b"))).toBe("a\u0000b");
  expect(typedValue("text", Uint8Array.of(255))).toEqual(Uint8Array.of(255));
  expect(typedValue("binary", "text")).toBe("text");
  for (const type of ["integer", "decimal", "string", "text", "binary", "bytestring"] as const)
    expect(typedValue(type, null)).toBeNull();
});

test("values are the same by their bytes alone", () => {
  expect(sameValue("a", "A")).toBe(false);
  expect(sameValue("a", "a ")).toBe(false);
  expect(sameValue(1n, "1")).toBe(false);
  expect(sameValue(2n ** 63n - 1n, 2n ** 63n - 1n)).toBe(true);
  expect(sameValue(Uint8Array.of(1, 2), Buffer.from([1, 2]))).toBe(true);
  expect(sameValue(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
  expect(sameValue(Buffer.from("a"), "a")).toBe(false);
});
