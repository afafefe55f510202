/** The key that a delete of the ledger names, taken from its text. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UpsertParser } from "../../core/ledger/parse-upsert.ts";
import { clearTableStatement, deleteStatement } from "../../core/ledger/statements.ts";
import { parseTableSchema } from "../../core/schema.ts";

const SCHEMA = parseTableSchema("fam", "tbl", {
  fields: [
    ["s", "string"],
    ["i", "integer"],
    ["b", "bytestring"],
  ],
  keyFields: ["b", "s", "i"],
});

/** Small integers are parsed as numbers. */
function exact(value: unknown): unknown {
  return typeof value === "number" ? BigInt(value) : value instanceof Uint8Array ? value.toHex() : value;
}

describe("UpsertParser.parseDelete", () => {
  test("gives back the key that the statement was made of", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "'", `' AND "i" = 1`, `a'' AND "s" = 'b`, "\u0000", "x\u0000' OR 1"),
    );
    const key = fc.tuple(fc.uint8Array(), text, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    fc.assert(
      fc.property(key, ([bytes, string, integer]) => {
        fc.pre(string.isWellFormed() && !string.includes("\ufffd"));
        const statement = deleteStatement(SCHEMA, [bytes, string, integer]);
        const parsed = new UpsertParser().parseDelete(statement);
        expect(parsed === null ? null : [...parsed.key].map(([name, value]) => [name, exact(value)])).toEqual(
          [
            ["b", bytes.toHex()],
            ["s", string],
            ["i", integer],
          ],
        );
      }),
    );
  });

  test("I7 gives up on everything that is not one whole delete of one row", () => {
    const statements = [
      clearTableStatement(SCHEMA.family, SCHEMA.table),
      'DELETE FROM fam___tbl WHERE "i" = 1; DROP TABLE fam___tbl',
      'DELETE FROM fam___tbl WHERE "i" = 1 OR "i" = 2',
      'DELETE FROM fam___tbl WHERE "i" = 1 AND ',
      'DELETE FROM fam___tbl WHERE "i" > 1',
      `DELETE FROM fam___tbl WHERE "s" = 'open`,
      'DELETE FROM fam___tbl WHERE "i" = "s"',
      'REPLACE INTO fam___tbl ("i") VALUES(1)',
    ];
    for (const statement of statements) {
      expect({ statement, parsed: new UpsertParser().parseDelete(statement) }).toEqual({
        statement,
        parsed: null,
      });
    }
  });
});
