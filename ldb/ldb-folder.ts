/**
 * Opens the LDB of a folder for writing, whatever state the folder is in; call with the writer lock held.
 *
 * Absent: an empty generation is made and published. A plain `ldb.db` is adopted as it is. Left-overs of a crash
 * between stage and flip go away, and so does a `-wal` whose database is gone (R17). Replaced generations go once
 * nobody holds them.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { CtlstoreError, quote } from "../core/errors.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { OnCrashPoint } from "./crash-points.ts";
import { onLdbFiles } from "./file-errors.ts";
import { currentLdb, publishGeneration, removeUnfinishedLinks, stageGeneration } from "./generations.ts";
import { LDB_FILE_NAME } from "./layout.ts";
import { OldGenerations } from "./old-generations.ts";
import { hasStaleWal, rememberFiles } from "./plain-files.ts";
import { ensureOwnTables } from "./position.ts";
import { setAsideWal } from "./set-aside.ts";
import { WritableDatabase } from "./writable-database.ts";

export interface OpenedLdb {
  readonly database: WritableDatabase;
  /** The database file itself, with links resolved. */
  readonly path: string;
  /** Null for an adopted plain file. */
  readonly generation: string | null;
}

export interface LdbFolderDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPoint: OnCrashPoint;
}

/** Creates the LDB's folder. @throws CtlstoreError `ldb_unavailable`, `ldb_disk_full` */
export function createLdbFolder(folder: string): void {
  onLdbFiles(`create the LDB folder ${quote(folder)}`, () => mkdirSync(folder, { recursive: true }));
}

/** @throws CtlstoreError `ldb_damaged`, `ldb_unavailable`, `ldb_disk_full` */
export function openLdbFolder(folder: string, deps: LdbFolderDeps): OpenedLdb {
  return onLdbFiles(`open the LDB in ${quote(folder)}`, () => openAsFound(folder, deps));
}

function openAsFound(folder: string, deps: LdbFolderDeps): OpenedLdb {
  removeUnfinishedLinks(folder);
  let current = currentLdb(folder);
  if (current.kind === "absent" || current.kind === "dangling") {
    // With the database gone, or elsewhere, a log in this place belongs to nothing.
    setAside(folder, join(folder, LDB_FILE_NAME), deps);
    publishEmptyGeneration(folder, deps);
    current = currentLdb(folder);
  }
  tidyUp(folder, deps);
  if (current.kind === "plain") return openPlain(folder, current.databasePath, deps);
  if (current.kind === "generation") return open(current.generation.databasePath, current.generation.id);
  throw new CtlstoreError(
    "ldb_unavailable",
    `Cannot open the LDB in ${quote(folder)}: it vanished meanwhile`,
  );
}

/** What is left of others harms nobody: it must not keep a Reflector from starting, and the next sweep tries again. */
function tidyUp(folder: string, deps: LdbFolderDeps): void {
  const others = new OldGenerations(folder, deps);
  try {
    others.removeLeftOvers();
    others.sweep();
  } catch (error) {
    deps.logger.warn({ err: error }, "old generations could not be looked at");
  }
}

function open(path: string, generation: string | null): OpenedLdb {
  const database = WritableDatabase.open(path);
  try {
    ensureOwnTables(database);
    return { database, path, generation };
  } catch (error) {
    database.close();
    throw error;
  }
}

function openPlain(folder: string, databasePath: string, deps: LdbFolderDeps): OpenedLdb {
  if (hasStaleWal(folder, databasePath)) setAside(folder, databasePath, deps);
  const ldb = open(databasePath, null);
  rememberFiles(folder, databasePath);
  return ldb;
}

function setAside(folder: string, databasePath: string, deps: LdbFolderDeps): void {
  const movedTo = setAsideWal(folder, databasePath, deps.clock.nowUs());
  if (movedTo !== null) deps.logger.warn({ movedTo }, "write-ahead log without its database set aside");
}

function publishEmptyGeneration(folder: string, deps: LdbFolderDeps): void {
  const generation = stageGeneration(folder, deps.clock.nowUs());
  using staged = WritableDatabase.open(generation.databasePath);
  ensureOwnTables(staged);
  staged.checkpoint("TRUNCATE");
  // Closed before it is published: fsync opens the file, which would drop the locks of an open connection.
  staged.close();
  publishGeneration(folder, generation, deps.onPoint);
}
