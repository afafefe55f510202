/** Columns of text: CHAR to LONGTEXT, JSON, ENUM, SET, UUID, INET. They are kept as they are, code point for code point. */
import { decodeBytes } from "./bytes.ts";
import type { BytesForm } from "./column-kind.ts";
import { type ColumnReader, Misfit, never } from "./column-reader.ts";
import { decimalFromText, decimalToDouble } from "./decimal.ts";
import { refuseUnavailable } from "./unavailable.ts";

/** As the integer itself would be printed: zeros before it or a plus would be lost. */
const CANONICAL_INTEGER = /^(?:0|-?[1-9]\d{0,18})$/;

const NOT_ENCODED = never(
  "bytes, and this is text: in which encoding is not known",
  "use a string or text field; or, if the connector writes bytes as text, say how in the mapping (binary)",
);

/** @param encoded how such a column writes bytes; null for one that has text */
export function textReader(encoded: BytesForm | null): ColumnReader {
  return { integer: textToInteger, decimal: textToDouble, text: readText, bytes: encodedBytes(encoded) };
}

function readText(value: unknown): string {
  if (typeof value !== "string") throw new Misfit("a JSON string");
  refuseUnavailable(value);
  return value;
}

export function textToInteger(value: unknown): bigint {
  const text = readText(value);
  if (!CANONICAL_INTEGER.test(text)) throw new Misfit("the digits of an integer, such as -12");
  return BigInt(text);
}

export function textToDouble(value: unknown): number {
  const decimal = decimalFromText(readText(value));
  if (decimal === null) throw new Misfit("the digits of a decimal, such as -12.30");
  return decimalToDouble(decimal);
}

export function encodedBytes(encoded: BytesForm | null): ColumnReader["bytes"] {
  if (encoded === null) return NOT_ENCODED;
  return (value) => {
    refuseUnavailable(value);
    const bytes = decodeBytes(value, encoded);
    refuseUnavailable(bytes);
    return bytes;
  };
}
