/**
 * Where an LDB stands: read when it is opened, written inside the transaction that applies statements (I4).
 *
 * `_ldb_seq` and `_ldb_last_update` are the original's and say how far the rows are; `_ldb_meta` is ours and says the
 * rest. When the two disagree the original's Reflector has moved this LDB: the hash is then unknown, not wrong.
 */
import { CtlstoreError } from "../core/errors.ts";
import { formatLastUpdate, parseTimestampUs } from "../core/ledger/timestamps.ts";
import { SEQUENCE_ZERO, type Sequence, toSequence } from "../core/sequence.ts";
import { CREATE_LDB_TABLES, LDB_FORMAT_VERSION, SUPERSEDED } from "./layout.ts";
import type { DatabaseRow, WritableDatabase } from "./writable-database.ts";

export interface LdbPosition {
  /** The last ledger entry whose effect is in the rows; 0 in an LDB that was never filled. */
  readonly sequence: Sequence;
  /** The chain's link at `sequence`; null when it is not known: adopted from the original, or nothing applied yet. */
  readonly hash: Uint8Array | null;
  /** The ctldb that this LDB follows; null until its chain has been seen to fit. */
  readonly epoch: string | null;
  /** When the entry at `sequence` was written, in microseconds since 1970; 0 when nothing was applied. */
  readonly ledgerTimestampUs: number;
  readonly appliedAtUs: number;
  readonly schemaVersion: number;
  /** The last entry that was applied without a hash in the ledger to check it against; 0 for none. */
  readonly unattestedThrough: Sequence;
}

/** A statement that an operator allowed this LDB to pass over. */
export interface LdbSkip {
  readonly sequence: Sequence;
  /** The statement passed over; null while the Reflector has not come to it. */
  readonly statement: string | null;
  readonly reason: string;
  /** When the operator allowed it, ISO 8601. */
  readonly skippedAt: string;
}

/** Creates the LDB's own tables and rows where they are missing. */
export function ensureOwnTables(database: WritableDatabase): void {
  database.run("BEGIN IMMEDIATE");
  try {
    for (const statement of CREATE_LDB_TABLES) database.run(statement);
    addHashSequence(database);
    database.run("INSERT OR IGNORE INTO _ldb_seq (id, seq) VALUES (1, 0)");
    if (database.get("SELECT id FROM _ldb_meta WHERE id = 1") === null) insertMeta(database);
    database.run("COMMIT");
  } finally {
    database.rollback();
  }
}

/** An LDB filled by someone else is unattested as far as it goes. */
function insertMeta(database: WritableDatabase): void {
  const sequence = readSequence(database);
  const update = database.get("SELECT timestamp FROM _ldb_last_update WHERE name = 'ledger'");
  const timestampUs = parseTimestampUs(String(update?.["timestamp"] ?? "")) ?? 0;
  database.run(
    `INSERT INTO _ldb_meta (id, schema_version, format_version, epoch, hash, hash_sequence, ledger_timestamp_us,
       applied_at_us, unattested_through) VALUES (1, 1, ?, NULL, NULL, 0, ?, 0, ?)`,
    LDB_FORMAT_VERSION,
    timestampUs,
    sequence,
  );
}

/** The column came after the table's first form. */
function addHashSequence(database: WritableDatabase): void {
  const columns = database.all("PRAGMA table_info(_ldb_meta)");
  if (columns.some((column) => column["name"] === "hash_sequence")) return;
  database.run("ALTER TABLE _ldb_meta ADD COLUMN hash_sequence INTEGER NOT NULL DEFAULT 0");
}

/** The sequence alone, as every reader sees it. */
export function readSequence(database: WritableDatabase): Sequence {
  const row = database.get("SELECT seq FROM _ldb_seq WHERE id = 1");
  return row === null ? SEQUENCE_ZERO : toSequence(integer(row, "seq"));
}

/**
 * Reads the position.
 * @throws CtlstoreError `ldb_incompatible` when a newer ctlstore wrote it, `ldb_damaged` when it cannot be right
 */
