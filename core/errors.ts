/**
 * The one error type of ctlstore and the closed list of its codes.
 *
 * A code is part of the public contract: HTTP clients, readers and scripts branch on it, never on the text.
 * The comment beside a code is its documentation. HTTP statuses live in `core/wire/http-status.ts`.
 */

export const ERROR_CODES = [
  // What a caller asked for
  "malformed_request", // the body, a header or a parameter cannot be read at all
  "invalid_name", // the name of a family, table, field, writer or stored object breaks the naming rules
  "invalid_schema", // a table definition is not possible (types, keys, duplicates)
  "invalid_value", // a value does not fit its field's declared type
  "unknown_field", // a mutation names a field that its table does not have
  "missing_key_field", // a mutation or a read lacks part of the primary key
  "unknown_family",
  "unknown_table",
  "unknown_writer",
  "unknown_operator",
  "unknown_reader", // nobody declared this reader of the table
  "unknown_row", // the central database has no row with this key
  "unknown_route",
  "method_not_allowed",
  "family_exists",
  "table_exists",
  "field_exists",
  "writer_exists", // the writer is registered with another secret
  "operator_exists",
  "bad_credentials", // unknown writer, wrong secret, or wrong admin token
  "not_granted", // known, but not allowed to do this
  "cookie_conflict", // check_cookie is not the stored cookie
  "request_too_large",
  "too_many_mutations",
  "too_many_rows", // a read found more rows than its answer may have
  "statement_too_large",
  "request_timeout", // the request did not arrive within the time it has
  "rate_limited", // the writer, or the fleet, has used up its rows or bytes of this minute
  "table_full", // the table is over its hard size limit, and the write would make it grow
  "schema_too_large", // more tables in a family, or more fields in a table, than the Executive allows
  // What the service could not do
  "ctldb_unavailable", // the central database cannot be reached or is too busy; nothing was changed
  "commit_outcome_unknown", // the connection broke during COMMIT and could not be asked since: read the cookie
  "overloaded", // too much is queued already; nothing was changed
  "ctldb_incompatible", // the central database is of a kind or version that cannot hold a ctldb
  "config_invalid", // a flag or an environment variable
  "internal", // a defect of ours
  // The ledger as a Reflector sees it
  "ledger_epoch_mismatch", // this ctldb is not the one that the LDB follows
  "ledger_hash_mismatch", // an entry is not what the chain says it must be
  "ledger_gap", // a sequence is missing where none may be
  "ledger_behind", // the ledger ends before the LDB does: a lagging replica, or a restored ctldb
  "ledger_too_old", // the ledger no longer reaches back to where the LDB is
  "ledger_malformed", // nested or unbalanced markers, or an entry that is not exactly one statement
  "statement_refused", // SQLite refused a statement
  // The LDB as a reader or a Reflector sees it
  "ldb_not_found",
  "ldb_empty", // the LDB was never filled: nothing can be said about any row
  "ldb_regressed", // the LDB is older than what this reader has seen already
  "ldb_locked", // another process writes this LDB
  "ldb_damaged",
  "ldb_incompatible", // written by a newer ctlstore
  "ldb_disk_full",
  "ldb_unavailable", // its file cannot be read or written just now: an I/O error, a stranger's lock, wrong rights
  // Snapshots
  "snapshot_not_found", // the store holds no snapshot, or not the one that was asked for
  "snapshot_damaged", // its bytes are not what its manifest says
  "snapshot_incompatible", // written by a newer ctlstore
  "snapshot_mismatch", // of another ctldb, or of a history that the ledger does not have
  "snapshot_conflict", // the object is not, or no longer, what the condition says
  "snapshot_refused", // the LDB is in no state to be published, or something newer is published already
  "snapshot_store_unavailable", // the store cannot be reached or is too busy
  "snapshot_store_denied", // the store refuses our credentials, or they lack a right
  // The host
  "ecs_unavailable", // the ECS agent or the ECS API cannot be reached, refuses, or answers something else
  // The loader and what it reads
  "kafka_unavailable", // no broker can be reached, or the cluster is in trouble
  "kafka_denied", // the cluster refuses our credentials, or they lack a right
  "kafka_topic_unknown",
  "events_lost", // the topic no longer holds, or does not hold yet, the event that the cookie says is next
  "event_malformed", // a record that is no change event of Debezium in JSON
  "event_unmapped", // an event of a table that the mapping neither loads nor drops
  "event_refused", // an event that cannot become rows of its table without loss
  "mapping_invalid", // the mapping file cannot be read, or does not fit the tables
  "loader_fenced", // another loader moves the same cookies
  "cookie_foreign", // the writer's cookie is not one of the loader's, or of other topics: it is never overwritten
  "dead_letters_unavailable", // a dead letter could not be made durable; loading does not go past its event
  // The reader library
  "unsafe_integer", // a 64-bit integer beyond 2^53 was read without `integers: "bigint"`
  "invalid_key",
  "wait_timeout",
  "too_stale", // the LDB is older than the read allows
  "schema_mismatch", // the LDB lacks a table or a field that the program was built for, or has it otherwise
  "changelog_unavailable", // the Reflector of this LDB keeps no changelog, or it cannot be read
  "reader_closed",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorDetails {
  /** Position in the batch of the mutation at fault. */
  readonly index?: number;
  /** Name of the field at fault. */
  readonly field?: string;
  /** What to do next, for a person. */
  readonly hint?: string;
  /** Ledger sequence at fault. */
  readonly sequence?: bigint;
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** Every error that ctlstore raises on purpose. Message form: "Cannot <action> <thing>: <state now>; <state needed>". */
export class CtlstoreError extends Error {
  override readonly name = "CtlstoreError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.details = details;
  }

  /** The same error with more details, for a caller that knows where in a batch it happened. */
  with(details: ErrorDetails): CtlstoreError {
    return new CtlstoreError(this.code, this.message, { ...this.details, ...details });
  }
}

/** True for errors raised by ctlstore, also those from another copy of this module (a bundled reader). */
export function isCtlstoreError(error: unknown): error is CtlstoreError {
  return error instanceof Error && error.name === "CtlstoreError" && "code" in error;
}

/** What a caught value says: anything may be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Renders a value for an error message: quoted, cut at 80 characters, never a whole body. */
export function quote(value: unknown): string {
  let text: string;
  if (typeof value === "string") text = JSON.stringify(value);
  else if (value instanceof Uint8Array) text = `${value.length} bytes`;
  else if (typeof value === "bigint") text = value.toString();
  else if (typeof value === "object" && value !== null)
    text = Array.isArray(value) ? "an array" : "an object";
  else text = String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
