/** SQL on the declared readers of one table. */
import type { FamilyName, TableName } from "../../core/names.ts";
import { textLiteral } from "../../core/sql/literals.ts";

/** For whoever drops a table: another one of its name has readers of its own. */
export function forgetReaders(family: FamilyName, table: TableName): string {
  return `DELETE FROM ctlstore_readers WHERE ${isOf(family, table)}`;
}

export function selectReaders(family: FamilyName, table: TableName): string {
  return `SELECT reader, contact, declared_us, declared_by FROM ctlstore_readers WHERE ${isOf(family, table)}`;
}

function isOf(family: FamilyName, table: TableName): string {
  return `family_name = ${textLiteral(family)} AND table_name = ${textLiteral(table)}`;
}
