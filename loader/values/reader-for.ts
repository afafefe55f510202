/** Which reader reads a kind of column. */
import { bitsReader, bytesReader } from "./bytes.ts";
import type { ColumnKind } from "./column-kind.ts";
import { type ColumnReader, never } from "./column-reader.ts";
import { DOCUMENTS, GEOMETRIES } from "./documents.ts";
import { ISO_DATES, isoDatetimes, isoTimes, timestamps } from "./iso-temporal.ts";
import {
  BOOLEANS,
  decimals,
  FLOATS,
  INTEGERS,
  TEXT_DECIMALS,
  VARIABLE_DECIMALS,
  WRAPPED_INTEGERS,
  YEARS,
} from "./numbers.ts";
import { DATES, datetimes, times } from "./temporal.ts";
import { textReader } from "./text.ts";
import { unknownReader } from "./unknown.ts";

export function readerFor(kind: ColumnKind): ColumnReader {
  switch (kind.is) {
    case "boolean":
      return BOOLEANS;
    case "integer":
      return kind.isWrapped ? WRAPPED_INTEGERS : INTEGERS;
    case "float":
      return FLOATS;
    case "decimal":
      return decimals(kind.scale);
    case "variable-decimal":
      return VARIABLE_DECIMALS;
    case "decimal-text":
      return TEXT_DECIMALS;
    case "bits":
      return bitsReader(kind.length);
    case "bytes":
      return bytesReader(kind.form);
    case "text":
      return textReader(kind.encoded);
    case "date":
      return kind.form === "iso" ? ISO_DATES : DATES;
    case "time":
      return kind.form === "iso" ? isoTimes(kind.digits) : times(kind.form, kind.digits);
    case "datetime":
      return kind.form === "iso" ? isoDatetimes(kind.digits) : datetimes(kind.form, kind.digits);
    case "timestamp":
      return timestamps(kind.digits);
    case "year":
      return YEARS;
    case "geometry":
      return GEOMETRIES;
    case "document":
      return DOCUMENTS;
    case "unreadable": {
      const read = never(`${kind.lacking}, which the event's schema does not say`);
      return { integer: read, decimal: read, text: read, bytes: read };
    }
    case "unknown":
      return unknownReader(kind.encoded, kind.mayBePreciseDecimal);
  }
}
