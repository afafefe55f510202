/** The users' tables as they stand in MySQL, whoever made them. */
import { type FieldType, fieldTypeFromMysql } from "../../core/field-types.ts";
import { upsertStatement } from "../../core/ledger/statements.ts";
import { type FieldName, type LdbTableName, ldbTableName, splitLdbTableName } from "../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import { doubleQuoted } from "../../core/sql/identifiers.ts";
import type { SqlValue } from "../../core/values.ts";
import type { FoundTable, RowOperation } from "../store.ts";
import type { MysqlRow, MysqlSession, MysqlValue } from "./session.ts";

export interface FoundTables {
  /** All of whose columns are of our types, and which have a key. */
  readonly tables: readonly FoundTable[];
  /** Named like ours, but with columns that ctlstore does not make: somebody else has been at work. */
  readonly foreign: readonly LdbTableName[];
}

/** The tables named `family___table`, by name. */
export async function findTables(session: MysqlSession): Promise<FoundTables> {
  const columns = await session.select(
    `SELECT table_name, column_name, column_type FROM information_schema.columns
     WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`,
    "look at the tables",
  );
  const keys = await session.select(
    `SELECT table_name, column_name FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND index_name = 'PRIMARY' ORDER BY table_name, seq_in_index`,
    "look at the keys",
  );
  const keysByTable = Map.groupBy(keys, ([table]) => String(table));
  const tables: FoundTable[] = [];
  const foreign: LdbTableName[] = [];
  for (const [text, rows] of Map.groupBy(columns, ([table]) => String(table))) {
    if (splitLdbTableName(text) === null) continue;
    const name = text as LdbTableName;
    const fields = rows.flatMap(toField);
    const keyFields = (keysByTable.get(text) ?? []).map(([, column]) => String(column) as FieldName);
    if (fields.length === rows.length && keyFields.length > 0) tables.push({ name, fields, keyFields });
    else foreign.push(name);
  }
  return { tables, foreign };
}

function toField([, column, columnType]: MysqlRow): FieldSchema[] {
  const type = fieldTypeFromMysql(String(columnType));
  return type === null ? [] : [{ name: String(column) as FieldName, type }];
}

/** A field to be selected. A double as text: mysql2 reads some of sixteen digits with the last one wrong. */
export function exactColumn({ name, type }: FieldSchema): string {
  return type === "decimal" ? `CAST(${doubleQuoted(name)} AS CHAR)` : doubleQuoted(name);
}

/** Every row of a table as an upsert, for a table whose rows the ledger never had. */
export async function rowOperations(session: MysqlSession, schema: TableSchema): Promise<RowOperation[]> {
  const columns = schema.fields.map(exactColumn).join(",");
  const rows = await session.select(
    `SELECT ${columns} FROM ${ldbTableName(schema.family, schema.table)}`,
    "read a table's rows",
  );
  return rows.map((row): RowOperation => {
    const values = schema.fields.map((field, i) => toSqlValue(field.type, row[i] ?? null));
    return { kind: "upsert", schema, values, statement: upsertStatement(schema, values) };
  });
}

/** As it stands, also where a value of the original is larger than what ours would take. */
function toSqlValue(type: FieldType, value: MysqlValue): SqlValue {
  if (value === null) return null;
  switch (type) {
    case "integer":
      return BigInt(String(value));
    case "decimal":
      return Number(value);
    case "string":
    case "text":
      return String(value);
    case "binary":
    case "bytestring":
      return value as Buffer;
  }
}
