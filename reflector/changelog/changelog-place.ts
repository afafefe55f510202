/** Whether a changelog may be at a path, said before anything is written there. */
import { closeSync, lstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CHANGELOG_FILE_NAME } from "../../core/changelog/format.ts";
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../../core/errors.ts";
import type { Logger } from "../../core/process/logger.ts";
import { onLdbFiles } from "../../ldb/file-errors.ts";
import { findFile, removeChangelog } from "./changelog-files.ts";

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

/** Makes its folder where that is missing. @throws CtlstoreError `config_invalid`, or an error of the system */
export function checkPlace(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.size === 0) return;
  if (!found.isFile()) throw unusable(path, "something that is no file is there");
  if (!FIRST_BYTES.has(firstByteOf(path))) throw unusable(path, "the file there is no changelog");
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
export function removeStaleChangelog(ldbFolder: string, writtenPath: string | null, logger: Logger): void {
  const path = resolve(ldbFolder, CHANGELOG_FILE_NAME);
  if (path === writtenPath) return;
  try {
    if (findFile(path) === null) return;
    removeChangelog(path);
    logger.warn({ path }, "changelog of an earlier run removed: this run does not write it");
  } catch (error) {
    logger.error({ err: error, path }, "changelog of an earlier run is out of date and cannot be removed");
  }
}
