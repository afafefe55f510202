/** Every row of the table of types: what a field takes, and what it refuses (D1, D2, D4, D5, D14, I12). */
import { describe, expect, test } from "bun:test";
import { isCtlstoreError } from "../../core/errors.ts";
import { NumberText, parseExactJson } from "../../core/exact-json.ts";
import type { FieldType } from "../../core/field-types.ts";
import { checkValue, type SqlValue } from "../../core/values.ts";

function check(type: FieldType, value: unknown, isKey = false): SqlValue {
  return checkValue({ name: "f" as never, type }, value, isKey);
}

/** The code of the refusal, or the value. */
function outcome(type: FieldType, value: unknown): SqlValue | "refused" {
  try {
    return check(type, value);
  } catch (error) {
    if (!isCtlstoreError(error) || error.code !== "invalid_value" || error.details.field !== "f") throw error;
    return "refused";
  }
}

const KIB = 1024;
const base64 = (bytes: number) => Buffer.alloc(bytes, 0xa5).toString("base64");
const lone = ["\ud800", "a\udfff", "\ude00\ud83d"];
const neverScalar: readonly unknown[] = [[], ["a"], {}, { a: 1 }, [[1]], () => 1, Symbol.iterator];

const ACCEPTED: Readonly<Record<FieldType, ReadonlyArray<readonly [unknown, SqlValue]>>> = {
  string: [
    ["", ""],
    ["a", "a"],
    ["\u0000", "\u0000"],
    ["x".repeat(191), "x".repeat(191)],
    ["😀".repeat(191), "😀".repeat(191)],
    ["e\u0301", "e\u0301"],
    ["\ufffd\uffff", "\ufffd\uffff"],
  ],
  text: [
    ["", ""],
    ["x".repeat(512 * KIB), "x".repeat(512 * KIB)],
    ["€".repeat(Math.floor((512 * KIB) / 3)), "€".repeat(Math.floor((512 * KIB) / 3))],
  ],
  integer: [
    [0, 0n],
    [-0, 0n],
    [-1, -1n],
    [Number.MAX_SAFE_INTEGER, 2n ** 53n - 1n],
    [9007199254740993n, 9007199254740993n],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["-9223372036854775808", -(2n ** 63n)],
    [2n ** 63n - 1n, 2n ** 63n - 1n],
    [-(2n ** 63n), -(2n ** 63n)],
    ["007", 7n],
    ["-0", 0n],
    [true, 1n],
    [false, 0n],
    [1.0, 1n],
    [new NumberText("1.50e1"), 15n],
    [new NumberText("9223372036854775807.000"), 2n ** 63n - 1n],
  ],
  decimal: [
    [0, 0],
    [-0, 0],
    [1.5, 1.5],
    [5, 5],
    [Number.MAX_VALUE, Number.MAX_VALUE],
    [Number.MIN_VALUE, Number.MIN_VALUE],
    [9007199254740993n, 9007199254740992],
    [new NumberText("0.10000000000000000001"), 0.1],
    [new NumberText("1e-400"), 0],
  ],
  binary: [
    ["", new Uint8Array()],
    ["AA==", new Uint8Array([0])],
    ["+/8=", new Uint8Array([0xfb, 0xff])],
    [base64(512 * KIB), Buffer.alloc(512 * KIB, 0xa5)],
    [new Uint8Array([1]), new Uint8Array([1])],
  ],
  bytestring: [
    ["", new Uint8Array()],
    [base64(255), Buffer.alloc(255, 0xa5)],
  ],
};

