/**
 * One committed state of an LDB, with its rows as they are stored. Read-only, beside the Reflector that writes it.
 *
 * It holds one read transaction, which pins the LDB's write-ahead log: views are short.
 */
import { realpathSync, statSync } from "node:fs";
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../core/errors.ts";
import { type FieldType, fieldTypeFromSqlite } from "../core/field-types.ts";
import { splitLdbTableName } from "../core/names.ts";
import { type Sequence, toSequence } from "../core/sequence.ts";
import {
  type Cell,
  type ReadManner,
  type RowSelection,
  StoredRowReader,
  selectStoredRows,
} from "../core/sql/stored-rows.ts";
import type { LdbConnection, LdbRow } from "./connection.ts";
import { bunDriver } from "./drivers/bun.ts";
import { currentLdb } from "./generations.ts";
import { LDB_FORMAT_VERSION, SUPERSEDED } from "./layout.ts";

export interface LdbTable {
  /** `family___table` */
  readonly name: string;
  /** The type, or what is declared where ctlstore has no such type. */
  readonly fields: ReadonlyArray<{ readonly name: string; readonly type: FieldType | string }>;
  readonly keyFields: readonly string[];
}

/** SQLite waits so long for a lock that a Reflector holds while it recovers. */
const BUSY_TIMEOUT_MS = 5_000;

export class LdbView implements Disposable {
  readonly sequence: Sequence;
  /** Null in an LDB of the original that no ledger of ours has been followed with yet. */
  readonly epoch: string | null;
  /** The chain's link at `sequence`; null where it is not known. */
  readonly hash: Uint8Array | null;
  /** When the entry at `sequence` was written, in microseconds since 1970; 0 where that is not known. */
  readonly ledgerTimestampUs: number;
  /** The last entry that was applied without a hash to check it against; 0 for none. */
  readonly unattestedThrough: Sequence;
  /** Of the LDB's layout; 0 in an LDB of the original. */
  readonly formatVersion: number;
  /** True in a generation that another one has replaced. */
  readonly isSuperseded: boolean;
  /** Ledger entries that an operator allowed this LDB to pass over. */
  readonly skips: number;
  readonly tables: readonly LdbTable[];
  readonly #connection: LdbConnection;

  private constructor(connection: LdbConnection) {
    this.#connection = connection;
    connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; BEGIN`);
    this.sequence = this.#readSequence();
    const meta = this.#readMeta();
    this.epoch = typeof meta?.["epoch"] === "string" ? meta["epoch"] : null;
    const isHashOfSequence = meta?.["hash_sequence"] === this.sequence;
    this.hash = isHashOfSequence && meta["hash"] instanceof Uint8Array ? meta["hash"] : null;
    this.ledgerTimestampUs = Number(meta?.["ledger_timestamp_us"] ?? 0);
    this.unattestedThrough = toSequence((meta?.["unattested_through"] as bigint | undefined) ?? 0n);
    this.formatVersion = Number(meta?.["format_version"] ?? 0);
    this.isSuperseded = Number(meta?.["schema_version"] ?? 0) === SUPERSEDED;
    this.skips = this.#has("_ldb_skips")
      ? Number(this.#get("SELECT count(*) AS n FROM _ldb_skips")?.["n"])
      : 0;
    this.tables = this.#readTables();
  }

  /**
   * @param path an LDB's folder, or a database by itself, such as one that was copied from another host
   * @throws CtlstoreError `ldb_not_found`, `ldb_empty`, `ldb_damaged`, `ldb_incompatible`
   */
  static open(path: string): LdbView {
    const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
    return LdbView.openFile(isFile ? realpathSync(path) : databasePath(path));
  }

  /** Opens the database itself. @throws CtlstoreError `ldb_empty`, `ldb_damaged`, `ldb_incompatible` */
  static openFile(path: string): LdbView {
    let connection: LdbConnection | null = null;
    try {
      connection = bunDriver.open(path);
      return new LdbView(connection);
    } catch (cause) {
      connection?.close();
      if (isCtlstoreError(cause)) throw cause;
      throw readFailure(`open the LDB ${quote(path)}`, cause);
    }
  }

  /**
   * The rows of a table, each in an array that is used again for the next.
   * @throws CtlstoreError `ldb_damaged`
   */
  *rows(selection: RowSelection, manner: ReadManner): Generator<readonly Cell[], void> {
    const statement = this.#connection.prepare(selectStoredRows(selection, manner), true);
    try {
      const reader = new StoredRowReader(selection.fields.length, manner.exactText);
      for (const row of statement.iterate()) yield reader.cells(row);
    } catch (cause) {
      if (isCtlstoreError(cause)) throw cause;
      throw readFailure(`read table ${selection.table} of the LDB`, cause);
    } finally {
      statement.finalize();
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  #readSequence(): Sequence {
    const row = this.#has("_ldb_seq") ? this.#get("SELECT seq FROM _ldb_seq WHERE id = 1") : undefined;
    if (row === undefined) {
      throw new CtlstoreError("ldb_empty", "Cannot read the LDB: it was never filled");
    }
    return toSequence(row["seq"] as bigint);
  }

  /** Undefined in an LDB of the original. */
  #readMeta(): LdbRow | undefined {
    if (!this.#has("_ldb_meta")) return undefined;
    const meta = this.#get("SELECT * FROM _ldb_meta WHERE id = 1");
    const format = Number(meta?.["format_version"] ?? 0);
    if (format <= LDB_FORMAT_VERSION) return meta;
    throw new CtlstoreError(
      "ldb_incompatible",
      `Cannot read the LDB: its format is ${format}; this ctlstore knows up to ${LDB_FORMAT_VERSION}`,
    );
  }

  #readTables(): LdbTable[] {
    return this.#all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .map((row) => String(row["name"]))
      .filter((name) => splitLdbTableName(name) !== null)
      .map((name) => this.#readTable(name));
  }

  #readTable(name: string): LdbTable {
    const columns = this.#all("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid", name);
    const key = columns
      .filter((column) => Number(column["pk"]) > 0)
      .sort((a, b) => Number(a["pk"]) - Number(b["pk"]));
    return {
      name,
      fields: columns.map((column) => {
        const declared = String(column["type"]);
        return { name: String(column["name"]), type: fieldTypeFromSqlite(declared) ?? declared };
      }),
      keyFields: key.map((column) => String(column["name"])),
    };
  }

  #has(table: string): boolean {
    return this.#get("SELECT 1 AS found FROM sqlite_schema WHERE name = ?", table) !== undefined;
  }

  #get(sql: string, ...parameters: string[]): LdbRow | undefined {
    return this.#all(sql, ...parameters)[0];
  }

  #all(sql: string, ...parameters: string[]): LdbRow[] {
    const statement = this.#connection.prepare(sql, true);
    try {
      return statement.all(...parameters);
    } finally {
      statement.finalize();
    }
  }
}

function databasePath(folder: string): string {
  const current = currentLdb(folder);
  if (current.kind === "plain") return current.databasePath;
  if (current.kind === "generation") return current.generation.databasePath;
  throw new CtlstoreError("ldb_not_found", `Cannot find an LDB in ${quote(folder)}`, {
    hint: "Name the folder that the Reflector was given with --ldb.",
  });
}

function readFailure(action: string, cause: unknown): CtlstoreError {
  const reason = messageOf(cause);
  return new CtlstoreError("ldb_damaged", `Cannot ${action}: ${reason}`, { cause });
}
