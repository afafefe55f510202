/**
 * Copies a live LDB into a new file, beside the Reflector that goes on writing it; and checks such a file.
 *
 * These calls block for seconds on a large LDB: they belong into a process of their own. The copy is made in one read
 * transaction, so it holds exactly one committed sequence (I9). A read transaction keeps the Reflector's write-ahead
 * log from being cut, and nothing else: it never waits for us.
 */
import { constants, Database } from "bun:sqlite";
import { CtlstoreError, type ErrorCode, messageOf, quote } from "../core/errors.ts";

/** How long to wait for a lock that a Reflector holds while it recovers from a crash. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Moves what the write-ahead log holds into the database as far as readers allow, without waiting for anybody: so the
 * log is short when the copy begins to pin it.
 * @throws CtlstoreError `ldb_unavailable`, `ldb_damaged`, `ldb_disk_full`
 */
export function checkpointLdb(path: string): void {
  // A read-only connection cannot checkpoint.
  withDatabase(path, { readwrite: true }, `checkpoint the LDB ${quote(path)}`, (database) => {
    // Else the last connection to close, which may be this one, deletes -wal and -shm (R16).
    database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    firstRow(database, "PRAGMA wal_checkpoint(PASSIVE)");
  });
}

/** Upper bound of what a copy of the LDB will need. @throws CtlstoreError `ldb_unavailable`, `ldb_damaged` */
export function ldbBytes(path: string): number {
  return withDatabase(path, { readonly: true }, `measure the LDB ${quote(path)}`, (database) => {
    const row = firstRow<{ bytes: number }>(
      database,
      "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size",
    );
    return row?.bytes ?? 0;
  });
}

/**
 * Writes a compact copy to a path where nothing is yet: one file without a write-ahead log. It is not made durable:
 * that would make the Reflector's own checkpoints wait for the disk.
 * @throws CtlstoreError `ldb_disk_full`, `ldb_unavailable`, `ldb_damaged`
 */
export function copyLdb(source: string, target: string): void {
  withDatabase(source, { readonly: true }, `copy the LDB ${quote(source)}`, (database) => {
    // The copy gets this connection's setting.
    database.run("PRAGMA synchronous = OFF");
    database.run("VACUUM INTO ?", [target]);
  });
}

/**
 * SQLite's own check of a database file. @throws CtlstoreError `ldb_damaged` with the first thing found,
 *   `ldb_unavailable`
 */
export function quickCheck(path: string): void {
  const action = `use the database ${quote(path)}`;
  withDatabase(path, { readonly: true }, action, (database) => {
    const row = firstRow<{ quick_check: string }>(database, "PRAGMA quick_check(1)");
    if (row?.quick_check === "ok") return;
    throw new CtlstoreError("ldb_damaged", `Cannot ${action}: SQLite's check found ${row?.quick_check}`);
  });
}

/** A statement that is left over would keep the database open beyond its closing. */
function firstRow<Row>(database: Database, sql: string): Row | null {
  const statement = database.prepare<Row, []>(sql);
  try {
    return statement.get();
  } finally {
    statement.finalize();
  }
}

function withDatabase<T>(
  path: string,
  mode: { readonly readonly: true } | { readonly readwrite: true },
  action: string,
  use: (database: Database) => T,
): T {
  let database: Database | null = null;
  try {
    database = new Database(path, mode);
    database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return use(database);
  } catch (cause) {
    throw cause instanceof CtlstoreError ? cause : toError(action, cause);
  } finally {
    database?.close();
  }
}

function toError(action: string, cause: unknown): CtlstoreError {
  const driverCode =
    cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const message = `Cannot ${action}: ${messageOf(cause)}${driverCode === "" ? "" : ` (${driverCode})`}`;
  return new CtlstoreError(codeOf(driverCode), message, { cause });
}

function codeOf(driverCode: string): ErrorCode {
  if (driverCode.startsWith("SQLITE_FULL")) return "ldb_disk_full";
  if (driverCode.startsWith("SQLITE_CORRUPT") || driverCode.startsWith("SQLITE_NOTADB")) return "ldb_damaged";
  return "ldb_unavailable";
}
