/** Fields and key of a table, as SQLite itself describes them. */
import { type FieldType, fieldTypeFromSqlite } from "../core/field-types.ts";
import { splitLdbTableName } from "../core/names.ts";
import type { LdbConnection } from "../ldb/connection.ts";
import type { ReaderField } from "./types.ts";

export interface TableShape {
  /** `family___table` */
  readonly ldbName: string;
  /** `family/table`, for messages. */
  readonly label: string;
  readonly family: string;
  readonly table: string;
  readonly fields: readonly ReaderField[];
  readonly fieldNames: readonly string[];
  readonly keyFields: readonly string[];
  readonly keyTypes: readonly (FieldType | null)[];
}

/** The shape of a table, or null when the LDB has no such table. */
export function readTableShape(connection: LdbConnection, ldbName: string): TableShape | null {
  const names = splitLdbTableName(ldbName);
  if (names === null) return null;
  const statement = connection.prepare("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid", false);
  const columns = statement.all(ldbName);
  statement.finalize();
  if (columns.length === 0) return null;

  const fields = columns.map((column) => ({
    name: String(column["name"]),
    type: fieldTypeFromSqlite(String(column["type"])),
  }));
  const key = columns
    .map((column, i) => ({ position: Number(column["pk"]), field: fields[i] }))
    .filter((part) => part.position > 0)
    .sort((a, b) => a.position - b.position);
  return {
    ldbName,
    label: `${names.family}/${names.table}`,
    family: names.family,
    table: names.table,
    fields,
    fieldNames: fields.map((field) => field.name),
    keyFields: key.map((part) => part.field?.name ?? ""),
    keyTypes: key.map((part) => part.field?.type ?? null),
  };
}

/** All user tables of the LDB, sorted by name; whatever is not named like one is left out. */
export function listTables(connection: LdbConnection): { family: string; table: string }[] {
  const statement = connection.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
    false,
  );
  const rows = statement.all();
  statement.finalize();
  return rows.flatMap((row) => {
    const names = splitLdbTableName(String(row["name"]));
    return names === null ? [] : [{ family: names.family as string, table: names.table as string }];
  });
}
