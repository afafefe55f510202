/**
 * A lock between processes that the kernel frees with its holder, also after SIGKILL: there is no stale one to clean.
 *
 * It is SQLite's RESERVED lock on an empty database, as in `writer-lock.ts`, for short work without a named holder.
 */
import { Database } from "bun:sqlite";

export class FileLock implements Disposable {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** Null while somebody holds it. @throws SQLite's error when the file cannot be made, opened or locked */
  static tryAcquire(path: string): FileLock | null {
    const database = new Database(path, { create: true, readwrite: true, strict: true });
    try {
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
