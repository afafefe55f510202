/** Columns of numbers, in each mode of the connector (R33). */
import { describe, expect, test } from "bun:test";
import { NumberText } from "../../../core/exact-json.ts";
import type { FieldType } from "../../../core/field-types.ts";
import type { ConnectType } from "../../../loader/values/connect-type.ts";
import { bytes, type Case, column, decimalColumn, digits, outcome, source } from "./support.ts";

const INT8 = column("int8");
const INT16 = column("int16");
const INT64 = column("int64");
const UNSIGNED = column("int64", null, source("BIGINT UNSIGNED"));
const ZEROFILL = column("int64", null, source("BIGINT UNSIGNED ZEROFILL", 20));
const BOOLEAN = column("boolean");
const DOUBLE = column("double");
const FLOAT = column("float");
const YEAR = column("int32", "time.Year");
const bits = (length: number) => column("bytes", "data.Bits", { length: String(length) });
const MONEY = decimalColumn(2, 10);
const UINT64 = decimalColumn(0, 20);
const VARIABLE = column("struct", "data.VariableScaleDecimal");
const DECIMAL_TEXT = column("string", null, source("DECIMAL", 10, 2));

function cases(type: ConnectType | null, rows: [value: unknown, to: FieldType, is: unknown][]): Case[] {
  return rows.map(([value, to, is]) => ({ value, type, to, is }));
}

function check(given: readonly Case[]): void {
  for (const each of given) {
    const { got, wanted } = outcome(each);
    expect({ case: each, got }).toEqual({ case: each, got: wanted as never });
  }
}

describe("R33: a column of integers", () => {
  test("is kept in every type when it has numbers", () => {
    check([
      ...cases(INT8, [
        [-128, "integer", -128n],
        [127, "string", "127"],
        [1, "decimal", 1],
      ]),
      ...cases(INT16, [[0, "integer", 0n]]),
      ...cases(INT64, [
        [9223372036854775807n, "integer", 9223372036854775807n],
        [-9223372036854775808n, "integer", -9223372036854775808n],
        [-9223372036854775808n, "string", "-9223372036854775808"],
        [9007199254740993n, "integer", 9007199254740993n],
        [9007199254740993n, "text", "9007199254740993"],
        [9007199254740992n, "decimal", 9007199254740992],
        [9223372036854775808n, "string", "9223372036854775808"],
        [new NumberText("1.20e2"), "integer", 120n],
      ]),
    ]);
  });

  test("is refused when the value is beyond the field, or no integer", () => {
    check(
      cases(INT64, [
        [9223372036854775808n, "integer", /it needs an integer from -9223372036854775808/],
        [9007199254740993n, "decimal", /at most 15 digits are always exact.*string field/],
        [
          1.5,
          "integer",
          /"amount": the column is int64, the field is integer; it needs a JSON number without/,
        ],
        ["1", "integer", /without fraction/],
        [true, "integer", /without fraction/],
        [{}, "integer", /Cannot load an object/],
        [[1], "string", /Cannot load an array/],
        [Number.NaN, "decimal", /without fraction/],
        [1e300, "string", /without fraction/],
        [new NumberText("1e-2"), "text", /Cannot load 1e-2/],
        [1, "binary", /column of bytes/],
        [1, "bytestring", /column of bytes/],
      ]),
    );
  });

  test("is refused when it is BIGINT UNSIGNED of mode long and the number is negative", () => {
    for (const type of [UNSIGNED, ZEROFILL]) {
      check(
        cases(type, [
          [9223372036854775807n, "integer", 9223372036854775807n],
          [0, "string", "0"],
          [-1, "integer", /BIGINT UNSIGNED.*bigint\.unsigned\.handling\.mode=precise/],
          [-9223372036854775808n, "string", /2\^63 or more/],
          [-1, "decimal", /2\^63 or more/],
        ]),
      );
    }
    check([
      { value: -1, type: INT64, to: "integer", is: -1n },
      { value: -1, type: INT64, to: "integer", rules: { column: "bigint(20) unsigned" }, is: /2\^63/ },
      { value: -1, type: null, to: "integer", rules: { column: "BIGINT UNSIGNED" }, is: /2\^63/ },
      { value: -1, type: null, to: "integer", rules: { column: "serial" }, is: /2\^63/ },
      { value: -1, type: null, to: "integer", rules: { column: "bigint(20) zerofill" }, is: /2\^63/ },
      { value: -1, type: null, to: "integer", rules: { column: "bigint(20)" }, is: -1n },
      {
        value: 4294967295,
        type: null,
        to: "integer",
        rules: { column: "int(10) unsigned" },
        is: 4294967295n,
      },
    ]);
  });

  test("keeps all of 64 bits without sign when it is BIGINT UNSIGNED of mode precise", () => {
    const most = 2n ** 64n - 1n;
    check([
      ...cases(UINT64, [
        [digits(most), "string", "18446744073709551615"],
        [digits(0n), "integer", 0n],
        [digits(2n ** 63n - 1n), "integer", 2n ** 63n - 1n],
        [digits(2n ** 63n), "integer", /it needs an integer/],
        [digits(most), "decimal", /15 digits/],
      ]),
      {
        value: digits(most),
        type: null,
        to: "text",
        rules: { column: "bigint unsigned", bigintUnsigned: "precise" },
        is: "18446744073709551615",
      },
    ]);
  });
});

