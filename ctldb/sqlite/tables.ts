/**
 * The tables of an embedded ctldb: those of the original with ours beside them, in SQLite.
 *
 * Column names are the same as in MySQL (docs/ledger-format.md), so that a ledger can be read alike from both.
 */
import type { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { CtlstoreError } from "../../core/errors.ts";
import { hashToHex } from "../../core/ledger/chain.ts";
import { ADDED_COLUMNS, type AddedColumn } from "../added-columns.ts";

export const CTLDB_FORMAT_VERSION = 1;

const CREATE_TABLES = `
  CREATE TABLE IF NOT EXISTS families (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(191) NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS mutators (
    writer VARCHAR(191) NOT NULL PRIMARY KEY, secret VARCHAR(255) NOT NULL, cookie BLOB NOT NULL,
    clock BIGINT NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS ctlstore_dml_ledger (
    seq INTEGER PRIMARY KEY, leader_ts DATETIME NOT NULL, statement MEDIUMTEXT NOT NULL, timestamp_us BIGINT,
    hash BLOB, family_name VARCHAR(30), table_name VARCHAR(50), writer VARCHAR(191)
  );
  CREATE TABLE IF NOT EXISTS locks (
    id VARCHAR(191) NOT NULL PRIMARY KEY, clock BIGINT NOT NULL DEFAULT 0, seq BIGINT NOT NULL, hash BLOB NOT NULL,
    schema_version BIGINT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS max_table_sizes (
    family_name VARCHAR(30) NOT NULL, table_name VARCHAR(50) NOT NULL, warn_size_bytes BIGINT NOT NULL DEFAULT 0,
    max_size_bytes BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (family_name, table_name)
  );
  CREATE TABLE IF NOT EXISTS max_writer_rates (
    writer_name VARCHAR(50) NOT NULL PRIMARY KEY, max_rows_per_minute BIGINT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS writer_usage (
    writer_name VARCHAR(50) NOT NULL, bucket BIGINT NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (writer_name, bucket)
  );
  CREATE TABLE IF NOT EXISTS ctlstore_meta (name VARCHAR(64) NOT NULL PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS ctlstore_tables (
    family_name VARCHAR(30) NOT NULL, table_name VARCHAR(50) NOT NULL, definition TEXT NOT NULL,
    PRIMARY KEY (family_name, table_name)
  );
  CREATE TABLE IF NOT EXISTS ctlstore_operators (
    name VARCHAR(50) NOT NULL PRIMARY KEY, role VARCHAR(16) NOT NULL, token_hash VARCHAR(64) NOT NULL,
    created_us BIGINT NOT NULL, created_by VARCHAR(191) NOT NULL
  );
  CREATE TABLE IF NOT EXISTS ctlstore_readers (
    family_name VARCHAR(30) NOT NULL, table_name VARCHAR(50) NOT NULL, reader VARCHAR(50) NOT NULL,
    contact VARCHAR(191) NULL, declared_us BIGINT NOT NULL, declared_by VARCHAR(191) NOT NULL,
    PRIMARY KEY (family_name, table_name, reader)
  );
  CREATE TABLE IF NOT EXISTS ctlstore_table_states (
    family_name VARCHAR(30) NOT NULL, table_name VARCHAR(50) NOT NULL, state VARCHAR(8) NOT NULL, warn_size_bytes BIGINT,
    max_size_bytes BIGINT, token VARCHAR(32) NOT NULL, PRIMARY KEY (family_name, table_name)
  );
  CREATE TABLE IF NOT EXISTS ctlstore_audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, entry_id VARCHAR(32) NOT NULL UNIQUE, at_us BIGINT NOT NULL,
    actor VARCHAR(191) NOT NULL, action VARCHAR(32) NOT NULL, target VARCHAR(191) NOT NULL, detail MEDIUMTEXT NULL,
    seq BIGINT NULL
  );
  CREATE INDEX IF NOT EXISTS ctlstore_audit_actor ON ctlstore_audit (actor);
  CREATE INDEX IF NOT EXISTS ctlstore_audit_action ON ctlstore_audit (action);
  CREATE INDEX IF NOT EXISTS ctlstore_audit_target ON ctlstore_audit (target);
`;

/** Creates what is missing, in one transaction. Returns the epoch. @throws CtlstoreError `ctldb_incompatible` */
export function initialise(db: Database): string {
  db.run("BEGIN IMMEDIATE");
  try {
    assertKnownFormat(db);
    for (const sql of CREATE_TABLES.split(";")) if (sql.trim() !== "") db.run(sql);
    for (const added of ADDED_COLUMNS) addColumn(db, added);
    const epoch = readMeta(db, "epoch") ?? begin(db);
    db.run("COMMIT");
    return epoch;
  } catch (error) {
    db.run("ROLLBACK");
    throw error;
  }
}

/** Before anything is changed: the tables of a newer ctlstore are not ours to widen. */
function assertKnownFormat(db: Database): void {
  const statement = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'ctlstore_meta'");
  const isThere = statement.get() !== null;
  statement.finalize();
  const version = isThere ? Number(readMeta(db, "format_version") ?? CTLDB_FORMAT_VERSION) : 0;
  if (version <= CTLDB_FORMAT_VERSION) return;
  throw new CtlstoreError(
    "ctldb_incompatible",
    `Cannot open the ctldb: its format is ${version}; this ctlstore knows up to ${CTLDB_FORMAT_VERSION}`,
  );
}

function addColumn(db: Database, [table, column, declaration]: AddedColumn): void {
  const statement = db.prepare<unknown, [string, string]>(
    "SELECT 1 FROM pragma_table_info(?) WHERE name = ?",
  );
  const isThere = statement.get(table, column) !== null;
  statement.finalize();
  if (!isThere) db.run(`ALTER TABLE ${table} ADD COLUMN ${column} ${declaration}`);
}

function begin(db: Database): string {
  const epoch = randomBytes(16).toString("hex");
  const origin = randomBytes(32);
  const insert = db.prepare("INSERT INTO ctlstore_meta (name, value) VALUES (?, ?)");
  insert.run("epoch", epoch);
  insert.run("origin", hashToHex(origin));
  insert.run("takeover_sequence", "0");
  insert.run("format_version", String(CTLDB_FORMAT_VERSION));
  insert.finalize();
  db.run("INSERT INTO locks (id, clock, seq, hash, schema_version) VALUES ('ledger', 0, 0, ?, 0)", [origin]);
  return epoch;
}

export function readMeta(db: Database, name: string): string | null {
  const statement = db.prepare<{ value: string }, [string]>("SELECT value FROM ctlstore_meta WHERE name = ?");
  try {
    return statement.get(name)?.value ?? null;
  } finally {
    statement.finalize();
  }
}
