/** Small facts of columns that their kinds are made of, whoever says them. */
import type { BytesForm } from "./column-kind.ts";
import type { ColumnRules } from "./column-rules.ts";
import type { OriginColumn } from "./origin-column.ts";

/** How a string writes bytes; null in the mode in which bytes are no strings for the event's schema. */
export function encodingOf(rules: ColumnRules): BytesForm | null {
  return rules.binary === "bytes" ? null : rules.binary;
}

export function isUnsignedBigint(column: OriginColumn | null): boolean {
  return column !== null && column.kind === "bigint" && column.isUnsigned;
}

export function lengthOf(column: OriginColumn | null, kind: "char" | "binary"): number | null {
  return column?.kind === kind ? column.length : null;
}

/** Digits of a fraction as the column declares them; none said is 0. Null when the column is not known. */
export function fractionDigits(column: OriginColumn | null): number | null {
  const isTemporal = column?.kind === "time" || column?.kind === "datetime" || column?.kind === "timestamp";
  if (column === null || !isTemporal) return null;
  return column.length !== null && column.length <= 6 ? column.length : 0;
}