describe("R33: a column of booleans", () => {
  test("is 0 and 1 in every type, as TINYINT(1) and BIT(1) are", () => {
    check([
      ...cases(BOOLEAN, [
        [true, "integer", 1n],
        [false, "integer", 0n],
        [true, "string", "1"],
        [false, "text", "0"],
        [true, "decimal", 1],
        [true, "binary", /column of bytes/],
        ["true", "integer", /true or false/],
        [2, "integer", /true or false/],
      ]),
      { value: true, type: null, to: "integer", is: 1n },
      { value: false, type: null, to: "string", is: "0" },
      { value: true, type: null, to: "integer", rules: { column: "bit(1)" }, is: 1n },
      { value: 1, type: null, to: "integer", rules: { column: "tinyint(1)" }, is: 1n },
      { value: 1, type: null, to: "integer", rules: { column: "bool" }, is: 1n },
    ]);
  });
});

describe("R33: a column of bits", () => {
  test("is a number, and in bytes what MySQL has, when the event has its lowest byte first", () => {
    const base64 = (...values: number[]) => Buffer.from(values).toString("base64");
    check([
      ...cases(bits(10), [
        [base64(0x01, 0x02), "integer", 513n],
        [base64(0x01, 0x02), "string", "513"],
        [base64(0x01, 0x02), "binary", bytes(0x02, 0x01)],
        [base64(0x07), "bytestring", bytes(0x00, 0x07)],
        [base64(0xff, 0x03), "integer", 1023n],
        [base64(0x00, 0x04), "integer", /at most 10 bits/],
        [base64(0, 0, 0), "integer", /at most 10 bits/],
      ]),
      ...cases(bits(64), [
        [base64(255, 255, 255, 255, 255, 255, 255, 127), "integer", 2n ** 63n - 1n],
        [base64(255, 255, 255, 255, 255, 255, 255, 255), "integer", /an integer from/],
        [base64(255, 255, 255, 255, 255, 255, 255, 255), "string", "18446744073709551615"],
        [base64(0, 0, 0, 0, 0, 0, 0, 128), "decimal", 2 ** 63],
        [true, "integer", /base64/],
      ]),
      { value: base64(0x80), type: null, to: "integer", rules: { column: "bit(8)" }, is: 128n },
      { value: base64(1, 2), type: column("bytes", "data.Bits"), to: "binary", is: bytes(2, 1) },
      { value: "", type: column("bytes", "data.Bits"), to: "integer", is: 0n },
      {
        value: base64(0, 0, 0, 0, 0, 0, 0, 0, 1),
        type: column("bytes", "data.Bits"),
        to: "text",
        is: /64 bits/,
      },
    ]);
  });
});

