/**
 * Whether anybody has a database open, in this process or in another, at work or idle.
 *
 * Every connection to a database in WAL mode holds a shared lock on its file for as long as it is open. Leaving that
 * mode takes the exclusive lock, so SQLite refuses it while there is any other connection, and disturbs none.
 */
import { Database } from "bun:sqlite";

/**
 * True while another connection has the database open. Where nobody has, the database is left without its -wal and in
 * rollback mode: only for one that is to be deleted next.
 * @throws SQLite's error when the database cannot be opened
 */
export function isHeld(databasePath: string): boolean {
  const database = new Database(databasePath, { create: false, readwrite: true, strict: true });
  try {
    // The event loop stands still meanwhile, and an answer of now is enough.
    database.run("PRAGMA busy_timeout = 0");
    const row = database.query<{ journal_mode: string }, []>("PRAGMA journal_mode = DELETE").get();
    return row?.journal_mode === "wal";
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && String(cause.code).startsWith("SQLITE_BUSY"))
      return true;
    throw cause;
  } finally {
    database.close();
  }
}
