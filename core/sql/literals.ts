/**
 * Values as SQL literals that MariaDB, MySQL (under NO_BACKSLASH_ESCAPES) and SQLite read back alike.
 *
 * mysql2's own `?` escaping is an injection hole under NO_BACKSLASH_ESCAPES, so nothing but this file makes literals.
 */
import type { SqlValue } from "../values.ts";
import { plainDecimal } from "./plain-decimal.ts";

const NUL = "\u0000";

/** `'text'` with quotes doubled; text holding NUL as `CAST(x'…' AS CHAR)`, which stays text in SQLite (D5). */
export function textLiteral(text: string): string {
  if (text.includes(NUL)) return `CAST(${bytesLiteral(Buffer.from(text))} AS CHAR)`;
  return text.includes("'") ? `'${text.replaceAll("'", "''")}'` : `'${text}'`;
}

/** `x'0a1b'` */
export function bytesLiteral(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return `x'${buffer.toString("hex")}'`;
}

/** A literal for a ledger statement: decimals are written plainly, as the original does. */
export function ledgerLiteral(value: SqlValue): string {
  if (typeof value === "number") return plainDecimal(value);
  return otherLiteral(value);
}

/**
 * A literal for a statement that MySQL runs. Decimals carry an exponent: MySQL reads a plain one as DECIMAL, which
 * loses everything beyond 30 places after the point.
 */
export function mysqlLiteral(value: SqlValue): string {
  if (typeof value === "number") return value.toExponential();
  return otherLiteral(value);
}

function otherLiteral(value: null | bigint | string | Uint8Array): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return textLiteral(value);
  if (typeof value === "bigint") return value.toString();
  return bytesLiteral(value);
}
