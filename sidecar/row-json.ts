/**
 * Rows as JSON text: integers with all their digits (I12), bytes in base64.
 *
 * Text is put together by hand, since no runtime's JSON.stringify writes a bigint; what does not depend on the row is made
 * once per table.
 */
import type { TableShape } from "../reader/stated/stated-reader.ts";
import type { Row, RowValue } from "../reader/types.ts";

export type RowJson = (row: Row) => string;

const made = new WeakMap<TableShape, RowJson>();

/** The function that writes the rows of a table. A changed table has another shape. */
export function rowJsonOf(shape: TableShape): RowJson {
  let rowJson = made.get(shape);
  if (rowJson === undefined) {
    rowJson = createRowJson(shape.fieldNames);
    made.set(shape, rowJson);
  }
  return rowJson;
}

function createRowJson(fieldNames: readonly string[]): RowJson {
  const names = fieldNames.map((name, i) => `${i === 0 ? "{" : ","}${JSON.stringify(name)}:`);
  return (row) => {
    let text = "";
    for (let i = 0; i < names.length; i++) {
      text += (names[i] as string) + valueJson(row[fieldNames[i] as string] ?? null);
    }
    return `${text}}`;
  };
}

function valueJson(value: RowValue): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return numberJson(value);
    case "bigint":
      return value.toString();
    default:
      return value === null ? "null" : `"${base64(value)}"`;
  }
}

function numberJson(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0.0" : String(value);
  // Only by a foreign hand in an LDB. JSON has no word for it; a number too large for a double reads as it.
  return value > 0 ? "1e999" : "-1e999";
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
