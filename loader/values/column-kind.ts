/**
 * What the values of a column are in its events: decided once per column, from the event's schema where it has one, else
 * from what the mapping says. Everything after this (reading, a field's default type) goes by the kind alone.
 */
import type { ColumnRules } from "./column-rules.ts";
import type { ConnectType } from "./connect-type.ts";
import { type OriginColumn, originColumn } from "./origin-column.ts";

/** The unit of a number, or ISO 8601 text. */
export type TimeForm = "milliseconds" | "microseconds" | "nanoseconds" | "iso";
/** How bytes are written as JSON text. */
export type BytesForm = "base64" | "base64-url-safe" | "hex";

export type ColumnKind =
  | { readonly is: "boolean" }
  /** `isWrapped`: a BIGINT UNSIGNED in a signed 64-bit number, so that what is negative was 2^63 or more. */
  | { readonly is: "integer"; readonly isWrapped: boolean }
  | { readonly is: "float" }
  /** Base64 of the digits as a two's complement; a JSON number where the converter's `decimal.format` is NUMERIC. */
  | { readonly is: "decimal"; readonly scale: number; readonly precision: number | null }
  /** A struct with the scale beside the digits. */
  | { readonly is: "variable-decimal" }
  | { readonly is: "decimal-text" }
  | { readonly is: "bits"; readonly length: number | null }
  | { readonly is: "bytes"; readonly form: BytesForm; readonly maxBytes: number | null }
  /** `encoded`: how it writes bytes, should the field want bytes. Null for what is text at the origin. */
  | { readonly is: "text"; readonly maxChars: number | null; readonly encoded: BytesForm | null }
  | { readonly is: "date"; readonly form: "days" | "iso" }
  | { readonly is: "time"; readonly form: TimeForm; readonly digits: number | null }
  /** Without time zone. */
  | { readonly is: "datetime"; readonly form: TimeForm; readonly digits: number | null }
  /** ISO text with an offset. */
  | { readonly is: "timestamp"; readonly digits: number | null }
  | { readonly is: "year" }
  | { readonly is: "geometry" }
  /** A struct, an array or a map that is nothing of the above. */
  | { readonly is: "document" }
  /** The event's schema lacks what its values cannot be read without. */
  | { readonly is: "unreadable"; readonly lacking: string }
  /** Neither the event nor the mapping says anything: each value is what JSON makes of it. */
  | { readonly is: "unknown"; readonly encoded: BytesForm; readonly mayBePreciseDecimal: boolean };

/** @throws CtlstoreError `mapping_invalid` when the mapping names a type that no column has */
export function columnKind(type: ConnectType | null, rules: ColumnRules): ColumnKind {
  const column = originColumn(type, rules);
  if (type !== null) return kindOfName(type, column, rules) ?? kindOfType(type, column, rules);
  if (column !== null) return kindOfColumn(column, rules);
  if (rules.scale !== null && rules.decimal === "precise")
    return { is: "decimal", scale: rules.scale, precision: null };
  return unknownKind(rules);
}

function unknownKind(rules: ColumnRules): ColumnKind {
  return {
    is: "unknown",
    encoded: encodingOf(rules) ?? "base64",
    mayBePreciseDecimal: rules.decimal === "precise" || rules.bigintUnsigned === "precise",
  };
}

/** How a string writes bytes; null in the mode in which bytes are no strings for the event's schema. */
function encodingOf(rules: ColumnRules): BytesForm | null {
  return rules.binary === "bytes" ? null : rules.binary;
}

/** By the logical name, if it is one that says more than the type beneath. */
function kindOfName(type: ConnectType, column: OriginColumn | null, rules: ColumnRules): ColumnKind | null {
  const digits = fractionDigits(column);
  switch (type.name) {
    case "org.apache.kafka.connect.data.Decimal":
      return kindOfPrecise(type, column, rules);
    case "io.debezium.data.VariableScaleDecimal":
      return { is: "variable-decimal" };
    case "io.debezium.data.Bits":
      return { is: "bits", length: numberOf(type, "length") };
    case "io.debezium.data.Enum":
    case "io.debezium.data.EnumSet":
      return { is: "text", maxChars: longestOption(type), encoded: null };
    case "io.debezium.data.Uuid":
      return { is: "text", maxChars: 36, encoded: null };
    case "io.debezium.data.geometry.Point":
    case "io.debezium.data.geometry.Geometry":
    case "io.debezium.data.geometry.Geography":
      return { is: "geometry" };
    case "io.debezium.time.Year":
      return { is: "year" };
    case "io.debezium.time.Date":
    case "org.apache.kafka.connect.data.Date":
      return { is: "date", form: "days" };
    case "io.debezium.time.IsoDate":
      return { is: "date", form: "iso" };
    case "io.debezium.time.ZonedTimestamp":
      return { is: "timestamp", digits };
    default: {
      const time = TIMES.get(type.name ?? "");
      return time === undefined ? null : { ...time, digits };
    }
  }
}