const REFUSED: Readonly<Record<FieldType, readonly unknown[]>> = {
  string: [
    "x".repeat(192),
    "😀".repeat(192),
    `${"x".repeat(191)}😀`,
    ...lone,
    1,
    1n,
    true,
    new Uint8Array([65]),
  ],
  text: [
    "x".repeat(512 * KIB + 1),
    "€".repeat(Math.ceil((512 * KIB) / 3)),
    "😀".repeat(128 * KIB + 1),
    ...lone,
    1,
    true,
  ],
  integer: [
    1.5,
    2 ** 53,
    2 ** 63,
    -(2 ** 63),
    Number.NaN,
    Infinity,
    2n ** 63n,
    -(2n ** 63n) - 1n,
    "9223372036854775808",
    "-9223372036854775809",
    "00000000000000000001",
    "1.0",
    "1e3",
    "+1",
    " 1",
    "1 ",
    "",
    "-",
    "abc",
    "0x10",
    "１",
    new NumberText("1.5"),
    new NumberText("1e-400"),
    new NumberText("1e19"),
    new NumberText("1e400"),
    new NumberText("9223372036854775808"),
    new NumberText("1.0000000000000000001"),
    new Uint8Array([1]),
  ],
  decimal: [
    Number.NaN,
    Infinity,
    -Infinity,
    "1.5",
    "",
    true,
    new NumberText("1e400"),
    new NumberText("-1e400"),
    new Uint8Array(),
  ],
  binary: [
    "A",
    "AA",
    "AA=",
    "A===",
    "AAAAA",
    "AA==AA==",
    "AA==\n",
    " AA==",
    "AB==",
    "AAB=",
    "A-_=",
    "-_-_",
    "====",
    "\u0000",
    base64(512 * KIB + 1),
    new Uint8Array(512 * KIB + 1),
    1,
    true,
  ],
  bytestring: [base64(256), Buffer.alloc(256), "QQ", 1],
};

describe("values", () => {
  for (const [type, cases] of Object.entries(ACCEPTED) as [FieldType, (typeof ACCEPTED)[FieldType]][]) {
    test(`are taken as they are when a field of type ${type} can hold them`, () => {
      for (const [value, expected] of cases) {
        const stored = outcome(type, value);
        if (expected instanceof Uint8Array) expect(Buffer.compare(stored as Uint8Array, expected)).toBe(0);
        else expect(stored).toBe(expected);
      }
      expect(check(type, null)).toBeNull();
      expect(check(type, undefined)).toBeNull();
    });

    test(`D1 D2 D4 D14 are refused, naming the field, when a field of type ${type} cannot hold them`, () => {
      for (const value of [...REFUSED[type], ...neverScalar]) expect(outcome(type, value)).toBe("refused");
    });
  }

  test("of a key are never null", () => {
    for (const value of [null, undefined]) {
      expect(() => check("string", value, true)).toThrow(/part of the key/);
    }
  });

  test("are quoted short, and never whole, in the refusal", () => {
    for (const value of ["x".repeat(100_000), [1, 2], { secret: "s" }, new Uint8Array(1_000_000)]) {
      try {
        check("integer", value);
        throw new Error("it was accepted");
      } catch (error) {
        expect((error as Error).message.length).toBeLessThan(300);
        expect((error as Error).message).not.toContain("secret");
      }
    }
  });

  test("D4 I12 from JSON reach an integer field exactly or are refused", () => {
    const cases: ReadonlyArray<readonly [string, bigint | "refused"]> = [
      ["9007199254740993", 9007199254740993n],
      ["-9223372036854775808", -(2n ** 63n)],
      ["9223372036854775807", 2n ** 63n - 1n],
      ["9223372036854775808", "refused"],
      ["9e18", 9_000_000_000_000_000_000n],
      ["1.2345678901E10", 12345678901n],
      ["123456789012345e4", 1234567890123450000n],
      ["1E+3", 1000n],
      ["1e3", 1000n],
      ["10.0", 10n],
      ["100e-2", 1n],
      ["15e-1", "refused"],
      ["1e-400", "refused"],
      ["0e400", 0n],
      ["1e400", "refused"],
      ["0.9999999999999999999999", "refused"],
      ["9007199254740992.5", "refused"],
      [`1${"0".repeat(400)}`, "refused"],
      ["-0", 0n],
      ["-0.0", 0n],
    ];
    for (const [json, expected] of cases) {
      expect({ json, value: outcome("integer", parseExactJson(json)) }).toEqual({ json, value: expected });
      // The same inside a document that is read the slow way for another reason.
      const [value] = parseExactJson(`[${json},1234567890123456789]`) as unknown[];
      expect({ json, value: outcome("integer", value) }).toEqual({ json, value: expected });
    }
  });

  test("do not take long when the number is a very long one", () => {
    const startMs = performance.now();
    outcome("integer", parseExactJson(`1${"0".repeat(400_000)}1`));
    outcome("integer", parseExactJson(`0.${"0".repeat(200_000)}1e200001`));
    outcome("integer", new NumberText(`1${"0".repeat(200_000)}1${"0".repeat(200_000)}`));
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});