export function readPosition(database: WritableDatabase): LdbPosition {
  const sequence = readSequence(database);
  const row = database.get("SELECT * FROM _ldb_meta WHERE id = 1");
  if (row === null)
    throw new CtlstoreError("ldb_damaged", "Cannot read the LDB's position: _ldb_meta is empty");
  const formatVersion = Number(row["format_version"]);
  if (formatVersion > LDB_FORMAT_VERSION) {
    throw new CtlstoreError(
      "ldb_incompatible",
      `Cannot write the LDB: it has format ${formatVersion}; this version writes format ${LDB_FORMAT_VERSION}`,
      { hint: "Run the newer ctlstore again, or start with an empty LDB folder." },
    );
  }
  if (Number(row["schema_version"]) === SUPERSEDED) {
    throw new CtlstoreError(
      "ldb_damaged",
      "Cannot write the LDB: this generation was replaced by another one",
      {
        hint: "Point ldb.db to the newest generation, or start with an empty LDB folder.",
      },
    );
  }
  return toPosition(row, sequence);
}

function toPosition(row: DatabaseRow, sequence: Sequence): LdbPosition {
  const hash = row["hash"];
  const epoch = row["epoch"];
  const movedByAnother = toSequence(integer(row, "hash_sequence")) !== sequence;
  const unattestedThrough = toSequence(integer(row, "unattested_through"));
  return {
    sequence,
    hash: hash instanceof Uint8Array && !movedByAnother ? hash : null,
    epoch: typeof epoch === "string" ? epoch : null,
    ledgerTimestampUs: Number(row["ledger_timestamp_us"]),
    appliedAtUs: Number(row["applied_at_us"]),
    // Whoever moved it may have changed tables too, without telling our readers.
    schemaVersion: Number(row["schema_version"]) + (movedByAnother ? 1 : 0),
    unattestedThrough: movedByAnother ? sequence : unattestedThrough,
  };
}

function integer(row: DatabaseRow, column: string): bigint {
  const value = row[column];
  if (typeof value === "bigint") return value;
  throw new CtlstoreError("ldb_damaged", `Cannot read the LDB's position: ${column} is not an integer`);
}

/** Writes the position; call inside the transaction that applies what it stands for (I4). */
export function writePosition(database: WritableDatabase, position: LdbPosition): void {
  database.run("UPDATE _ldb_seq SET seq = ? WHERE id = 1", position.sequence);
  database.run(
    "REPLACE INTO _ldb_last_update (name, timestamp) VALUES ('ledger', ?)",
    formatLastUpdate(position.ledgerTimestampUs),
  );
  database.run(
    `UPDATE _ldb_meta SET schema_version = ?, epoch = ?, hash = ?, hash_sequence = ?, ledger_timestamp_us = ?,
       applied_at_us = ?, unattested_through = ? WHERE id = 1`,
    position.schemaVersion,
    position.epoch,
    position.hash,
    position.sequence,
    position.ledgerTimestampUs,
    position.appliedAtUs,
    position.unattestedThrough,
  );
}

/** All permissions to pass over a statement, in sequence order. */
export function readSkips(database: WritableDatabase): readonly LdbSkip[] {
  return database
    .all("SELECT seq, statement, reason, skipped_at FROM _ldb_skips ORDER BY seq")
    .map((row) => ({
      sequence: toSequence(integer(row, "seq")),
      statement: row["statement"] === "" ? null : String(row["statement"]),
      reason: String(row["reason"]),
      skippedAt: String(row["skipped_at"]),
    }));
}

/** Records the permission to pass over an entry; the first one stands. */
export function allowSkip(database: WritableDatabase, skip: Omit<LdbSkip, "statement">): void {
  database.run(
    "INSERT OR IGNORE INTO _ldb_skips (seq, statement, reason, skipped_at) VALUES (?, '', ?, ?)",
    skip.sequence,
    skip.reason,
    skip.skippedAt,
  );
}

/** Records what was passed over; call inside the transaction that moves the sequence over it. */
export function recordSkipped(database: WritableDatabase, sequence: Sequence, statement: string): void {
  database.run("UPDATE _ldb_skips SET statement = ? WHERE seq = ?", statement, sequence);
}

/** Tells readers of a generation that another one has taken its place. */
export function markSuperseded(database: WritableDatabase): void {
  database.run("UPDATE _ldb_meta SET schema_version = ? WHERE id = 1", SUPERSEDED);
}