describe("R33: a column of floating point", () => {
  test("is kept as the double that it is", () => {
    check([
      ...cases(DOUBLE, [
        [12.34, "decimal", 12.34],
        [5e-324, "decimal", 5e-324],
        [1.7976931348623157e308, "decimal", 1.7976931348623157e308],
        [new NumberText("1.0E23"), "decimal", 1e23],
        [new NumberText("5.6843418860808015E-14"), "decimal", 2 ** -44],
        [1152921504606846980n, "decimal", 2 ** 60],
        [0.30000000000000004, "text", "0.30000000000000004"],
        [-0, "string", "0"],
        [3, "integer", 3n],
        [new NumberText("1.0E10"), "integer", 10000000000n],
      ]),
      ...cases(FLOAT, [[1.1, "string", "1.1"]]),
      ...cases(null, [
        [12.34, "decimal", 12.34],
        [0.1, "string", "0.1"],
      ]),
      { value: new NumberText("1.0E23"), type: null, to: "decimal", rules: { column: "double" }, is: 1e23 },
    ]);
  });

  test("is refused when the value is no finite number, or may stand for another integer", () => {
    check([
      ...cases(DOUBLE, [
        ["NaN", "decimal", /finite/],
        ["Infinity", "string", /finite/],
        [Number.POSITIVE_INFINITY, "decimal", /finite/],
        [new NumberText("1e999"), "decimal", /finite/],
        [2.5, "integer", /without fraction/],
        [2 ** 53, "integer", /below 2\^53/],
        [null, "decimal", null],
      ]),
      ...cases(null, [
        [new NumberText("1.0E23"), "decimal", /15 digits/],
        [new NumberText("1e999999999"), "text", /at most 1000 digits/],
      ]),
    ]);
  });
});

