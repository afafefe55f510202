/**
 * Sees that a plain `ldb.db` was replaced while its old write-ahead log stayed (R17).
 *
 * A generation has a folder of its own and needs none of this. Beside a plain file SQLite would mix the rows of the old
 * log into the new database and call it sound. So the identity of both files is kept in `DIR/ldb.files`: a new
 * database with the old log beside it is a stale log. A file that was overwritten in place keeps its identity; that
 * cannot be seen.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILES_NAME = "ldb.files";

interface KnownFiles {
  readonly database: string | null;
  readonly wal: string | null;
}

/** Device, number and birth of a file: numbers alone are used again at once. */
function identityOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}:${found.birthtimeNs}`;
}

function filesOf(databasePath: string): KnownFiles {
  return { database: identityOf(databasePath), wal: identityOf(`${databasePath}-wal`) };
}

function knownFiles(folder: string): KnownFiles | null {
  try {
    // Our own file; anything else in it compares as different and changes nothing.
    return JSON.parse(readFileSync(join(folder, FILES_NAME), "utf8")) as KnownFiles;
  } catch {
    return null;
  }
}

/** True when the log beside the database was written for another file; call before opening it. */
export function hasStaleWal(folder: string, databasePath: string): boolean {
  const known = knownFiles(folder);
  const now = filesOf(databasePath);
  return known !== null && now.wal !== null && now.wal === known.wal && now.database !== known.database;
}

/** Remembers both files; call with the database open. They are looked at, never opened. */
export function rememberFiles(folder: string, databasePath: string): void {
  const path = join(folder, FILES_NAME);
  writeFileSync(`${path}.next`, `${JSON.stringify(filesOf(databasePath))}\n`);
  renameSync(`${path}.next`, path);
}
