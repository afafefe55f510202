/** Pages of a table in the embedded ctldb, each from one read transaction. */
import { type Database, SQLiteError } from "bun:sqlite";
import { ldbTableName } from "../../core/names.ts";
import { backtickQuoted } from "../../core/sql/identifiers.ts";
import { ledgerLiteral } from "../../core/sql/literals.ts";
import type { SqlValue } from "../../core/values.ts";
import { type PageSelection, restAfter, rowBytes, type StoredPage } from "../row-pages.ts";
import { readHead } from "./rows.ts";

/** Null when the table is not, or no longer, as the schema says. */
export function readPage(db: Database, selection: PageSelection): StoredPage | null {
  try {
    return db.transaction(() => {
      const { sequence } = readHead(db);
      return { ...readRows(db, selection), sequence };
    })();
  } catch (error) {
    if (error instanceof SQLiteError && error.code === "SQLITE_ERROR") return null;
    throw error;
  }
}

function readRows(db: Database, selection: PageSelection): Pick<StoredPage, "rows" | "hasMore"> {
  const { fields, limit, bytes } = selection;
  const rows: SqlValue[][] = [];
  let size = 0;
  const statement = db.prepare<Record<string, SqlValue>, []>(selectPage(selection));
  try {
    // One row more than wanted tells whether there are more.
    for (const row of statement.iterate()) {
      if (rows.length === limit || size >= bytes) return { rows, hasMore: true };
      const values = fields.map((_, i) => row[`v${i}`] ?? null);
      size += rowBytes(values);
      rows.push(values);
    }
    return { rows, hasMore: false };
  } finally {
    statement.finalize();
  }
}

function selectPage(selection: PageSelection): string {
  const { schema, fields, key, limit } = selection;
  const columns = fields.map(({ name }, i) => `${backtickQuoted(name)} AS v${i}`).join(", ");
  const keys = key.map(({ name }) => backtickQuoted(name)).join(", ");
  const conditions = [...hasPrefix(selection), ...isAfter(selection)];
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  const table = backtickQuoted(ldbTableName(schema.family, schema.table));
  return `SELECT ${columns} FROM ${table}${where} ORDER BY ${keys} LIMIT ${limit + 1}`;
}

function hasPrefix({ key, prefix }: PageSelection): string[] {
  return prefix.map((value, i) => `${backtickQuoted(key[i]?.name ?? "")} = ${ledgerLiteral(value)}`);
}

function isAfter(selection: PageSelection): string[] {
  const { columns, after } = restAfter(selection);
  if (after === null) return [];
  // After the one row that the prefix names there is none.
  if (columns.length === 0) return ["1 = 0"];
  const names = columns.map(({ name }) => backtickQuoted(name)).join(", ");
  return [`(${names}) > (${after.map(ledgerLiteral).join(", ")})`];
}