describe("R33: a column of decimals", () => {
  test("keeps every digit and the scale when it is text, in mode precise", () => {
    check([
      ...cases(MONEY, [
        [digits(1234n), "string", "12.34"],
        [digits(-1n), "string", "-0.01"],
        [digits(0n), "text", "0.00"],
        [digits(1230n), "string", "12.30"],
        [digits(1234n), "decimal", 12.34],
        [digits(1200n), "integer", 12n],
        [digits(-1200n), "integer", -12n],
        [digits(1234n), "integer", /without fraction/],
        [digits(1234n), "binary", /column of bytes/],
      ]),
      ...cases(decimalColumn(30), [
        [digits(10n ** 65n - 1n), "string", `${"9".repeat(35)}.${"9".repeat(30)}`],
        [digits(-(10n ** 65n) + 1n), "text", `-${"9".repeat(35)}.${"9".repeat(30)}`],
        [digits(10n ** 65n - 1n), "decimal", /15 digits/],
        [digits(123456789012345678901234567890n), "decimal", /15 digits/],
        [digits(5n * 10n ** 29n), "decimal", 0.5],
        [digits(7n * 10n ** 30n), "integer", 7n],
      ]),
      ...cases(decimalColumn(-2), [[digits(12n), "string", "1200"]]),
      { value: digits(1234n), type: null, to: "string", rules: { scale: 2 }, is: "12.34" },
      { value: digits(1234n), type: null, to: "string", rules: { column: "decimal(10,2)" }, is: "12.34" },
      { value: digits(1234n), type: null, to: "integer", rules: { column: "numeric(10)" }, is: 1234n },
    ]);
  });

  test("is refused when nobody says its scale", () => {
    const type = column("bytes", "org.apache.kafka.connect.data.Decimal");
    check([
      { value: digits(1234n), type, to: "string", is: /needs the decimal's scale/ },
      { value: digits(1234n), type, to: "string", rules: { scale: 2 }, is: "12.34" },
    ]);
  });

  test("is taken from JSON numbers when the converter's decimal.format is NUMERIC, if no digit can be lost", () => {
    check(
      cases(MONEY, [
        [12.3, "string", "12.30"],
        [12, "string", "12.00"],
        [12345678901234567890n, "string", "12345678901234567890.00"],
        [new NumberText("12345678901234567890.12"), "string", "12345678901234567890.12"],
        [new NumberText("12345678901234567890.12"), "decimal", /15 digits/],
        [9999999999999.99, "string", "9999999999999.99"],
        [Number("99999999999999.99"), "string", /decimal\.format at BASE64/],
        [0.125, "string", /decimal\.format at BASE64/],
      ]),
    );
  });

  test("is refused when its digits cannot be read", () => {
    check(
      cases(MONEY, [
        ["", "string", /at least one byte/],
        ["12.34", "string", /base64 with padding/],
        ["BNI", "string", /base64 with padding/],
        ["BN==", "string", /base64 with padding/], // stray bits
        [true, "string", /a decimal/],
        [{}, "decimal", /a decimal/],
        [Buffer.alloc(501, 1).toString("base64"), "text", /at most 1000 digits/],
      ]),
    );
  });

  test("is the value, and in text the very text, in mode string", () => {
    check([
      ...cases(DECIMAL_TEXT, [
        ["12.30", "string", "12.30"],
        ["12.30", "decimal", 12.3],
        ["12.00", "integer", 12n],
        ["-0.50", "text", "-0.50"],
        ["12.30", "integer", /without fraction/],
        ["NaN", "string", /a decimal as text/],
        ["1e5", "decimal", /a decimal as text/],
        ["1".repeat(1001), "text", /a decimal as text/],
        [12.3, "string", /a decimal as text/],
        ["123456789012345678901234567890.123", "decimal", /15 digits/],
      ]),
      {
        value: "12.30",
        type: null,
        to: "decimal",
        rules: { column: "decimal(9,2)", decimal: "string" },
        is: 12.3,
      },
      {
        value: 12.3,
        type: null,
        to: "text",
        rules: { column: "decimal(9,2)", decimal: "double" },
        is: "12.3",
      },
    ]);
  });

  test("brings its own scale when it is a struct", () => {
    check(
      cases(VARIABLE, [
        [{ scale: 3, value: digits(-12345n) }, "string", "-12.345"],
        [{ scale: 0, value: digits(7n) }, "integer", 7n],
        [{ scale: -2, value: digits(7n) }, "integer", 700n],
        [{ scale: 2_000_000_000, value: digits(7n) }, "text", /at most 1000 digits/],
        [{ scale: "3", value: digits(7n) }, "text", /an object of scale and value/],
        [{ value: digits(7n) }, "text", /an object of scale and value/],
        [digits(7n), "text", /an object of scale and value/],
      ]),
    );
  });
});

describe("R33: a column of years", () => {
  test("has four digits as text, also the year 0", () => {
    check(
      cases(YEAR, [
        [2024, "integer", 2024n],
        [2155, "string", "2155"],
        [0, "string", "0000"],
        [0, "integer", 0n],
        [-1, "string", /a year from 0 to 9999/],
        ["2024", "integer", /without fraction/],
      ]),
    );
  });
});

describe("R33: a column of which nobody says what it is", () => {
  test("takes JSON numbers as they are", () => {
    check(
      cases(null, [
        [9007199254740993n, "integer", 9007199254740993n],
        [18446744073709551615n, "string", "18446744073709551615"],
        [12.5, "integer", /without fraction/],
        [12.5, "decimal", 12.5],
        [new NumberText("100000000000000000000.5"), "string", "100000000000000000000.5"],
      ]),
    );
  });

  test("takes no string for a number while decimals may be base64", () => {
    check([
      { value: "1234", type: null, to: "integer", is: /base64.*"column": "decimal\(10,2\)"/ },
      { value: "1234", type: null, to: "decimal", is: /base64/ },
      { value: "1234", type: null, to: "integer", rules: { decimal: "string" }, is: 1234n },
      { value: "12.34", type: null, to: "decimal", rules: { decimal: "string" }, is: 12.34 },
      {
        value: "1234",
        type: null,
        to: "integer",
        rules: { decimal: "string", bigintUnsigned: "precise" },
        is: /base64/,
      },
    ]);
  });
});
