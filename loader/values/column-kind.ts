/**
 * What the values of a column are in its events. Everything that comes after this decision (reading, a field's default type)
 * goes by the kind alone.
 */

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