function kindOfPrecise(type: ConnectType, column: OriginColumn | null, rules: ColumnRules): ColumnKind {
  const scale = numberOf(type, "scale") ?? rules.scale ?? column?.scale ?? null;
  if (scale === null) return { is: "unreadable", lacking: "the decimal's scale" };
  return {
    is: "decimal",
    scale,
    precision: numberOf(type, "connect.decimal.precision") ?? column?.length ?? null,
  };
}

const TIMES: ReadonlyMap<string, { readonly is: "time" | "datetime"; readonly form: TimeForm }> = new Map([
  ["org.apache.kafka.connect.data.Time", { is: "time", form: "milliseconds" }],
  ["io.debezium.time.Time", { is: "time", form: "milliseconds" }],
  ["io.debezium.time.MicroTime", { is: "time", form: "microseconds" }],
  ["io.debezium.time.NanoTime", { is: "time", form: "nanoseconds" }],
  ["io.debezium.time.IsoTime", { is: "time", form: "iso" }],
  ["org.apache.kafka.connect.data.Timestamp", { is: "datetime", form: "milliseconds" }],
  ["io.debezium.time.Timestamp", { is: "datetime", form: "milliseconds" }],
  ["io.debezium.time.MicroTimestamp", { is: "datetime", form: "microseconds" }],
  ["io.debezium.time.NanoTimestamp", { is: "datetime", form: "nanoseconds" }],
  ["io.debezium.time.IsoTimestamp", { is: "datetime", form: "iso" }],
]);

/** By the plain type, which a logical name that is not known never contradicts. */
function kindOfType(type: ConnectType, column: OriginColumn | null, rules: ColumnRules): ColumnKind {
  switch (type.type) {
    case "boolean":
      return { is: "boolean" };
    case "int8":
    case "int16":
    case "int32":
    case "int64":
      return { is: "integer", isWrapped: type.type === "int64" && isUnsignedBigint(column) };
    case "float":
    case "double":
    case "float32":
    case "float64":
      return { is: "float" };
    case "bytes":
      return { is: "bytes", form: "base64", maxBytes: lengthOf(column, "binary") };
    case "string":
      return kindOfString(type, column, rules);
    case "struct":
    case "array":
    case "map":
      return { is: "document" };
    default:
      return unknownKind(rules);
  }
}

/** Text, a decimal as text, or bytes as text: those only where the column or the mapping says so. */
function kindOfString(type: ConnectType, column: OriginColumn | null, rules: ColumnRules): ColumnKind {
  if (type.name !== null) return { is: "text", maxChars: null, encoded: null };
  const encoded = encodingOf(rules);
  switch (column?.kind) {
    case undefined:
      return { is: "text", maxChars: null, encoded };
    case "decimal":
      return { is: "decimal-text" };
    case "binary":
      return encoded === null
        ? { is: "text", maxChars: null, encoded }
        : { is: "bytes", form: encoded, maxBytes: column?.length ?? null };
    default:
      return { is: "text", maxChars: lengthOf(column, "char"), encoded: null };
  }
}

/** In events without schema: by the column that the mapping names, in the modes that it names. */
function kindOfColumn(column: OriginColumn, rules: ColumnRules): ColumnKind {
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

function isUnsignedBigint(column: OriginColumn | null): boolean {
  return column !== null && column.kind === "bigint" && column.isUnsigned;
}

function lengthOf(column: OriginColumn | null, kind: "char" | "binary"): number | null {
  return column?.kind === kind ? column.length : null;
}

/** Digits of a fraction as the column declares them; none said is 0. Null when the column is not known. */
function fractionDigits(column: OriginColumn | null): number | null {
  const isTemporal = column?.kind === "time" || column?.kind === "datetime" || column?.kind === "timestamp";
  if (column === null || !isTemporal) return null;
  return column.length !== null && column.length <= 6 ? column.length : 0;
}

function numberOf(type: ConnectType, parameter: string): number | null {
  const text = type.parameters[parameter];
  return text !== undefined && /^-?\d{1,9}$/.test(text) ? Number(text) : null;
}

/**
 * At most as many characters as the value can have: the whole list for a SET, which may hold all of them, and for an ENUM
 * too, since an option may hold a comma.
 */
function longestOption(type: ConnectType): number | null {
  return type.parameters["allowed"]?.length ?? null;
}
