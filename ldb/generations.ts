/**
 * Generations of an LDB and the pointer to the current one (R17).
 *
 * A database is staged in a fresh folder of its own and becomes current by one rename of the symlink `ldb.db`. Nothing
 * is ever renamed over a live database: a left-over `-wal` beside a replaced file makes SQLite serve the old rows.
 * Files are never opened here, but by SQLite, while that may have them open; folders are.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { quote } from "../core/errors.ts";
import type { OnCrashPoint } from "./crash-points.ts";
import { onLdbFiles } from "./file-errors.ts";
import { markPublished } from "./generation-marks.ts";
import { GENERATIONS_FOLDER, LDB_FILE_NAME } from "./layout.ts";
import { linkPlainDatabase } from "./plain-to-generation.ts";
import { WritableDatabase } from "./writable-database.ts";

/** The temporary link that becomes `ldb.db`. */
const NEXT_LINK_PREFIX = `.${LDB_FILE_NAME}.next-`;

export interface Generation {
  readonly id: string;
  readonly databasePath: string;
}

/** What `DIR/ldb.db` is at the moment. */
export type CurrentLdb =
  | { readonly kind: "absent" }
  /** A symlink whose target is gone: somebody deleted the database alone. */
  | { readonly kind: "dangling" }
  /** A database that is no generation: the original's layout, or an operator's own symlink. */
  | { readonly kind: "plain"; readonly databasePath: string }
  | { readonly kind: "generation"; readonly generation: Generation };

/** Looks at `DIR/ldb.db` without opening it. */
export function currentLdb(folder: string): CurrentLdb {
  // Given the file in place of its folder, lstat of what would be in it fails with ENOTDIR on Bun.
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return { kind: "absent" };
  const path = join(folder, LDB_FILE_NAME);
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return { kind: "absent" };
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return { kind: "dangling" };
  const databasePath = realpathSync(path);
  const generationFolder = dirname(databasePath);
  const isGeneration =
    entry.isSymbolicLink() && dirname(generationFolder) === join(realpathSync(folder), GENERATIONS_FOLDER);
  if (!isGeneration) return { kind: "plain", databasePath };
  return { kind: "generation", generation: { id: basename(generationFolder), databasePath } };
}

/**
 * Makes a fresh folder for a new database. Until it is published it is a left-over that the next start removes.
 * @throws CtlstoreError `ldb_disk_full`, `ldb_unavailable`
 */
export function stageGeneration(folder: string, nowUs: number): Generation {
  const time = new Date(nowUs / 1000).toISOString().replace(/[-:.]/g, "");
  const id = `${time}-${randomBytes(4).toString("hex")}`;
  const generationFolder = join(folder, GENERATIONS_FOLDER, id);
  onLdbFiles(`make a folder for a generation in ${quote(folder)}`, () =>
    mkdirSync(generationFolder, { recursive: true }),
  );
  return { id, databasePath: join(generationFolder, LDB_FILE_NAME) };
}

/**
 * Makes a staged generation the current one, durably. Its database must be complete, and closed in this process: fsync
 * opens the file, which would drop the locks of an open connection.
 *
 * A plain `DIR/ldb.db` becomes a generation too, the replaced one; an operator's own symlink is replaced, and the
 * database that it led to stays where it is. The connection that wrote the old database may be open or closed. Sweep
 * the old generations next (`OldGenerations`), so that their readers are told.
 * @returns the generation that was current until now; null when there was none
 * @throws CtlstoreError `ldb_disk_full`, `ldb_unavailable`, `ldb_damaged`
 */
export function publishGeneration(
  folder: string,
  generation: Generation,
  onPoint: OnCrashPoint,
): string | null {
  const action = `publish generation ${generation.id} in ${quote(folder)}`;
  return onLdbFiles(action, () => publish(folder, generation, onPoint));
}

function publish(folder: string, generation: Generation, onPoint: OnCrashPoint): string | null {
  const path = join(folder, LDB_FILE_NAME);
  // Leaves an empty -wal and -shm: readers on a read-only mount cannot make them, should no writer come after us (R16).
  WritableDatabase.open(generation.databasePath).close();
  syncPath(generation.databasePath);
  const replaced = keepReplaced(folder, generation);
  markPublished(dirname(generation.databasePath));
  syncPath(dirname(generation.databasePath));
  syncPath(join(folder, GENERATIONS_FOLDER));
  const nextLink = join(folder, `${NEXT_LINK_PREFIX}${generation.id}`);
  symlinkSync(join(GENERATIONS_FOLDER, generation.id, LDB_FILE_NAME), nextLink);
  onPoint("during-flip");
  renameSync(nextLink, path);
  syncPath(folder);
  return replaced;
}

/** Sees to it that what is current stays whole under a generation's name, and is known to have been published. */
function keepReplaced(folder: string, next: Generation): string | null {
  const current = currentLdb(folder);
  if (current.kind === "absent" || current.kind === "dangling") return null;
  if (current.kind === "plain" && lstatSync(join(folder, LDB_FILE_NAME)).isSymbolicLink()) return null;
  const id = current.kind === "generation" ? current.generation.id : `plain-before-${next.id}`;
  if (current.kind === "plain") linkPlainDatabase(folder, id);
  const replacedFolder = join(folder, GENERATIONS_FOLDER, id);
  markPublished(replacedFolder);
  syncPath(replacedFolder);
  return id;
}

/** Generations that `ldb.db` does not point to: replaced ones, and what a crash left behind. */
export function otherGenerations(folder: string): readonly Generation[] {
  const current = currentLdb(folder);
  const currentId = current.kind === "generation" ? current.generation.id : null;
  return namesIn(join(folder, GENERATIONS_FOLDER))
    .filter((id) => id !== currentId)
    .map((id) => ({ id, databasePath: join(folder, GENERATIONS_FOLDER, id, LDB_FILE_NAME) }));
}

/** Deletes a generation's files. Readers that have them open keep reading them: mark it superseded first. */
export function removeGeneration(folder: string, id: string): void {
  rmSync(join(folder, GENERATIONS_FOLDER, id), { recursive: true, force: true });
}

/** Deletes links that a crash left between making and renaming them. */
export function removeUnfinishedLinks(folder: string): void {
  for (const name of namesIn(folder)) {
    if (name.startsWith(NEXT_LINK_PREFIX)) rmSync(join(folder, name), { force: true });
  }
}

function namesIn(folder: string): readonly string[] {
  return statSync(folder, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(folder);
}

/** fsync of a file or a folder. */
function syncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
