/**
 * The layout of an LDB: its files and its own tables. What a reader and a Reflector must agree on.
 *
 * Files (DIR is the Reflector's `--ldb`):
 *
 *     DIR/ldb.db                      what readers open: a symlink to the current generation, or, in the original's
 *                                     layout, the database itself
 *     DIR/generations/<id>/ldb.db     one generation, with its -wal and -shm beside it; `published` and `replaced-at`
 *                                     there are the Reflector's notes
 *     DIR/set-aside-<time>/           a damaged database, or a log without one, for an operator to look at
 *     DIR/bootstrap/                  what has come so far of a snapshot that is being fetched
 *     DIR/reflector.lock              held for life by the one process that writes here
 *
 * Tables: `_ldb_seq` and `_ldb_last_update` are the original's; `_ldb_meta` and `_ldb_skips` are ours, and an LDB
 * written by the original has neither (docs/ldb-format.md).
 */

export const LDB_FILE_NAME = "ldb.db";
export const GENERATIONS_FOLDER = "generations";
/** Beside a database in WAL mode: its write-ahead log, and the log's index. */
export const SIDE_FILES = ["-wal", "-shm"] as const;
export const LOCK_FILE_NAME = "reflector.lock";
/** Where the original's readers look, unless CTLSTORE_PATH names another folder (`--ldb` takes it too). */
export const DEFAULT_LDB_FOLDER = "/var/spool/ctlstore";

/** Goes up when a reader of the older layout could no longer read the newer one rightly. */
export const LDB_FORMAT_VERSION = 1;

/** `_ldb_meta.schema_version` of a generation that another one has replaced: readers go to the new one. */
export const SUPERSEDED = -1;

/** Creates the tables where they are missing; run inside a transaction. */
export const CREATE_LDB_TABLES: readonly string[] = [
  "CREATE TABLE IF NOT EXISTS _ldb_seq (id INTEGER PRIMARY KEY NOT NULL, seq BIGINT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS _ldb_last_update (name STRING PRIMARY KEY NOT NULL, timestamp DATETIME NOT NULL)",
  // One row, id 1. `schema_version` leads: readers fetch it with every row, as their proof that a cached statement
  // still fits. It goes up with each statement that changes tables. `hash_sequence` is where `hash` belongs: when it
  // is not `_ldb_seq.seq`, the original's Reflector has moved this LDB since.
  `CREATE TABLE IF NOT EXISTS _ldb_meta (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    schema_version INTEGER NOT NULL,
    format_version INTEGER NOT NULL,
    epoch TEXT,
    hash BLOB,
    hash_sequence INTEGER NOT NULL DEFAULT 0,
    ledger_timestamp_us INTEGER NOT NULL,
    applied_at_us INTEGER NOT NULL,
    unattested_through INTEGER NOT NULL
  )`,
  // Statements that an operator passed over on this LDB; kept for ever.
  `CREATE TABLE IF NOT EXISTS _ldb_skips (
    seq INTEGER PRIMARY KEY NOT NULL,
    statement TEXT NOT NULL,
    reason TEXT NOT NULL,
    skipped_at TEXT NOT NULL
  )`,
];
