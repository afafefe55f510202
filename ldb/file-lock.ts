/**
 * A lock between processes that the kernel frees with its holder, also after SIGKILL: there is no stale one to clean.
 *
 * It is SQLite's RESERVED lock on an empty database, as in `writer-lock.ts`, for short work without a named holder.
 */
import { Database } from "bun:sqlite";
import { accessSync, constants } from "node:fs";

export class FileLock implements Disposable {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** Null while somebody holds it. @throws an error of SQLite or of the system when the file cannot be made, opened, written or locked */
  static tryAcquire(path: string): FileLock | null {
    const database = new Database(path, { create: true, readwrite: true, strict: true });
    try {
      // SQLite opens what may only be read, and then begins a transaction that locks nothing.
      accessSync(path, constants.W_OK);
      database.run("BEGIN IMMEDIATE");
      return new FileLock(database);
    } catch (error) {
      database.close();
      if (error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY"))
        return null;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
