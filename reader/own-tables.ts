/** Which of its own tables an LDB has, and whether this reader knows their format. */
import { CtlstoreError } from "../core/errors.ts";
import type { LdbConnection, LdbRow } from "../ldb/connection.ts";
import { LDB_FORMAT_VERSION } from "../ldb/layout.ts";
import { META_IS_CURRENT_SQL, type OwnTables, type VersionSource } from "./read-sql.ts";

/** Call inside a transaction. @throws CtlstoreError `ldb_incompatible` */
export function findOwnTables(connection: LdbConnection, path: string): OwnTables {
  const rows = all(connection, "SELECT name FROM sqlite_schema WHERE name IN ('_ldb_seq', '_ldb_meta')");
  const names = rows.map((row) => row["name"]);
  const hasSequence = names.includes("_ldb_seq");
  const hasMeta = names.includes("_ldb_meta") && checkFormat(connection, path);
  return { hasSequence, versionSource: hasMeta ? metaSource(connection, hasSequence) : "cookie" };
}

function metaSource(connection: LdbConnection, hasSequence: boolean): VersionSource {
  const [row] = hasSequence ? all(connection, META_IS_CURRENT_SQL) : [];
  return row?.["current"] === 1 ? "meta" : "cookie-and-meta";
}

/** False when the table has no row yet. @throws CtlstoreError `ldb_incompatible` */
function checkFormat(connection: LdbConnection, path: string): boolean {
  const [row] = all(connection, "SELECT format_version FROM _ldb_meta WHERE id = 1");
  if (row === undefined) return false;
  const version = Number(row["format_version"]);
  if (version <= LDB_FORMAT_VERSION) return true;
  throw new CtlstoreError(
    "ldb_incompatible",
    `Cannot read the LDB at ${path}: its format is ${version}; this reader knows ${LDB_FORMAT_VERSION}`,
    { hint: "use a newer reader" },
  );
}

function all(connection: LdbConnection, sql: string): LdbRow[] {
  const statement = connection.prepare(sql, false);
  const rows = statement.all();
  statement.finalize();
  return rows;
}
