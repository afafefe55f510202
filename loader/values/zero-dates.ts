/**
 * Zero dates (0000-00-00), which Debezium cannot send: in a column that takes NULL they come as null, in one that does not as
 * 1970-01-01. What to make of that day is the mapping's to say.
 */
import type { ColumnKind } from "./column-kind.ts";

const EPOCH_TEXT = /^1970-01-01(?:T00:00(?::00(?:\.0+)?)?)?(?:Z|[+-]00:00)?$/;

/** True for a value that may stand for a zero date. */
export type MayBeZeroDate = (value: unknown) => boolean;

/** The test for a column of this kind; null for columns without dates. */
export function zeroDateTest(kind: ColumnKind): MayBeZeroDate | null {
  switch (kind.is) {
    case "date":
    case "datetime":
      return kind.form === "iso" ? isEpochText : isZero;
    case "timestamp":
      return isEpochText;
    default:
      return null;
  }
}

function isZero(value: unknown): boolean {
  return value === 0 || value === 0n;
}

function isEpochText(value: unknown): boolean {
  return typeof value === "string" && EPOCH_TEXT.test(value);
}
