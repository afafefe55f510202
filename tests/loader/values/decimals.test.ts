/** Decimals of any size and scale against arithmetic on bigints (R33). */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NumberText } from "../../../core/exact-json.ts";
import { runsOf, suiteSeed } from "../../support/suite.ts";
import { column, convert, decimalColumn, digits, source } from "./support.ts";

const scales = fc.integer({ min: 0, max: 30 });
const unscaleds = fc.bigInt({ min: -(10n ** 65n) + 1n, max: 10n ** 65n - 1n });
const small = fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n });
const runs = { quick: 500, deep: 50_000 };

/** The value that a plain decimal text has, at a scale. */
function scaledTo(text: string, scale: number): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(scale, "0"));
}

describe("R33: any DECIMAL", () => {
  test("is the same number in text, with all digits of its scale", () => {
    const seed = suiteSeed();
    fc.assert(
      fc.property(fc.oneof(unscaleds, small), scales, (unscaled, scale) => {
        const text = String(convert("string", digits(unscaled), decimalColumn(scale)));
        expect(text).toMatch(
          scale === 0 ? /^-?(0|[1-9]\d*)$/ : new RegExp(`^-?(0|[1-9]\\d*)\\.\\d{${scale}}$`),
        );
        expect(scaledTo(text.replace("-", ""), scale)).toBe(unscaled < 0n ? -unscaled : unscaled);
        expect(text.startsWith("-")).toBe(unscaled < 0n);
        // Mode `string` writes that very text; the converter's NUMERIC format is a JSON number of it.
        expect(convert("string", text, column("string", null, source("DECIMAL")))).toBe(text);
        expect(convert("string", new NumberText(text), decimalColumn(scale))).toBe(text);
        const struct = { scale, value: digits(unscaled) };
        expect(convert("string", struct, column("struct", "data.VariableScaleDecimal"))).toBe(text);
      }),
      { seed, numRuns: runsOf(runs) },
    );
  });

  test("is a double that prints as it or equals it, else refused", () => {
    const seed = suiteSeed();
    fc.assert(
      fc.property(fc.oneof(unscaleds, small), scales, (unscaled, scale) => {
        const got = convert("decimal", digits(unscaled), decimalColumn(scale));
        const text = String(convert("text", digits(unscaled), decimalColumn(scale)));
        const double = Number(text);
        if (typeof got === "number") {
          expect(got).toBe(double === 0 ? 0 : double);
          // `toFixed` has the digits of a double's exact value, up to a hundred.
          const isEqual = Number.isInteger(double)
            ? BigInt(double) * 10n ** BigInt(scale) === unscaled
            : scaledTo(double.toFixed(60), 60) === scaledTo(text, 60);
          const isPrinted = Math.abs(double) < 2 ** 53 && sameNumber(String(double), text);
          expect(isEqual || isPrinted).toBe(true);
        } else {
          expect(got).toMatch(/^refused: .*15 digits/);
          expect(text.replace(/\D/g, "").replace(/^0+/, "").length).toBeGreaterThan(15);
        }
      }),
      { seed, numRuns: runsOf(runs) },
    );
  });

  test("is an integer exactly when it has no fraction and fits", () => {
    const seed = suiteSeed();
    const wholes = fc
      .tuple(small, scales)
      .map(([whole, scale]) => [whole * 10n ** BigInt(scale), scale] as const);
    fc.assert(
      fc.property(fc.oneof(wholes, fc.tuple(unscaleds, scales)), ([unscaled, scale]) => {
        const unit = 10n ** BigInt(scale);
        const value = unscaled / unit;
        const fits = unscaled % unit === 0n && BigInt.asIntN(64, value) === value;
        const got = convert("integer", digits(unscaled), decimalColumn(scale));
        if (fits) expect(got).toBe(value);
        else expect(got).toMatch(/^refused: /);
      }),
      { seed, numRuns: runsOf(runs) },
    );
  });
});

/** True if a number as JavaScript prints it, exponent and all, is the same as a plain decimal. */
function sameNumber(printed: string, plain: string): boolean {
  const [mantissa = "", exponent = "0"] = printed.split("e");
  const fraction = mantissa.split(".")[1]?.length ?? 0;
  const scale = 400;
  const unscaled = BigInt(mantissa.replace(".", "")) * 10n ** BigInt(scale + Number(exponent) - fraction);
  const negative = plain.startsWith("-");
  const wanted = scaledTo(plain.replace("-", ""), scale);
  return unscaled === (negative ? -wanted : wanted);
}

describe("R33: any double", () => {
  test("is kept to the last bit, in a decimal field and printed in a text field", () => {
    const seed = suiteSeed();
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(convert("decimal", value, column("double"))).toBe(value === 0 ? 0 : value);
        expect(Number(convert("text", value, column("double")))).toBe(value === 0 ? 0 : value);
      }),
      { seed, numRuns: runsOf(runs) },
    );
  });
});
