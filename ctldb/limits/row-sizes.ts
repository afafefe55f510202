/**
 * How many bytes a row takes: one measure for rows that are stored and for rows that are about to be.
 *
 * What counts is what is in the fields, and a little for the row itself, so that even a row of nulls is more than none. It is
 * compared with itself alone, before and after a write; pages and their gaps are what `measureTables` sees.
 */

import { ldbTableName } from "../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import { doubleQuoted } from "../../core/sql/identifiers.ts";
import { ledgerLiteral } from "../../core/sql/literals.ts";
import type { SqlValue } from "../../core/values.ts";
import type { LockedLedger } from "../store.ts";

const ROW_BYTES = 16;
const NUMBER_BYTES = 8;

/** Of the row that an upsert leaves behind. */
export function newRowBytes(values: readonly SqlValue[]): number {
  return values.reduce<number>((sum, value) => sum + valueBytes(value), ROW_BYTES);
}

function valueBytes(value: SqlValue): number {
  if (value === null) return 0;
  if (typeof value === "string") return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.length : NUMBER_BYTES;
}

/** A row by its key, in key order. */
export interface RowAddress {
  readonly schema: TableSchema;
  readonly key: readonly SqlValue[];
}

/** SQLite takes 500 parts in one compound SELECT. */
const ROWS_PER_QUERY = 100;
/** Names of two hundred fields are 10 KiB for each row: a query stays far below any server's packet. */
const QUERY_CHARS = 128 * 1024;

/** The bytes of each row as the open transaction sees it, in the order of the addresses; 0 for one that is not there. */
export async function storedRowBytes(
  rows: readonly RowAddress[],
  locked: Pick<LockedLedger, "query">,
): Promise<number[]> {
  const bytes = rows.map(() => 0);
  for (const sql of selectRowBytes(rows)) {
    for (const [index, size] of await locked.query(sql)) bytes[Number(index)] = Number(size);
  }
  return bytes;
}

function selectRowBytes(rows: readonly RowAddress[]): string[] {
  const queries: string[] = [];
  let parts: string[] = [];
  let chars = 0;
  for (const [index, row] of rows.entries()) {
    const part = selectOne(row, index);
    if (parts.length === ROWS_PER_QUERY || (parts.length > 0 && chars + part.length > QUERY_CHARS)) {
      queries.push(parts.join(" UNION ALL "));
      parts = [];
      chars = 0;
    }
    parts.push(part);
    chars += part.length;
  }
  if (parts.length > 0) queries.push(parts.join(" UNION ALL "));
  return queries;
}

function selectOne({ schema, key }: RowAddress, index: number): string {
  const size = [String(ROW_BYTES), ...schema.fields.map(fieldBytes)].join("+");
  const where = schema.keyFields.map((name, i) => `${doubleQuoted(name)}=${ledgerLiteral(key[i] ?? null)}`);
  return `SELECT ${index},${size} FROM ${ldbTableName(schema.family, schema.table)} WHERE ${where.join(" AND ")}`;
}

function fieldBytes({ name, type }: FieldSchema): string {
  const column = doubleQuoted(name);
  return type === "integer" || type === "decimal"
    ? `CASE WHEN ${column} IS NULL THEN 0 ELSE ${NUMBER_BYTES} END`
    : `COALESCE(OCTET_LENGTH(${column}),0)`;
}
