/** From the family and table that a caller names to the table's name in the LDB. */
import { CtlstoreError, quote } from "../core/errors.ts";
import { ldbTableName, splitLdbTableName } from "../core/names.ts";

function lowered(what: string, value: unknown): string {
  if (typeof value === "string") return value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  throw new CtlstoreError("invalid_name", `Cannot use ${quote(value)} as a ${what} name: it is not a string`);
}

/**
 * Lower-cases both and joins them. Names are only as strict as the original's were, which made tables ending in an
 * underscore; a name that could be split elsewhere is refused (I11).
 * @throws CtlstoreError `invalid_name`
 */
export function parseLdbTableName(family: unknown, table: unknown): string {
  const familyName = lowered("family", family);
  const tableName = lowered("table", table);
  const name = ldbTableName(familyName as never, tableName as never);
  const parts = splitLdbTableName(name);
  if (parts?.family === familyName && parts.table === tableName) return name;
  throw new CtlstoreError(
    "invalid_name",
    `Cannot read ${quote(`${familyName}/${tableName}`)}: these are no names of a family and a table`,
  );
}
