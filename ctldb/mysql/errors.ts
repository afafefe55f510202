/** MySQL's and mysql2's errors as ours, by number; the only place that looks at them. */
import { CtlstoreError } from "../../core/errors.ts";
import { TlsHandshakeError, tlsHint } from "./tls.ts";

interface DriverError extends Error {
  readonly code?: string;
  readonly errno?: number;
  readonly fatal?: boolean;
  readonly sqlMessage?: string;
}

/** The connection is gone, as `session.ts` found out. */
export class LostConnectionError extends Error {
  readonly fatal = true;
}

/** Connection-level failures that mysql2 reports by `code` alone. */
const LOST_CONNECTION = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "PROTOCOL_CONNECTION_LOST",
  "PROTOCOL_SEQUENCE_TIMEOUT",
  "PROTOCOL_PACKETS_OUT_OF_ORDER",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_WRITE_AFTER_END",
]);

/** The server ends the session with these: shutdown, killed, idle for too long, a packet too large. */
const SESSION_ENDED = new Set([1053, 1152, 1153, 1158, 1159, 1160, 1161, 1927, 4031]);

/** The server has become a replica: only a new connection, by name, finds the new primary. */
const READ_ONLY = new Set([1290, 1792, 1836]);

/** States that pass: too many connections, a query or lock wait that took too long, a full disk. */
const PASSING = new Set([1015, 1021, 1030, 1040, 1105, 1114, 1203, 1205, 1213, 1226, 1317, 1969, 3024, 3572]);

/** What the data or the definition is to blame for. */
const INVALID_VALUE = new Set([1048, 1062, 1264, 1265, 1292, 1300, 1366, 1367, 1406]);
const INVALID_SCHEMA = new Set([
  1050, 1059, 1060, 1063, 1068, 1070, 1071, 1074, 1113, 1117, 1118, 1166, 1167, 1170, 1171, 1709,
]);

const WRONG_CREDENTIALS = new Set([1044, 1045, 1049, 1130, 1142, 1143, 1227, 1698]);

/** The server refuses connections without TLS; MariaDB says "access denied" instead. */
const INSECURE_TRANSPORT = 3159;

/** The tables are not those of the catalog: a table, a column or a lock row is missing. */
const TABLES_CHANGED = new Set([1054, 1146, 1051, 1091]);

/** Takes the statement out of a driver error, since errors are logged: it holds rows, cookies and digests of secrets (R45). */
export function forgetStatement(error: unknown): void {
  if (error instanceof Error && "sql" in error) delete error.sql;
}

function asDriverError(error: unknown): DriverError | null {
  return error instanceof Error ? error : null;
}

/** True when the connection is gone or useless, so that what the server did last may not be known. */
export function isConnectionLost(error: unknown): boolean {
  const driver = asDriverError(error);
  if (driver === null) return false;
  return (
    driver.fatal === true ||
    LOST_CONNECTION.has(driver.code ?? "") ||
    SESSION_ENDED.has(driver.errno ?? 0) ||
    READ_ONLY.has(driver.errno ?? 0)
  );
}

/** Of a read in a snapshot: the table was changed after it, or is not what the catalog says. */
const DEFINITION_CHANGED = 1412;

/** True when a read, whose error went through `classifyMysqlError`, found its table gone or changed. */
export function isTableChanged(error: unknown): boolean {
  const errno = error instanceof CtlstoreError ? (asDriverError(error.details.cause)?.errno ?? 0) : 0;
  return errno === DEFINITION_CHANGED || TABLES_CHANGED.has(errno);
}

/** The time that a statement was given was over: MariaDB's number, and MySQL's. */
const TIME_LIMIT = new Set([1969, 3024]);

/** True when a read, whose error went through `classifyMysqlError`, took longer than it was to take. */
export function isTimeLimit(error: unknown): boolean {
  return error instanceof CtlstoreError && TIME_LIMIT.has(asDriverError(error.details.cause)?.errno ?? 0);
}

/** Of what passes only when somebody does something about it. */
function hintOf(error: unknown, errno: number): string | null {
  if (error instanceof TlsHandshakeError) return tlsHint(error.reason);
  if (errno === INSECURE_TRANSPORT)
    return "the server takes connections by TLS alone: add tls=verify to the URL";
  if (WRONG_CREDENTIALS.has(errno))
    return "check user, password, grants and the database's name; a server says the same to a user who must come by TLS, or with a certificate of its own (tls-cert= and tls-key= in the URL)";
  return tlsHint(asDriverError(error)?.code ?? "");
}

/** Turns a driver error into the one to raise; one of ours passes through. */
export function classifyMysqlError(error: unknown, action: string): CtlstoreError {
  if (error instanceof CtlstoreError) return error;
  const driver = asDriverError(error);
  const errno = driver?.errno ?? 0;
  const text = `Cannot ${action}: ${driver?.sqlMessage || driver?.message || driver?.code || String(error)}`;
  const hint = hintOf(error, errno);
  if (hint !== null) return new CtlstoreError("ctldb_unavailable", text, { cause: error, hint });
  if (isConnectionLost(error) || PASSING.has(errno)) {
    return new CtlstoreError("ctldb_unavailable", text, { cause: error, retryAfterSeconds: 1 });
  }
  if (INVALID_VALUE.has(errno)) return new CtlstoreError("invalid_value", text, { cause: error });
  if (INVALID_SCHEMA.has(errno)) return new CtlstoreError("invalid_schema", text, { cause: error });
  if (TABLES_CHANGED.has(errno)) {
    return new CtlstoreError("ctldb_incompatible", text, {
      cause: error,
      hint: "somebody has changed the ctldb's tables by hand: put back what is missing",
    });
  }
  return new CtlstoreError("internal", text, { cause: error });
}
