/**
 * What the mapping says about the values of a column, where the event itself does not: the modes in which the connector was
 * set up, and what to make of values that stand for something else. An event's schema wins over a mode.
 */
export interface ColumnRules {
  /** `decimal.handling.mode`. */
  readonly decimal: "precise" | "double" | "string";
  /** Digits after the point: needed for `precise` without schema. */
  readonly scale: number | null;
  /** `binary.handling.mode`; the event's schema cannot tell bytes in text from text, so it is needed there too. */
  readonly binary: "bytes" | "base64" | "base64-url-safe" | "hex";
  /** `bigint.unsigned.handling.mode`. */
  readonly bigintUnsigned: "long" | "precise";
  /** `time.precision.mode`. */
  readonly time:
    | "adaptive"
    | "adaptive_time_microseconds"
    | "connect"
    | "isostring"
    | "microseconds"
    | "nanoseconds";
  /** What the column is at the origin, such as `date`, `datetime(6)`, `bit(8)`; needed for a few without schema. */
  readonly column: string | null;
  /**
   * What to make of 1970-01-01, which stands for a zero date in a column that is NOT NULL. Where the event's schema says that
   * the column takes NULL, a zero date is null, and this day is itself.
   */
  readonly epochDates: "keep" | "null" | "refuse";
}

export const DEFAULT_COLUMN_RULES: ColumnRules = {
  decimal: "precise",
  scale: null,
  binary: "bytes",
  bigintUnsigned: "long",
  time: "adaptive_time_microseconds",
  column: null,
  epochDates: "keep",
};
