/** Whether a changelog may be at a path, said before anything is written there; and that only one process writes it. */
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { CHANGELOG_FILE_NAME, rotatedChangelogPath } from "../../core/changelog/format.ts";
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../../core/errors.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { onLdbFiles } from "../../ldb/file-errors.ts";
import { WriterLock } from "../../ldb/writer-lock.ts";
import { allFiles, findFile, lockPath, rotatedFiles } from "./changelog-files.ts";

/** A path that cannot be written, whatever is waited for. */
const WRONG_PLACE = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "EISDIR",
  "ENOTDIR",
  "EEXIST",
  "ELOOP",
  "ENAMETOOLONG",
  "SQLITE_CANTOPEN",
  "SQLITE_READONLY",
]);
/** What a changelog begins with, of ours or of the original; and a file that a power cut left without its bytes. */
const FIRST_BYTES = new Set([0x7b /* { */, 0x00]);

/**
 * Opens files of the changelog for the first time.
 * @throws CtlstoreError `config_invalid` where the path is at fault, `ldb_disk_full`, `ldb_unavailable`
 */
export function onChangelogOpen<Result>(path: string, work: () => Result): Result {
  try {
    return onLdbFiles(`open the changelog ${quote(path)}`, work);
  } catch (error) {
    const cause = isCtlstoreError(error) ? error.details.cause : null;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    throw WRONG_PLACE.has(code) ? unusable(path, messageOf(cause)) : error;
  }
}

/**
 * Takes the place for this process, making its folder where that is missing: two Reflectors would take one another's lines
 * away, and consumers be told of the changes of another LDB.
 * @throws CtlstoreError `config_invalid` when it cannot be one, or somebody else's files are there; `ldb_locked` naming
 *   who has it; `ldb_unavailable`, `ldb_disk_full`
 */
export function lockChangelog(path: string, clock: Clock): WriterLock {
  const locked = {
    path: lockPath(path),
    what: `the changelog ${quote(path)}`,
    hint: "Each Reflector keeps a changelog of its own: stop the other one, or name another file.",
  };
  return onChangelogOpen(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    checkFiles(path);
    return WriterLock.acquireAt(locked, clock);
  });
}

/** @throws CtlstoreError `config_invalid` when something is there that is not a changelog's to write and remove */
function checkFiles(path: string): void {
  for (const file of allFiles(path)) {
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (!found.isFile()) throw unusable(path, `${quote(file)} is no file`);
    if (found.size > 0 && !FIRST_BYTES.has(firstByteOf(file)))
      throw unusable(path, `${quote(file)} is no file of a changelog`);
  }
}

function firstByteOf(path: string): number {
  const descriptor = openSync(path, "r");
  try {
    const byte = Buffer.alloc(1);
    readSync(descriptor, byte, 0, 1, 0);
    return byte[0] ?? 0;
  } finally {
    closeSync(descriptor);
  }
}

function unusable(path: string, reason: string): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot write the changelog ${quote(path)}: ${reason}`, {
    hint: "Name a file of its own, in a folder where this user may make, rename and remove files.",
  });
}

/**
 * Removes the changelog in an LDB's folder that an earlier run kept there and this one does not: the LDB goes on without
 * it, and who follows it must not take its silence for "nothing changed". Never throws.
 * @param writtenPath where this run writes one; null for nowhere
 */
export function removeStaleChangelog(
  ldbFolder: string,
  writtenPath: string | null,
  { logger, clock }: { readonly logger: Logger; readonly clock: Clock },
): void {
  const path = resolve(ldbFolder, CHANGELOG_FILE_NAME);
  try {
    if (!isChangelog(path) || (writtenPath !== null && isSamePlace(path, writtenPath))) return;
    using _lock = lockChangelog(path, clock);
    for (const file of [...allFiles(path), lockPath(path)]) rmSync(file, { force: true });
    logger.warn({ path }, "changelog of an earlier run removed: this run does not write it");
  } catch (error) {
    logger.error({ err: error, path }, "changelog of an earlier run is out of date and cannot be removed");
  }
}

/** Also one whose newest file is missing, since a kill came into the middle of beginning the next one. */
function isChangelog(path: string): boolean {
  const last = rotatedFiles(path).at(-1);
  return (
    findFile(path) !== null || (last !== undefined && findFile(rotatedChangelogPath(path, last)) !== null)
  );
}

/** However the folder is named. */
function isSamePlace(one: string, other: string): boolean {
  if (one === other) return true;
  if (basename(one) !== basename(other) || !existsSync(dirname(other))) return false;
  return realpathSync(dirname(one)) === realpathSync(dirname(other));
}
