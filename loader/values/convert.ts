/**
 * From a value of an event to a value of a field: exact, or refused with what would work.
 *
 * What comes out has passed the Executive's own check (core/values.ts), so it has nothing left to refuse; and it has one form
 * for one value (integers are bigints, bytes are bytes), so that equal values are equal. docs/loader has the table for people.
 *
 * - integer: whole numbers of the event, booleans as 0 and 1, decimals without fraction, text that is an integer's digits, BIT(n),
 *   and dates and times as the number that the event has, in the unit of the connector's mode.
 * - decimal: numbers that a double stands for (it is equal or prints the same); all others are refused.
 * - string, text: text as it is; decimals with all digits of their scale, without exponent; doubles as JavaScript prints them;
 *   booleans as 0 and 1; dates and times as MySQL writes them, TIMESTAMP in UTC, with as many digits of a fraction as the column
 *   declares where that is known, else as many as the event's unit or text has (3, 6); BIT(n) as a number; structs and arrays as
 *   JSON. Bytes are refused.
 * - binary, bytestring: bytes; BIT(n) and geometry as MySQL has them. Text is refused.
 */
import type { FieldValue } from "../../client/encode.ts";
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { FieldType } from "../../core/field-types.ts";
import type { FieldSchema } from "../../core/schema.ts";
import { checkValue } from "../../core/values.ts";
import type { ColumnKind } from "./column-kind.ts";
import { type ColumnReader, Misfit, type Read, shown } from "./column-reader.ts";
import type { ColumnRules } from "./column-rules.ts";
import type { ConnectType } from "./connect-type.ts";
import { columnKind } from "./kind-of.ts";
import { readerFor } from "./reader-for.ts";
import { type MayBeZeroDate, zeroDateTest } from "./zero-dates.ts";

/** Converts the values of one column; null stays null. @throws CtlstoreError `event_refused` */
export type Converter = (value: unknown) => FieldValue;

const READ_OF: Readonly<Record<FieldType, keyof ColumnReader>> = {
  integer: "integer",
  decimal: "decimal",
  string: "text",
  text: "text",
  binary: "bytes",
  bytestring: "bytes",
};

/**
 * The conversion of one column into one field, decided once: for every value of a table's column.
 *
 * @param type what the event's schema says of the column; null in events without schema
 * @throws CtlstoreError `mapping_invalid` when `rules.column` names a type that no column has
 */
export function converterFor(field: FieldSchema, type: ConnectType | null, rules: ColumnRules): Converter {
  const kind = columnKind(type, rules);
  const read = withZeroDates(readerFor(kind)[READ_OF[field.type]], kind, type, rules);
  const described = describeColumn(type, rules);
  return (value) => {
    if (value === null) return null;
    try {
      if (value === undefined) throw new Misfit("a value, and the event has none");
      return checkValue(field, read(value), false);
    } catch (error) {
      throw refusal(field, value, described, error);
    }
  };
}

function withZeroDates(
  read: Read<unknown>,
  kind: ColumnKind,
  type: ConnectType | null,
  rules: ColumnRules,
): Read<unknown> {
  // A column that takes NULL has its zero dates as null: its 1970-01-01 is that day.
  const isSure = rules.epochDates === "keep" || type?.isOptional === true;
  const mayBeZero: MayBeZeroDate | null = isSure ? null : zeroDateTest(kind);
  if (mayBeZero === null) return read;
  return (value) => {
    if (!mayBeZero(value)) return read(value);
    if (rules.epochDates === "null") return null;
    throw new Misfit(
      "another day than 1970-01-01, which also stands for a zero date",
      'set "epochDates" in the mapping to keep or null',
    );
  };
}

/** The column as messages call it. */
function describeColumn(type: ConnectType | null, rules: ColumnRules): string {
  if (type === null)
    return rules.column === null ? "without schema" : `${quote(rules.column)} by the mapping`;
  const origin = type.parameters["__debezium.source.column.type"];
  const name = type.name === null ? type.type : `${type.type} ${type.name}`;
  return origin === undefined ? name : `${name} of ${origin}`;
}

function refusal(field: FieldSchema, value: unknown, described: string, error: unknown): unknown {
  if (error instanceof Misfit) {
    return new CtlstoreError(
      "event_refused",
      `Cannot load ${shown(value)} into field ${quote(field.name)}: the column is ${described}, the field is ${field.type}; it needs ${error.needed}`,
      { field: field.name, ...(error.hint === null ? {} : { hint: error.hint }) },
    );
  }
  if (error instanceof CtlstoreError && error.code === "invalid_value") {
    return new CtlstoreError("event_refused", `${error.message} (the column is ${described})`, {
      field: field.name,
      cause: error,
    });
  }
  return error;
}
