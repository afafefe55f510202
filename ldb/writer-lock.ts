/**
 * One process writes an LDB (R17): `DIR/reflector.lock`, held for life.
 *
 * The file is a small SQLite database whose RESERVED lock stays taken by an open transaction: the kernel frees it
 * with the process, also after SIGKILL, so there is no stale lock to clean. Others may still read its one row, which
 * names the holder.
 */
import { Database } from "bun:sqlite";
import { hostname } from "node:os";
import { join } from "node:path";
import { CtlstoreError, messageOf, quote } from "../core/errors.ts";
import type { Clock } from "../core/process/clock.ts";
import { LOCK_FILE_NAME } from "./layout.ts";

/** What one process at a time writes. */
export interface Locked {
  /** Of the lock file. */
  readonly path: string;
  /** For messages, as in `the LDB in "/var/spool/ctlstore"`. */
  readonly what: string;
  /** What to do when another process has it. */
  readonly hint: string;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
  readonly token: string;
}

/** How long a start waits for the moment in which another one writes its row. */
const BUSY_TIMEOUT_MS = 200;
/** Rounds lost to another starter before giving up; each one means that somebody else has the lock just then. */
const MAX_ROUNDS = 20;

export class WriterLock implements Disposable {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** @throws CtlstoreError `ldb_locked` naming the holder, `ldb_unavailable` when the folder cannot be written, `ldb_disk_full` */
  static acquire(folder: string, clock: Clock): WriterLock {
    const locked: Locked = {
      path: join(folder, LOCK_FILE_NAME),
      what: `the LDB in ${quote(folder)}`,
      hint: "One Reflector writes one LDB folder: stop that one first, or use another folder.",
    };
    return WriterLock.acquireAt(locked, clock);
  }

  /** The same for something else that belongs to one process. */
  static acquireAt(locked: Locked, clock: Clock): WriterLock {
    const { path } = locked;
    const database = openLockFile(path);
    try {
      holdFor(database, {
        pid: process.pid,
        host: hostname(),
        since: new Date(clock.nowUs() / 1000).toISOString(),
        token: crypto.randomUUID(),
      });
      return new WriterLock(database);
    } catch (cause) {
      const error = isBusy(cause) ? lockedBy(locked, readHolder(database)) : unavailable(path, cause);
      database.close();
      throw error;
    }
  }

  release(): void {
    if (this.#database.inTransaction) this.#database.run("ROLLBACK");
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function openLockFile(path: string): Database {
  try {
    const database = new Database(path, { create: true, readwrite: true, strict: true });
    database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return database;
  } catch (cause) {
    throw unavailable(path, cause);
  }
}

/**
 * Leaves the database in a transaction that holds the lock, with our row committed before it. Writing the row lets the
 * lock go for a moment; whoever slips in then overwrites the row, and whoever finds another's row tries again.
 */
function holdFor(database: Database, holder: Holder): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    database.run("BEGIN IMMEDIATE");
    if (readHolder(database)?.token === holder.token) return;
    database.run(
      "CREATE TABLE IF NOT EXISTS holder (id INTEGER PRIMARY KEY, pid INTEGER, host TEXT, since TEXT, token TEXT)",
    );
    database.run("REPLACE INTO holder VALUES (1, ?, ?, ?, ?)", [
      holder.pid,
      holder.host,
      holder.since,
      holder.token,
    ]);
    database.run("COMMIT");
  }
  throw Object.assign(new Error("other processes kept taking the lock"), { code: "SQLITE_BUSY" });
}

/** The row, or null while there is none or it cannot be read just now. */
function readHolder(database: Database): Holder | null {
  try {
    return database.query<Holder, []>("SELECT pid, host, since, token FROM holder WHERE id = 1").get();
  } catch {
    // No table yet, or its writer is committing this moment: the error that follows does without the name.
    return null;
  }
}

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && String(cause.code).startsWith("SQLITE_BUSY");
}

function lockedBy({ what, hint }: Locked, holder: Holder | null): CtlstoreError {
  const who =
    holder === null ? "another process" : `process ${holder.pid} on ${holder.host}, since ${holder.since},`;
  return new CtlstoreError("ldb_locked", `Cannot write ${what}: ${who} writes it already`, { hint });
}

function unavailable(path: string, cause: unknown): CtlstoreError {
  const isFull = cause instanceof Error && "code" in cause && cause.code === "SQLITE_FULL";
  const reason = messageOf(cause);
  return new CtlstoreError(
    isFull ? "ldb_disk_full" : "ldb_unavailable",
    `Cannot lock ${quote(path)}: ${reason}`,
    {
      cause,
      hint: isFull
        ? "Free space on the LDB's file system."
        : "The folder must be writable, and the lock file must be one that ctlstore made.",
    },
  );
}
