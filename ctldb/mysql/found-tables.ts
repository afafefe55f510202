/** The users' tables as they stand in MySQL, whoever made them. */
import { fieldTypeFromMysql } from "../../core/field-types.ts";
import { upsertStatement } from "../../core/ledger/statements.ts";
import { type FieldName, type LdbTableName, ldbTableName, splitLdbTableName } from "../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import { doubleQuoted } from "../../core/sql/identifiers.ts";
import { checkValue, type SqlValue } from "../../core/values.ts";
import type { FoundTable, RowOperation } from "../store.ts";
import type { MysqlSession, MysqlValue } from "./session.ts";

/** Tables named `family___table` all of whose columns are of our types, by name. */
export async function findTables(session: MysqlSession): Promise<FoundTable[]> {
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
  return [...Map.groupBy(columns, ([table]) => String(table))].flatMap(([name, rows]) => {
    if (splitLdbTableName(name) === null) return [];
    const fields = rows.flatMap(([, column, type]): FieldSchema[] => {
      const fieldType = fieldTypeFromMysql(String(type));
      return fieldType === null ? [] : [{ name: String(column) as FieldName, type: fieldType }];
    });
    if (fields.length !== rows.length) return [];
    const keyFields = (keysByTable.get(name) ?? []).map(([, column]) => String(column) as FieldName);
    return [{ name: name as LdbTableName, fields, keyFields }];
  });
}

/** Every row of a table as an upsert, for a table whose rows the ledger never had. */
export async function rowOperations(session: MysqlSession, schema: TableSchema): Promise<RowOperation[]> {
  const columns = schema.fields.map((field) => doubleQuoted(field.name)).join(",");
  const rows = await session.select(
    `SELECT ${columns} FROM ${ldbTableName(schema.family, schema.table)}`,
    "read a table's rows",
  );
  return rows.map((row): RowOperation => {
    const values = schema.fields.map((field, i) => toSqlValue(field, row[i] ?? null));
    return { kind: "upsert", schema, values, statement: upsertStatement(schema, values) };
  });
}

function toSqlValue(field: FieldSchema, value: MysqlValue): SqlValue {
  return checkValue(field, value, false);
}
