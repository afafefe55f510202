/** SQLite's errors as ours, by result code; the only place that looks at them. */
import { SQLiteError } from "bun:sqlite";
import { CtlstoreError } from "../../core/errors.ts";

/** Turns a driver error into the one to raise; anything else passes through. */
export function classifySqliteError(error: unknown, action: string): unknown {
  if (!(error instanceof SQLiteError)) return error;
  const code = error.code ?? "";
  const text = `Cannot ${action}: ${error.message}`;
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) {
    return new CtlstoreError("ctldb_unavailable", `${text}; another process holds the ctldb`, {
      cause: error,
      retryAfterSeconds: 1,
    });
  }
  if (/^SQLITE_(FULL|IOERR|CANTOPEN|READONLY|PERM|NOMEM|PROTOCOL)/.test(code)) {
    return new CtlstoreError("ctldb_unavailable", text, { cause: error, retryAfterSeconds: 5 });
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code))
    return new CtlstoreError("ctldb_incompatible", text, { cause: error });
  if (/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code))
    return new CtlstoreError("invalid_value", text, { cause: error });
  return new CtlstoreError("internal", text, { cause: error });
}

/** Runs a task, raising its driver errors as ours. */
export function withSqliteErrors<T>(action: string, task: () => T): T {
  try {
    return task();
  } catch (error) {
    throw classifySqliteError(error, action);
  }
}
