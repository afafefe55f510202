/**
 * The ctldb's own tables in MySQL: those of the original, widened only by adding, and ours.
 *
 * Creating and widening is idempotent: a crash in the middle is mended by the next start.
 */
import { CtlstoreError } from "../../core/errors.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { ADDED_COLUMNS, type AddedColumn } from "../added-columns.ts";
import type { MysqlSession } from "./session.ts";

export const CTLDB_FORMAT_VERSION = 1;

const createTables = (collation: string): string[] =>
  [
    "families (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(191) NOT NULL UNIQUE)",
    `mutators (writer VARCHAR(191) NOT NULL PRIMARY KEY, secret VARCHAR(255) NOT NULL, cookie BLOB NOT NULL,
      clock BIGINT NOT NULL DEFAULT 0)`,
    `ctlstore_dml_ledger (seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, leader_ts DATETIME DEFAULT CURRENT_TIMESTAMP,
      statement MEDIUMTEXT NOT NULL)`,
    "locks (id VARCHAR(191) NOT NULL PRIMARY KEY, clock BIGINT NOT NULL DEFAULT 0)",
    `max_table_sizes (family_name VARCHAR(30) NOT NULL, table_name VARCHAR(50) NOT NULL,
      warn_size_bytes BIGINT NOT NULL DEFAULT 0, max_size_bytes BIGINT NOT NULL DEFAULT 0,
      PRIMARY KEY (family_name, table_name))`,
    "max_writer_rates (writer_name VARCHAR(50) NOT NULL PRIMARY KEY, max_rows_per_minute BIGINT NOT NULL)",
    `writer_usage (writer_name VARCHAR(50) NOT NULL, bucket BIGINT NOT NULL, amount BIGINT NOT NULL,
      PRIMARY KEY (writer_name, bucket))`,
    "ctlstore_meta (name VARCHAR(64) NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    `ctlstore_tables (family_name VARCHAR(30) NOT NULL, table_name VARCHAR(50) NOT NULL, definition MEDIUMTEXT NOT NULL,
      PRIMARY KEY (family_name, table_name))`,
    `ctlstore_operators (name VARCHAR(50) NOT NULL PRIMARY KEY, role VARCHAR(16) NOT NULL, token_hash VARCHAR(64) NOT NULL,
      created_us BIGINT NOT NULL, created_by VARCHAR(191) NOT NULL)`,
    `ctlstore_readers (family_name VARCHAR(30) NOT NULL, table_name VARCHAR(50) NOT NULL, reader VARCHAR(50) NOT NULL,
      contact VARCHAR(191) NULL, declared_us BIGINT NOT NULL, declared_by VARCHAR(191) NOT NULL,
      PRIMARY KEY (family_name, table_name, reader))`,
    `ctlstore_audit (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, entry_id VARCHAR(32) NOT NULL UNIQUE,
      at_us BIGINT NOT NULL, actor VARCHAR(191) NOT NULL, action VARCHAR(32) NOT NULL, target VARCHAR(191) NOT NULL,
      detail MEDIUMTEXT NULL, seq BIGINT NULL, KEY actor (actor), KEY action (action), KEY target (target))`,
    `ctlstore_table_states (family_name VARCHAR(30) NOT NULL, table_name VARCHAR(50) NOT NULL, state VARCHAR(8) NOT NULL,
      warn_size_bytes BIGINT NULL, max_size_bytes BIGINT NULL, token VARCHAR(32) NOT NULL,
      PRIMARY KEY (family_name, table_name))`,
    "ctlstore_schema_intents (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, schema_change MEDIUMTEXT NOT NULL)",
  ].map(
    (table) =>
      `CREATE TABLE IF NOT EXISTS ${table} ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=${collation}`,
  );

/** Columns that ours has beside the original's; nullable or with a default, so that the original's INSERTs go on working. */
const MYSQL_COLUMNS: readonly AddedColumn[] = [
  ["ctlstore_dml_ledger", "timestamp_us", "BIGINT NULL"],
  ["ctlstore_dml_ledger", "hash", "BINARY(32) NULL"],
  ["ctlstore_dml_ledger", "family_name", "VARCHAR(30) NULL"],
  ["ctlstore_dml_ledger", "table_name", "VARCHAR(50) NULL"],
  ["ctlstore_dml_ledger", "writer", "VARCHAR(191) NULL"],
  ["locks", "seq", "BIGINT NOT NULL DEFAULT 0"],
  ["locks", "hash", "BINARY(32) NULL"],
  ["locks", "schema_version", "BIGINT NOT NULL DEFAULT 0"],
  ...ADDED_COLUMNS,
];

/** Brings every table to today's form. */
export async function createSystemTables(session: MysqlSession): Promise<void> {
  await session.execute(createTables(session.server.collation).join(";"), "create the ctldb's tables");
  const widened = [...new Set(MYSQL_COLUMNS.map(([table]) => textLiteral(table)))].join(",");
  const columns = await session.select(
    `SELECT table_name, column_name, data_type FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name IN (${widened})`,
    "look at the ctldb's tables",
  );
  const types = new Map(
    columns.map(([table, column, type]) => [`${table}.${column}`, String(type).toLowerCase()]),
  );
  const changes = MYSQL_COLUMNS.filter(([table, column]) => !types.has(`${table}.${column}`)).map(
    ([table, column, declaration]) => `ALTER TABLE ${table} ADD COLUMN ${column} ${declaration}`,
  );
  if (types.get("ctlstore_dml_ledger.seq") === "int") {
    changes.push("ALTER TABLE ctlstore_dml_ledger MODIFY seq BIGINT NOT NULL AUTO_INCREMENT");
  }
  for (const change of changes)
    await session.execute(change, "widen the ctldb's tables", WIDENING_TIMEOUT_MS);
  await session.execute("INSERT IGNORE INTO locks (id, clock) VALUES ('ledger', 0)", "create the lock row");
}

/** The ledger of a large installation has millions of rows; widening its key rebuilds it once. */
const WIDENING_TIMEOUT_MS = 3_600_000;

export async function readMeta(session: MysqlSession): Promise<Map<string, string>> {
  const rows = await session.select("SELECT name, value FROM ctlstore_meta", "read the ctldb's identity");
  return new Map(rows.map(([name, value]) => [String(name), String(value)]));
}

export function metaStatements(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(
    ([name, value]) =>
      `REPLACE INTO ctlstore_meta (name, value) VALUES (${textLiteral(name)}, ${textLiteral(value)})`,
  );
}

/** @throws CtlstoreError `ctldb_incompatible` */
export function assertFormat(meta: ReadonlyMap<string, string>): void {
  const version = Number(meta.get("format_version") ?? CTLDB_FORMAT_VERSION);
  if (version <= CTLDB_FORMAT_VERSION) return;
  throw new CtlstoreError(
    "ctldb_incompatible",
    `Cannot open the ctldb: its format is ${version}; this ctlstore knows up to ${CTLDB_FORMAT_VERSION}`,
  );
}
