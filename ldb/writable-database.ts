/**
 * The read-write connection to an LDB, and the only file of the writing side that knows bun:sqlite.
 *
 * It turns the driver's errors into ctlstore's, by their code: whether a statement is at fault, the file, or the disk
 * decides what a Reflector does next.
 */
import { constants, Database, type SQLQueryBindings, type Statement } from "bun:sqlite";
import { statSync } from "node:fs";
import { CtlstoreError, type ErrorCode, messageOf, quote } from "../core/errors.ts";

export type DatabaseValue = null | number | bigint | string | Uint8Array;
export type DatabaseRow = Readonly<Record<string, DatabaseValue>>;

/** What SQLite says about the write-ahead log. */
export interface WalState {
  /** True when a reader or a writer kept the checkpoint from finishing. */
  readonly blocked: boolean;
  readonly frames: number;
  /** Frames that the database file has already. */
  readonly checkpointedFrames: number;
}

/** A compiled statement that takes values and returns no rows. */
export interface PreparedStatement {
  /** @throws CtlstoreError as `WritableDatabase.execute` does */
  run(values: DatabaseValue[]): void;
  finalize(): void;
}

export type CheckpointMode = "NOOP" | "PASSIVE" | "RESTART" | "TRUNCATE";

/** How long a statement waits for a lock that a stranger holds: the event loop stands still meanwhile. */
const BUSY_TIMEOUT_MS = 250;

export class WritableDatabase implements Disposable {
  readonly path: string;
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();
  #closed = false;

  private constructor(path: string, database: Database) {
    this.path = path;
    this.#database = database;
  }

