/**
 * Columns of which neither the event nor the mapping says anything: each value is read as the JSON that it is, and refused where
 * that could be two things.
 */
import { NumberText } from "../../core/exact-json.ts";
import type { BytesForm } from "./column-kind.ts";
import { type ColumnReader, Misfit, never } from "./column-reader.ts";
import { decimalToDouble, decimalToInteger, decimalToText } from "./decimal.ts";
import { DOCUMENTS, GEOMETRIES } from "./documents.ts";
import { BOOLEANS, numberToDecimal } from "./numbers.ts";
import { encodedBytes, textReader, textToDouble, textToInteger } from "./text.ts";

/**
 * @param encoded how strings write bytes
 * @param mayBePreciseDecimal a string of digits may be a decimal's base64 in this mode, and is not taken for a number
 */
export function unknownReader(encoded: BytesForm, mayBePreciseDecimal: boolean): ColumnReader {
  const texts = mayBePreciseDecimal
    ? { integer: AMBIGUOUS, decimal: AMBIGUOUS }
    : { integer: textToInteger, decimal: textToDouble };
  const { text } = textReader(null);
  const bytes = encodedBytes(encoded);
  return {
    integer: (value) => {
      if (typeof value === "string") return texts.integer(value);
      return typeof value === "boolean" ? BOOLEANS.integer(value) : decimalToInteger(numberToDecimal(value));
    },
    decimal: (value) => {
      if (typeof value === "string") return texts.decimal(value);
      return typeof value === "boolean" ? BOOLEANS.decimal(value) : decimalToDouble(numberToDecimal(value));
    },
    text: (value) => (typeof value === "string" ? text(value) : unknownText(value)),
    bytes: (value) => {
      if (typeof value === "string") return bytes(value);
      if (isObject(value) && "wkb" in value) return GEOMETRIES.bytes(value);
      throw new Misfit("a JSON string of encoded bytes");
    },
  };
}

const AMBIGUOUS = never(
  "a JSON number: in events without schema a string may be text, or a decimal in base64",
  'say in the mapping what the column is, such as "column": "decimal(10,2)" or "varchar(20)"; or have the connector write decimals as text and set "decimal": "string"',
);

function unknownText(value: unknown): string {
  if (typeof value === "boolean") return BOOLEANS.text(value);
  if (isObject(value)) return DOCUMENTS.text(value);
  // A double prints shorter than all its digits.
  return typeof value === "number" && Number.isFinite(value)
    ? String(value)
    : decimalToText(numberToDecimal(value));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof NumberText);
}
