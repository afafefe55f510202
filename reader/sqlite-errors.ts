/** What an error of a SQLite driver means to whoever reads an LDB; decided by SQLite's result code alone. */
import { CtlstoreError, isCtlstoreError, messageOf } from "../core/errors.ts";
import { type LdbDriver, SQLITE_RESULT } from "../ldb/connection.ts";
import { StaleSession } from "./session.ts";

/** Codes that may only mean that the cached schema, or the opened file, is not the current one. */
const MAY_PASS = new Set<number>([
  SQLITE_RESULT.error,
  SQLITE_RESULT.schema,
  SQLITE_RESULT.busy,
  SQLITE_RESULT.ioError,
  SQLITE_RESULT.corrupt,
  SQLITE_RESULT.cannotOpen,
  SQLITE_RESULT.readOnly,
  SQLITE_RESULT.notADatabase,
]);

/** Errors of ours that may only mean the same. */
const MAY_BE_STALE = new Set<string>([
  "unknown_table",
  "invalid_key",
  "schema_mismatch",
  "ldb_empty",
  "ldb_regressed",
  "ldb_incompatible",
]);

/** True when reading again, after a look at the file and its schema, may go better. */
export function mayGoBetter(driver: LdbDriver, error: unknown): boolean {
  if (error instanceof StaleSession) return true;
  if (isCtlstoreError(error)) return MAY_BE_STALE.has(error.code);
  const code = driver.resultCode(error);
  return code !== null && MAY_PASS.has(code);
}

/** The error for the caller; errors that are not SQLite's stay as they are. */
export function readerError(driver: LdbDriver, error: unknown, path: string): unknown {
  const result = driver.resultCode(error);
  if (isCtlstoreError(error) || result === null) return error;
  const reason = messageOf(error);
  switch (result) {
    case SQLITE_RESULT.corrupt:
    case SQLITE_RESULT.notADatabase:
    case SQLITE_RESULT.ioError:
      return new CtlstoreError("ldb_damaged", `Cannot read the LDB at ${path}: ${reason}`, {
        cause: error,
        hint: "stop the Reflector, move the LDB's folder away and start it again: the LDB is rebuilt from the ledger",
      });
    case SQLITE_RESULT.cannotOpen:
    case SQLITE_RESULT.permission:
    // SQLite would have to make a -shm and may not.
    case SQLITE_RESULT.readOnly:
      return new CtlstoreError(
        "ldb_not_found",
        `Cannot open the LDB at ${path}: ${reason}; it needs to be readable, with its -wal and -shm beside it`,
        { cause: error },
      );
    case SQLITE_RESULT.busy:
    case SQLITE_RESULT.locked:
    case SQLITE_RESULT.protocol:
      return new CtlstoreError(
        "ldb_unavailable",
        `Cannot read the LDB at ${path}: ${reason}; whoever holds it has to let go`,
        {
          cause: error,
          hint: "a Reflector never does this: look for another program that has the file open",
        },
      );
    default:
      return new CtlstoreError("internal", `Cannot read the LDB at ${path}: SQLite says ${reason}`, {
        cause: error,
      });
  }
}
