/** Which type a field has that the loader makes for a column: one that can hold every value of the column, if there is one. */
import type { FieldType } from "../../core/field-types.ts";
import { FORMAT_LIMITS } from "../../core/limits.ts";
import type { ColumnKind } from "./column-kind.ts";
import type { ColumnRules } from "./column-rules.ts";
import type { ConnectType } from "./connect-type.ts";
import { columnKind } from "./kind-of.ts";

/** So many digits always fit 64 bits. */
const INTEGER_DIGITS = 18;

/**
 * | the column | the field |
 * |---|---|
 * | integers, booleans, YEAR | integer |
 * | BIGINT UNSIGNED in mode `precise` (a decimal of 20 digits) | string |
 * | FLOAT, DOUBLE, DECIMAL in mode `double` | decimal |
 * | DECIMAL without scale, of at most 18 digits as far as known | integer |
 * | every other DECIMAL | string |
 * | BIT(n) | integer to 63 bits, else string; binary when n is not known |
 * | text known to have at most 191 characters, UUID | string |
 * | other text, JSON, structs, arrays | text |
 * | bytes known to be at most 255 | bytestring |
 * | other bytes, geometry | binary |
 * | dates and times | string |
 *
 * Null when neither the event nor the mapping says what the column is. What the sizes of ctlstore's fields do not allow
 * (text and bytes above 512 KiB, BIGINT UNSIGNED from 2^63 in mode `long`) is refused event by event.
 *
 * @throws CtlstoreError `mapping_invalid` when `rules.column` names a type that no column has
 */
export function defaultFieldType(type: ConnectType | null, rules: ColumnRules): FieldType | null {
  const kind = columnKind(type, rules);
  switch (kind.is) {
    case "boolean":
    case "integer":
    case "year":
      return "integer";
    case "float":
      return "decimal";
    case "decimal":
      return fitsInteger(kind) ? "integer" : "string";
    case "variable-decimal":
    case "decimal-text":
    case "date":
    case "time":
    case "datetime":
    case "timestamp":
      return "string";
    case "bits":
      if (kind.length === null) return "binary";
      return kind.length < 64 ? "integer" : "string";
    case "text":
      return kind.maxChars !== null && kind.maxChars <= FORMAT_LIMITS.stringChars ? "string" : "text";
    case "bytes":
      return kind.maxBytes !== null && kind.maxBytes <= FORMAT_LIMITS.bytestringBytes
        ? "bytestring"
        : "binary";
    case "document":
      return "text";
    case "geometry":
      return "binary";
    case "unreadable":
    case "unknown":
      return null;
  }
}

function fitsInteger(kind: Extract<ColumnKind, { is: "decimal" }>): boolean {
  return kind.scale === 0 && kind.precision !== null && kind.precision <= INTEGER_DIGITS;
}
