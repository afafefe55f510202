/**
 * Turns a plain `DIR/ldb.db` into a generation like any other, so that another one can take its place (R17).
 *
 * The file is linked a second time, with its log, into a generation's folder: the inode stays, so whoever has it open
 * reads on, and the rename that makes `ldb.db` a symlink takes away only the first name. Before that rename the plain
 * file is the LDB, after it the new generation is, and at no moment is there none.
 *
 * The names `ldb.db-wal` and `ldb.db-shm` stay beside the new symlink for a while: a reader that had opened the
 * database and not yet its log finds the right one by them. SQLite resolves the symlink, so they are never taken for
 * the log of the new generation.
 */
import { linkSync, mkdirSync, rmSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import { GENERATIONS_FOLDER, LDB_FILE_NAME, SIDE_FILES } from "./layout.ts";
import { setAsideWal } from "./set-aside.ts";
import { WritableDatabase } from "./writable-database.ts";

/** Links the plain `DIR/ldb.db` into a new generation's folder; `DIR/ldb.db` stays as it is. */
export function linkPlainDatabase(folder: string, id: string): void {
  const path = join(folder, LDB_FILE_NAME);
  const generationFolder = join(folder, GENERATIONS_FOLDER, id);
  mkdirSync(generationFolder, { recursive: true });
  // While a connection is open the log has its files, and nobody's closing deletes them: a reader would make others.
  const connection = openIfSound(path);
  try {
    for (const suffix of ["", ...SIDE_FILES]) {
      if (statOf(`${path}${suffix}`) === undefined) continue;
      linkSync(`${path}${suffix}`, join(generationFolder, `${LDB_FILE_NAME}${suffix}`));
    }
  } finally {
    connection?.close();
  }
}

/** A damaged file has no log worth keeping together with it. */
function openIfSound(path: string): WritableDatabase | null {
  try {
    return WritableDatabase.open(path);
  } catch {
    return null;
  }
}

/**
 * Takes away the log that a plain database left beside what is now a symlink: a second name of a generation's log is
 * dropped, anything else is set aside.
 * @param others databases of the generations that were replaced
 */
export function removePlainSideFiles(
  folder: string,
  others: readonly string[],
  deps: { readonly logger: Logger; readonly clock: Clock },
): void {
  const path = join(folder, LDB_FILE_NAME);
  for (const suffix of SIDE_FILES) {
    const stats = statOf(`${path}${suffix}`);
    if (stats === undefined) continue;
    const isKept = others.some((databasePath) => {
      const linked = statOf(`${databasePath}${suffix}`);
      return linked?.dev === stats.dev && linked.ino === stats.ino;
    });
    if (isKept || (suffix === "-shm" && statOf(`${path}-wal`) === undefined)) rmSync(`${path}${suffix}`);
  }
  const movedTo = setAsideWal(folder, path, deps.clock.nowUs());
  if (movedTo !== null) deps.logger.warn({ movedTo }, "write-ahead log of a replaced database set aside");
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
