/**
 * Checks a JSON value against its field's declared type and turns it into the value that both databases store.
 *
 * What passes here is stored alike by MySQL and SQLite (D1, D2, D4, D5, D14); everything else is refused before any
 * SQL is made. The table of what each type accepts is in docs/http-api.md.
 */
import { CtlstoreError, quote } from "./errors.ts";
import { integerFromJsonNumber, NumberText } from "./exact-json.ts";
import type { FieldType } from "./field-types.ts";
import { FORMAT_LIMITS } from "./limits.ts";
import type { FieldSchema } from "./schema.ts";

/** A checked value. A `number` here is always a decimal field's; integers are bigint. */
export type SqlValue = null | bigint | number | string | Uint8Array;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const DECIMAL_INTEGER = /^-?\d{1,19}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function refuse(field: FieldSchema, value: unknown, needed: string): never {
  throw new CtlstoreError(
    "invalid_value",
    `Cannot store ${quote(value instanceof NumberText ? value.text : value)} in field ${quote(field.name)}: it is ${field.type}; it needs ${needed}`,
    { field: field.name },
  );
}

/**
 * @param isKey key fields never take null
 * @throws CtlstoreError `invalid_value`, naming the field
 */
export function checkValue(field: FieldSchema, value: unknown, isKey: boolean): SqlValue {
  if (value === null || value === undefined) {
    if (isKey) refuse(field, null, "a value, since it is part of the key");
    return null;
  }
  return CHECKS[field.type](field, value);
}

const CHECKS: Readonly<Record<FieldType, (field: FieldSchema, value: unknown) => SqlValue>> = {
  string: (field, value) => {
    const text = checkText(field, value);
    // Code points, as MySQL counts; `length` counts UTF-16 units and is never smaller.
    if (text.length > FORMAT_LIMITS.stringChars && countCodePoints(text) > FORMAT_LIMITS.stringChars) {
      refuse(
        field,
        value,
        `at most ${FORMAT_LIMITS.stringChars} characters (this has ${countCodePoints(text)})`,
      );
    }
    return text;
  },
  text: (field, value) => {
    const text = checkText(field, value);
    if (text.length * 3 > FORMAT_LIMITS.textBytes && Buffer.byteLength(text) > FORMAT_LIMITS.textBytes) {
      refuse(
        field,
        value,
        `at most ${FORMAT_LIMITS.textBytes} bytes of UTF-8 (this has ${Buffer.byteLength(text)})`,
      );
    }
    return text;
  },
  integer: checkInteger,
  decimal: (field, value) => {
    const number =
      value instanceof NumberText ? Number(value.text) : typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isFinite(number)) refuse(field, value, "a finite number");
    return number === 0 ? 0 : number; // -0 loses its sign in both databases: say so from the start
  },
  binary: (field, value) => checkBytes(field, value, FORMAT_LIMITS.binaryBytes),
  bytestring: (field, value) => checkBytes(field, value, FORMAT_LIMITS.bytestringBytes),
};

function checkText(field: FieldSchema, value: unknown): string {
  if (typeof value !== "string") refuse(field, value, "a string");
  if (!value.isWellFormed()) refuse(field, value, "valid Unicode (this has a lone surrogate)");
  return value;
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function checkInteger(field: FieldSchema, value: unknown): bigint {
  const integer = toExactInteger(value);
  if (integer === null || integer < INT64_MIN || integer > INT64_MAX) {
    refuse(field, value, "an integer from -9223372036854775808 to 9223372036854775807");
  }
  return integer;
}

function toExactInteger(value: unknown): bigint | null {
  switch (typeof value) {
    case "number":
      return Number.isSafeInteger(value) ? BigInt(value) : null;
    case "bigint":
      return value;
    case "boolean":
      return value ? 1n : 0n;
    case "string":
      return DECIMAL_INTEGER.test(value) ? BigInt(value) : null;
    default:
      return value instanceof NumberText ? integerFromJsonNumber(value.text) : null;
  }
}

function checkBytes(field: FieldSchema, value: unknown, limitBytes: number): Uint8Array {
  if (value instanceof Uint8Array) {
    if (value.length > limitBytes) refuse(field, value, `at most ${limitBytes} bytes`);
    return value;
  }
  if (typeof value !== "string" || !BASE64.test(value)) refuse(field, value, "base64 with padding");
  const bytes = Buffer.from(value, "base64");
  if (bytes.length > limitBytes)
    refuse(field, value, `at most ${limitBytes} bytes decoded (this has ${bytes.length})`);
  // "QQ==" and "QR==" decode alike; accept only what encodes back to itself, so that nothing is lost silently.
  if (value.endsWith("=") && bytes.toString("base64") !== value) refuse(field, value, "canonical base64");
  return bytes;
}
