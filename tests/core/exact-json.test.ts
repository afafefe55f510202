/** JSON whose integers survive (I12). */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  integerFromJsonNumber,
  NumberText,
  parseExactJson,
  parseExactJsonBytes,
  stringifyJson,
} from "../../core/exact-json.ts";
import { suiteSeed } from "../support/suite.ts";

const INT64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** Ways to write one integer as a JSON number. */
function spellings(integer: bigint): string[] {
  const sign = integer < 0n ? "-" : "";
  const digits = (integer < 0n ? -integer : integer).toString();
  const zeros = digits.length - digits.replace(/0+$/, "").length;
  const short = digits.slice(0, digits.length - zeros) || "0";
  return [
    `${sign}${digits}`,
    `${sign}${digits}.0`,
    `${sign}${digits}.000e0`,
    `${sign}${short}e${digits === "0" ? 0 : zeros}`,
    `${sign}${short}E+${digits === "0" ? 0 : zeros}`,
    digits === "0" ? "0e-1" : `${sign}${digits}0e-1`,
    `${sign}${digits[0]}.${digits.slice(1) || "0"}e${digits.length - 1}`,
    `${sign}0.${digits}e${digits.length}`,
  ];
}

function exactOf(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
  return value instanceof NumberText ? integerFromJsonNumber(value.text) : null;
}

describe("exact JSON", () => {
  test("I12 keeps every 64-bit integer, however it is written", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          INT64,
          fc.bigInt({ min: -1000n, max: 1000n }),
          INT64.map((n) => (n / 10n ** 9n) * 10n ** 9n),
        ),
        (integer) => {
          for (const text of spellings(integer)) {
            expect({ text, value: exactOf(parseExactJson(text)) }).toEqual({ text, value: integer });
            expect({
              text,
              value: exactOf((parseExactJson(`{"a":[${text}]}`) as { a: unknown[] }).a[0]),
            }).toEqual({ text, value: integer });
          }
        },
      ),
      { seed: suiteSeed(), numRuns: 400 },
    );
  });

  test("I12 tells a number that is no integer from the integer nearest to it", () => {
    for (const text of [
      "9007199254740993.5",
      "1.0000000000000000001",
      "0.99999999999999999999",
      "1e-400",
      "12345678901234567890.5",
    ]) {
      expect(exactOf(parseExactJson(text))).toBeNull();
    }
  });

  test("I12 keeps the text of a number that a double rounds, also with a fraction, and of one that no double holds", () => {
    for (const text of [
      "0.1234567890123456789",
      "123456789.12345678901",
      "-1e400",
      "1e400",
      "1e-400",
      "4503599627370496.3",
    ])
      expect(parseExactJson(`{"a":${text}}`)).toEqual({ a: new NumberText(text) });
    for (const text of [
      "0.30000000000000004",
      "1.7976931348623157E8",
      "5e-324",
      "1.50000000000000000",
      "2.5E-3",
    ])
      expect(parseExactJson(`{"a":${text}}`)).toEqual({ a: Number(text) });
  });

  test("is the same the fast way and the slow way, for all but inexact numbers", () => {
    // Members that force the slow way; the rest must not differ.
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const slow = parseExactJson(`[${text},1234567890123456789,1e5]`) as unknown[];
        const plain = JSON.parse(text);
        const exact = (item: unknown): unknown => {
          if (typeof item === "bigint") return Number(item);
          if (item instanceof NumberText) return Number(item.text);
          if (Array.isArray(item)) return item.map(exact);
          if (typeof item === "object" && item !== null)
            return Object.fromEntries(Object.entries(item).map(([name, inner]) => [name, exact(inner)]));
          return item;
        };
        expect(exact(slow[0])).toEqual(exact(plain));
        expect(exact(parseExactJson(text))).toEqual(exact(plain));
        expect(slow[1]).toBe(1234567890123456789n);
        expect(slow[2]).toBe(100_000);
      }),
      { seed: suiteSeed(), numRuns: 400 },
    );
  });

  test("leaves numbers inside strings and names alone", () => {
    const text = `{"9007199254740993":"9007199254740993","a":"1e-400, 12345678901234567890","b":["-1e5",": 1e5"]}`;
    expect(parseExactJson(text)).toEqual(JSON.parse(text));
  });

  test("keeps a member named __proto__ from becoming a prototype", () => {
    const value = parseExactJson(`{"__proto__":{"a":1},"n":12345678901234567890}`) as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value["a"]).toBeUndefined();
  });

  test.each([
    "",
    "{",
    "[1,]",
    "01",
    "1.",
    ".5",
    "+1",
    "NaN",
    "Infinity",
    "'a'",
    '"\u0001"',
    "{}x",
    "undefined",
  ])("refuses %j as malformed", (text) => {
    expect(() => parseExactJson(text)).toThrow(expect.objectContaining({ code: "malformed_request" }));
  });

  test("refuses bytes that are not UTF-8, and takes a byte order mark for what it is", () => {
    for (const bytes of [[0xff], [0x22, 0xc3, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xf8, 0x22]]) {
      expect(() => parseExactJsonBytes(new Uint8Array(bytes))).toThrow(
        expect.objectContaining({ code: "malformed_request" }),
      );
    }
    expect(parseExactJsonBytes(new TextEncoder().encode('{"ä":"😀"}'))).toEqual({ ä: "😀" });
    expect(parseExactJsonBytes(new Uint8Array([0xef, 0xbb, 0xbf, 0x31]))).toBe(1);
  });

  test("writes big integers as numbers where that is exact, and as strings elsewhere", () => {
    const max = BigInt(Number.MAX_SAFE_INTEGER);
    expect(stringifyJson({ a: 1n, b: max, c: max + 1n, d: -max, e: -max - 1n })).toBe(
      '{"a":1,"b":9007199254740991,"c":"9007199254740992","d":-9007199254740991,"e":"-9007199254740992"}',
    );
    expect(stringifyJson([1n], 1)).toBe("[\n 1\n]");
  });
});
