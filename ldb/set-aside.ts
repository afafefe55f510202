/**
 * Files that must not be used any more and that an operator may want to look at: `DIR/set-aside-<time>/`.
 *
 * Of each kind, a damaged database and a log without its database, only the newest is kept (I13).
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { onLdbFiles } from "./file-errors.ts";
import { GENERATIONS_FOLDER, LDB_FILE_NAME, SIDE_FILES } from "./layout.ts";

const FOLDER_PREFIX = "set-aside-";

/**
 * Moves a generation's files out of `generations/`, and says where to; null when there is no such generation. Readers
 * that have it open keep it. Call with the generation closed in this process, and after another one has been
 * published: where `ldb.db` still points to it there is no LDB afterwards.
 * @throws CtlstoreError `ldb_unavailable`, `ldb_disk_full`
 */
export function setAsideGeneration(folder: string, id: string, nowUs: number): string | null {
  const source = join(folder, GENERATIONS_FOLDER, id);
  if (!existsSync(source)) return null;
  const aside = freshFolderName(folder, nowUs);
  onLdbFiles(`set generation ${id} aside`, () => {
    renameSync(source, aside);
    removeOlder(folder, aside);
  });
  return aside;
}

/**
 * Moves a database's `-wal` and `-shm` out of the way, into a new folder in the LDB's folder, and says which. Their
 * rows belong to no file any more. Null when there are none.
 */
export function setAsideWal(folder: string, databasePath: string, nowUs: number): string | null {
  const paths = SIDE_FILES.map((suffix) => `${databasePath}${suffix}`).filter(
    (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  );
  if (paths.length === 0) return null;
  const aside = freshFolderName(folder, nowUs);
  mkdirSync(aside);
  for (const path of paths) renameSync(path, join(aside, basename(path)));
  removeOlder(folder, aside);
  return aside;
}

/** Names sort by time; two of one millisecond get a number. */
function freshFolderName(folder: string, nowUs: number): string {
  const base = join(folder, `${FOLDER_PREFIX}${new Date(nowUs / 1000).toISOString().replace(/[-:.]/g, "")}`);
  for (let number = 1; ; number++) {
    const path = number === 1 ? base : `${base}-${number}`;
    if (!existsSync(path)) return path;
  }
}

function removeOlder(folder: string, newest: string): void {
  const hasDatabase = (path: string) => existsSync(join(path, LDB_FILE_NAME));
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!name.startsWith(FOLDER_PREFIX) || path === newest || hasDatabase(path) !== hasDatabase(newest))
      continue;
    rmSync(path, { recursive: true, force: true });
  }
}
