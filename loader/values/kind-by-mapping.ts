/** What the mapping says of a column, for events without schema: its type at the origin, in the connector's modes. */
import { encodingOf, fractionDigits, isUnsignedBigint, lengthOf } from "./column-facts.ts";
import type { ColumnKind, TimeForm } from "./column-kind.ts";
import type { ColumnRules } from "./column-rules.ts";
import type { OriginColumn } from "./origin-column.ts";

export function kindByMapping(column: OriginColumn, rules: ColumnRules): ColumnKind {
  const { length } = column;
  switch (column.kind) {
    case "boolean":
      return { is: "boolean" };
    case "bit":
      return length === null || length === 1 ? { is: "boolean" } : { is: "bits", length };
    case "integer":
      return { is: "integer", isWrapped: false };
    case "bigint":
      return isUnsignedBigint(column) && rules.bigintUnsigned === "precise"
        ? { is: "decimal", scale: 0, precision: 20 }
        : { is: "integer", isWrapped: isUnsignedBigint(column) };
    case "float":
      return { is: "float" };
    case "decimal":
      return kindOfDecimal(column, rules);
    case "char":
    case "text":
      return { is: "text", maxChars: lengthOf(column, "char"), encoded: null };
    case "binary":
      return { is: "bytes", form: encodingOf(rules) ?? "base64", maxBytes: length };
    case "date":
      return { is: "date", form: rules.time === "isostring" ? "iso" : "days" };
    case "time":
      return { is: "time", form: timeForm(column, rules), digits: fractionDigits(column) };
    case "datetime":
      return { is: "datetime", form: datetimeForm(column, rules), digits: fractionDigits(column) };
    case "timestamp":
      return { is: "timestamp", digits: fractionDigits(column) };
    case "year":
      return { is: "year" };
    case "geometry":
      return { is: "geometry" };
    case "vector":
      return { is: "document" };
  }
}

function kindOfDecimal(column: OriginColumn, rules: ColumnRules): ColumnKind {
  switch (rules.decimal) {
    case "precise":
      // A DECIMAL without scale has none: SHOW CREATE TABLE writes decimal(10,0).
      return { is: "decimal", scale: rules.scale ?? column.scale ?? 0, precision: column.length };
    case "double":
      return { is: "float" };
    case "string":
      return { is: "decimal-text" };
  }
}

function timeForm(column: OriginColumn, rules: ColumnRules): TimeForm {
  switch (rules.time) {
    case "adaptive":
      return (column.length ?? 0) > 3 ? "microseconds" : "milliseconds";
    case "adaptive_time_microseconds":
    case "microseconds":
      return "microseconds";
    case "connect":
      return "milliseconds";
    case "nanoseconds":
      return "nanoseconds";
    case "isostring":
      return "iso";
  }
}

function datetimeForm(column: OriginColumn, rules: ColumnRules): TimeForm {
  // The two adaptive modes differ for TIME only.
  return timeForm(
    column,
    rules.time === "adaptive_time_microseconds" ? { ...rules, time: "adaptive" } : rules,
  );
}
