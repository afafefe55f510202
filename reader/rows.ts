/** From a driver's row to the caller's: a plain object of the fields alone, with integers exact or refused (I12). */
import { CtlstoreError, quote } from "../core/errors.ts";
import type { LdbRow } from "../ldb/connection.ts";
import { NUL_FIELDS } from "./read-sql.ts";
import type { TableShape } from "./table-shape.ts";
import type { Row, RowValue } from "./types.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Turns the fields that came as bytes because they hold NUL back into text; see `fieldColumns`. */
export function restoreText(fieldNames: readonly string[], row: LdbRow): void {
  const positions = row[NUL_FIELDS];
  if (typeof positions !== "string" || positions === "") return;
  for (const position of positions.split(",")) {
    const name = fieldNames[Number(position)];
    const bytes = name === undefined ? null : row[name];
    if (position !== "" && name !== undefined && bytes instanceof Uint8Array)
      row[name] = decoder.decode(bytes);
  }
}

/** Copies the fields. Drivers differ in prototype, and columns of ours travel with the row. */
export function pickFields(fieldNames: readonly string[], row: LdbRow): Row {
  const picked: Row = {};
  for (let i = 0; i < fieldNames.length; i++) {
    const name = fieldNames[i] as string;
    picked[name] = row[name] as RowValue;
  }
  return picked;
}

/** As `pickFields`, or null when a number may stand for a larger integer and has to be read again exactly. */
export function pickSafeFields(fieldNames: readonly string[], row: LdbRow): Row | null {
  const picked: Row = {};
  for (let i = 0; i < fieldNames.length; i++) {
    const name = fieldNames[i] as string;
    const value = row[name] as RowValue;
    if (typeof value === "number" && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)) {
      return null;
    }
    picked[name] = value;
  }
  return picked;
}

/** The fields of a row that was read with exact integers: a number each, and a bigint where that would be wrong. */
export function pickMixedFields(shape: TableShape, row: LdbRow): Row {
  const picked = pickFields(shape.fieldNames, row);
  for (const [field, value] of Object.entries(picked)) {
    if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) picked[field] = Number(value);
  }
  return picked;
}

/** The fields of a row that was read with exact integers, as numbers. @throws CtlstoreError `unsafe_integer` */
export function pickExactFields(shape: TableShape, row: LdbRow): Row {
  const picked = pickFields(shape.fieldNames, row);
  for (const [field, value] of Object.entries(picked)) {
    if (typeof value !== "bigint") continue;
    const number = Number(value);
    if (!Number.isSafeInteger(number)) {
      throw new CtlstoreError(
        "unsafe_integer",
        `Cannot read field ${quote(field)} of ${shape.label} as a number: it is ${value}; a number is exact within ±${Number.MAX_SAFE_INTEGER}`,
        { field, hint: 'open the reader with integers: "bigint"' },
      );
    }
    picked[field] = number;
  }
  return picked;
}
