/** Columns of numbers: integers, booleans, floating point, decimals, years. */
import { integerFromJsonNumber, NumberText } from "../../core/exact-json.ts";
import { decodeBytes } from "./bytes.ts";
import { type ColumnReader, Misfit, NO_BYTES, type Read } from "./column-reader.ts";
import {
  type Decimal,
  decimalFromBytes,
  decimalFromJsonNumber,
  decimalFromText,
  decimalToDouble,
  decimalToInteger,
  decimalToText,
  integerToDouble,
  SAFE_DIGITS,
} from "./decimal.ts";
import { refuseUnavailable } from "./unavailable.ts";

/** A JSON number without fraction. @throws Misfit */
export function readInteger(value: unknown): number | bigint {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  if (typeof value === "bigint") return value;
  if (value instanceof NumberText) {
    const integer = integerFromJsonNumber(value.text);
    if (integer !== null) return integer;
  }
  throw new Misfit("a JSON number without fraction");
}

/** A reader of columns whose every value is an integer. */
function readerOfIntegers(read: Read<number | bigint>): ColumnReader {
  return {
    integer: read,
    decimal: (value) => integerToDouble(read(value)),
    text: (value) => read(value).toString(),
    bytes: NO_BYTES,
  };
}

export const INTEGERS = readerOfIntegers(readInteger);

/** BIGINT UNSIGNED in mode `long`: what is 2^63 or more came as a negative number. */
export const WRAPPED_INTEGERS = readerOfIntegers((value) => {
  const integer = readInteger(value);
  if (integer >= 0) return integer;
  throw new Misfit(
    "no negative number: the column is BIGINT UNSIGNED, so this stands for one of 2^63 or more",
    "set bigint.unsigned.handling.mode=precise in the connector, and use a string field",
  );
});

/** 0 and 1 in every type, as MySQL has them: TINYINT(1) and BIT(1) come as one or the other, by the connector's settings. */
export const BOOLEANS = readerOfIntegers((value) => {
  if (value === true || value === 1) return 1;
  if (value === false || value === 0) return 0;
  throw new Misfit("true or false");
});

/** YEAR; as text it has four digits, also the year 0. */
export const YEARS: ColumnReader = {
  ...INTEGERS,
  text: (value) => {
    const year = readInteger(value);
    if (year < 0 || year > 9999) throw new Misfit("a year from 0 to 9999");
    return year.toString().padStart(4, "0");
  },
};

/** A double, which Java and JavaScript write alike but for exponents. @throws Misfit */
function readDouble(value: unknown): number {
  const double =
    typeof value === "bigint" ? Number(value) : value instanceof NumberText ? Number(value.text) : value;
  if (typeof double === "number" && Number.isFinite(double)) return double;
  throw new Misfit("a finite JSON number");
}

/** FLOAT, DOUBLE, and DECIMAL in mode `double`. What the connector rounded before is not seen here. */
export const FLOATS: ColumnReader = {
  integer: (value) => {
    const double = readDouble(value);
    // Beyond 2^53 a double may stand for a neighbour of what the origin had.
    if (Number.isSafeInteger(double)) return double;
    throw new Misfit("a number without fraction, below 2^53");
  },
  decimal: readDouble,
  text: (value) => String(readDouble(value)),
  bytes: NO_BYTES,
};

/** A reader of columns whose every value is a decimal. */
function readerOfDecimals(read: Read<Decimal>): ColumnReader {
  return {
    integer: (value) => decimalToInteger(read(value)),
    decimal: (value) => decimalToDouble(read(value)),
    text: (value) => decimalToText(read(value)),
    bytes: NO_BYTES,
  };
}

/** DECIMAL in mode `precise`: base64, or a number where the converter's `decimal.format` is NUMERIC. */
export function decimals(scale: number): ColumnReader {
  return readerOfDecimals((value) => {
    if (typeof value === "string") return decimalFromBytes(decodeBytes(value, "base64"), scale);
    const decimal = withScale(numberToDecimal(value), scale);
    // A double may be what is left of more digits than it has.
    if (typeof value === "number" && !Number.isInteger(value) && !isSurelyExact(decimal, scale)) {
      throw new Misfit(
        "a number of at most 15 digits, or base64",
        "leave the converter's decimal.format at BASE64",
      );
    }
    return decimal;
  });
}

/** True if no other decimal of this scale has the same double. */
function isSurelyExact({ unscaled, scale: digits }: Decimal, scale: number): boolean {
  return digits <= scale && unscaled > -SAFE_DIGITS && unscaled < SAFE_DIGITS;
}

/** A JSON number as a decimal. @throws Misfit */
export function numberToDecimal(value: unknown): Decimal {
  if (typeof value === "bigint") return { unscaled: value, scale: 0 };
  if (value instanceof NumberText) return decimalFromJsonNumber(value.text);
  if (typeof value === "number" && Number.isFinite(value)) return decimalFromJsonNumber(String(value));
  throw new Misfit("a decimal");
}

/** JSON numbers lose zeros at the end; the column's scale says how many there were. */
function withScale(decimal: Decimal, scale: number): Decimal {
  const missing = scale - decimal.scale;
  return missing <= 0 ? decimal : { unscaled: decimal.unscaled * 10n ** BigInt(missing), scale };
}

/** A decimal that brings its own scale. */
export const VARIABLE_DECIMALS = readerOfDecimals((value) => {
  if (typeof value === "object" && value !== null && "scale" in value && "value" in value) {
    const { scale, value: digits } = value;
    if (typeof scale === "number" && Number.isInteger(scale) && typeof digits === "string") {
      return decimalFromBytes(decodeBytes(digits, "base64"), scale);
    }
  }
  throw new Misfit("an object of scale and value");
});

/** DECIMAL in mode `string`; as text it is kept as it is. */
export const TEXT_DECIMALS: ColumnReader = {
  ...readerOfDecimals(readTextDecimal),
  text: (value) => {
    readTextDecimal(value);
    return String(value);
  },
};

function readTextDecimal(value: unknown): Decimal {
  refuseUnavailable(value);
  const decimal = typeof value === "string" ? decimalFromText(value) : null;
  if (decimal === null) throw new Misfit("a decimal as text, such as -12.30");
  return decimal;
}
