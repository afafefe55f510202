/** Names, and the bijection between `family___table` and its parts (I11). */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ldbTableName,
  lowerCaseAscii,
  parseFamilyName,
  parseFieldName,
  parseTableName,
  parseWriterName,
  splitLdbTableName,
} from "../../core/names.ts";
import { suiteSeed } from "../support/suite.ts";

/** Valid names, dense in underscores and digits. */
function nameArbitrary(min: number, max: number) {
  return fc
    .array(fc.constantFrom("a", "b", "z", "0", "9", "_"), { minLength: min, maxLength: max })
    .map((chars) => chars.join(""))
    .filter((name) => /^[a-z](?:_?[a-z0-9])*$/.test(name));
}

describe("names", () => {
  test("I11 family and table come back when any two valid names are joined and split", () => {
    fc.assert(
      fc.property(nameArbitrary(3, 12), nameArbitrary(3, 12), (family, table) => {
        const joined = ldbTableName(parseFamilyName(family), parseTableName(table));
        expect(splitLdbTableName(joined)).toEqual({ family, table } as never);
      }),
      { seed: suiteSeed(), numRuns: 500 },
    );
  });

  test("I11 two pairs have one joined name only when they are the same pair", () => {
    const pair = fc.tuple(nameArbitrary(3, 6), nameArbitrary(3, 6));
    fc.assert(
      fc.property(pair, pair, (left, right) => {
        const joined = [left, right].map(([family, table]) =>
          ldbTableName(parseFamilyName(family), parseTableName(table)),
        );
        expect(joined[0] === joined[1]).toBe(left[0] === right[0] && left[1] === right[1]);
      }),
      { seed: suiteSeed(), numRuns: 500 },
    );
  });

  test.each([
    "ab",
    "a".repeat(31),
    "1ab",
    "_ab",
    "abc_",
    "a__b",
    "a___b",
    "a-b",
    "a b",
    "abc ",
    " abc",
    "abc\n",
    "a.b",
    'a"b',
    "abç",
    "İab",
    "\u212aab",
    "abc\u0000",
    "",
  ])("I11 family names refuse %j", (name) => {
    expect(() => parseFamilyName(name)).toThrow(/Cannot use .* as a family name/);
  });

  test.each([[null], [undefined], [5], [true], [{}], [["abc"]]])(
    "names refuse %p, which is no string",
    (value) => {
      for (const parse of [parseFamilyName, parseTableName, parseFieldName, parseWriterName]) {
        expect(() => parse(value)).toThrow(expect.objectContaining({ code: "invalid_name" }));
      }
    },
  );

  test("names are lowered, ASCII alone, when they hold upper-case letters", () => {
    expect(parseFamilyName("FaM_1")).toBe("fam_1" as never);
    expect(parseTableName("TBL")).toBe("tbl" as never);
    expect(parseFieldName("Field_")).toBe("field_" as never);
    expect(parseWriterName("Writer")).toBe("Writer" as never);
    expect(lowerCaseAscii("AZ\u212a\u0130É")).toBe("az\u212a\u0130É");
  });

  test("names keep their limits when they are as long as may be", () => {
    expect(parseFamilyName("a".repeat(30))).toHaveLength(30);
    expect(parseTableName("a".repeat(50))).toHaveLength(50);
    expect(() => parseTableName("a".repeat(51))).toThrow(/needs 3 to 50/);
    expect(parseFieldName("a")).toBe("a" as never);
    expect(parseFieldName(`a${"_".repeat(63)}`)).toHaveLength(64);
    expect(() => parseFieldName("a".repeat(65))).toThrow(/needs 1 to 64/);
    expect(parseWriterName("w".repeat(50))).toHaveLength(50);
    expect(() => parseWriterName("ww")).toThrow(/needs 3 to 50/);
  });

  test.each(["a\u0000bc", "a\nbc", "\u007fabc", "abc\ud800"])("writer names refuse %j", (name) => {
    expect(() => parseWriterName(name)).toThrow(expect.objectContaining({ code: "invalid_name" }));
  });

  test("field names take SQL keywords and runs of underscores (D15)", () => {
    for (const name of ["order", "group", "select", "a__b", "a_", "rowid"]) {
      expect(parseFieldName(name)).toBe(name as never);
    }
    for (const name of ["_a", "1a", "a-b", "a.b", "ä", "a b"]) expect(() => parseFieldName(name)).toThrow();
  });

  test.each([
    ["abc____tbl", "abc_", "tbl"],
    ["abc___tbl_", "abc", "tbl_"],
    ["abc_____tbl", null, null],
    ["a___b", "a", "b"],
    ["abc__tbl", null, null],
    ["abc___", null, null],
    ["___tbl", null, null],
    ["abc___1tbl", null, null],
    ["abc___t__b", null, null],
    ["abc___tbl___x", null, null],
    ["locks", null, null],
    ["ctlstore_dml_ledger", null, null],
  ])("splitting %j, as the original may have named it, gives %p and %p", (name, family, table) => {
    const expected = family === null ? null : { family, table };
    expect(splitLdbTableName(name)).toEqual(expected as never);
  });
});