  /**
   * Opens a database for writing in WAL mode, creating it when missing.
   * @throws CtlstoreError `ldb_damaged` when the file is no SQLite database, `ldb_unavailable`, `ldb_disk_full`
   */
  static open(path: string): WritableDatabase {
    let database: Database | undefined;
    try {
      // Every integer as bigint: sequences are 64-bit (R9).
      database = new Database(path, { create: true, readwrite: true, safeIntegers: true, strict: true });
      // NORMAL loses the last commits at a power cut and keeps the file whole: the ledger has them still (R12).
      // Checkpoints are the WAL keeper's alone.
      database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = NORMAL");
      database.run("PRAGMA wal_autocheckpoint = 0");
      database.run("SELECT count(*) FROM sqlite_master");
      // Without it a clean close deletes -wal and -shm, and readers on a read-only mount could no longer open (R16).
      database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
      return new WritableDatabase(path, database);
    } catch (cause) {
      database?.close();
      throw toLdbError(cause, `open the LDB ${quote(path)}`, "ldb_damaged");
    }
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  /**
   * Compiles, runs and frees one statement. Text after it would be run too: check that there is none before (I7).
   * @throws CtlstoreError `statement_refused` when the statement is at fault, `ldb_disk_full`, `ldb_unavailable`,
   *   `ldb_damaged`
   */
  execute(sql: string): void {
    try {
      this.#database.run(sql);
    } catch (cause) {
      throw toLdbError(cause, `apply ${quote(sql)}`, "statement_refused");
    }
  }

  /** Compiles a statement that is run often. @throws CtlstoreError as `execute` does */
  prepare(sql: string): PreparedStatement {
    const refused = (cause: unknown) => toLdbError(cause, `apply ${quote(sql)}`, "statement_refused");
    try {
      const statement = this.#database.prepare(sql);
      return {
        run(values) {
          try {
            statement.run(...values);
          } catch (cause) {
            throw refused(cause);
          }
        },
        finalize: () => statement.finalize(),
      };
    } catch (cause) {
      throw refused(cause);
    }
  }

  /** Runs one of our own statements, compiled once. */
  run(sql: string, ...parameters: readonly DatabaseValue[]): void {
    try {
      this.#prepared(sql).run(...bindings(parameters));
    } catch (cause) {
      throw toLdbError(cause, `run ${quote(sql)}`, "internal");
    }
  }

  /** The first row of one of our own statements; integers are bigints. */
  get(sql: string, ...parameters: readonly DatabaseValue[]): DatabaseRow | null {
    return this.all(sql, ...parameters)[0] ?? null;
  }

  all(sql: string, ...parameters: readonly DatabaseValue[]): readonly DatabaseRow[] {
    try {
      return this.#prepared(sql).all(...bindings(parameters)) as DatabaseRow[];
    } catch (cause) {
      throw toLdbError(cause, `run ${quote(sql)}`, "internal");
    }
  }

  /** Ends an open transaction without a trace; does nothing when SQLite has already done so by itself. */
  rollback(): void {
    if (this.#database.inTransaction) this.run("ROLLBACK");
  }

  /** @param busyTimeoutMs how long to wait for readers; only RESTART and TRUNCATE wait */
  checkpoint(mode: CheckpointMode, busyTimeoutMs = BUSY_TIMEOUT_MS): WalState {
    const waits = busyTimeoutMs !== BUSY_TIMEOUT_MS;
    if (waits) this.#database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    try {
      const row = this.get(`PRAGMA wal_checkpoint(${mode})`);
      return {
        blocked: Number(row?.["busy"] ?? 0) !== 0,
        frames: Number(row?.["log"] ?? 0),
        checkpointedFrames: Number(row?.["checkpointed"] ?? 0),
      };
    } finally {
      if (waits) this.#database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  /**
   * Size of the write-ahead log's file; 0 where that cannot be told. Only looked at: opening it would drop SQLite's locks.
   * Never throws: a status says it (R46), and a disk that fails is found out where something is read or written.
   */
  walBytes(): number {
    try {
      return statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    } catch {
      return 0;
    }
  }

  /** True when the path no longer leads to the file that this connection writes (R17). */
  hasMoved(): boolean {
    const answer = new Int32Array(2);
    this.#database.fileControl(constants.SQLITE_FCNTL_HAS_MOVED, answer);
    return answer[0] !== 0;
  }

  /**
   * Closes it, leaving -wal and -shm in place with nothing in the log where readers allow: a database that somebody
   * puts here later must not find old rows in it (R17).
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (!this.inTransaction) this.checkpoint("TRUNCATE");
    } catch {
      // A full disk or a damaged file: the log stays as it is, and SQLite reads it at the next opening.
    }
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** The driver's type wants mutable arrays. */
function bindings(parameters: readonly DatabaseValue[]): SQLQueryBindings[] {
  return [...parameters];
}

/** Codes of SQLite that say something about the file or the machine, not about the statement. */
const CODES_BY_PREFIX: ReadonlyArray<readonly [string, ErrorCode]> = [
  ["SQLITE_FULL", "ldb_disk_full"],
  ["SQLITE_CORRUPT", "ldb_damaged"],
  ["SQLITE_NOTADB", "ldb_damaged"],
  ["SQLITE_IOERR", "ldb_unavailable"],
  ["SQLITE_CANTOPEN", "ldb_unavailable"],
  ["SQLITE_READONLY", "ldb_unavailable"],
  ["SQLITE_PERM", "ldb_unavailable"],
  ["SQLITE_BUSY", "ldb_unavailable"],
  ["SQLITE_LOCKED", "ldb_unavailable"],
  ["SQLITE_PROTOCOL", "ldb_unavailable"],
  ["SQLITE_NOMEM", "ldb_unavailable"],
  ["SQLITE_NOLFS", "ldb_unavailable"],
  ["SQLITE_INTERRUPT", "ldb_unavailable"],
];

const HINTS: Partial<Record<ErrorCode, string>> = {
  ldb_disk_full: "Free space on the LDB's file system; the Reflector goes on by itself.",
  ldb_damaged:
    "Stop the Reflector, move the LDB's folder away and start again: it is rebuilt from the ledger.",
};

/** @param otherwise the code for an error that is neither the file's nor the machine's */
function toLdbError(cause: unknown, action: string, otherwise: ErrorCode): CtlstoreError {
  const text = messageOf(cause);
  const driverCode =
    cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const code = CODES_BY_PREFIX.find(([prefix]) => driverCode.startsWith(prefix))?.[1] ?? otherwise;
  const hint = HINTS[code];
  const message = `Cannot ${action}: ${text}${driverCode === "" ? "" : ` (${driverCode})`}`;
  return new CtlstoreError(code, message, hint === undefined ? { cause } : { cause, hint });
}
