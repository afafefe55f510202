/** What an error of the file system means for an LDB: decided by its code, in one place. */
import { CtlstoreError, isCtlstoreError, messageOf } from "../core/errors.ts";

const FULL_CODES = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Runs what works on files of an LDB's folder.
 * @param action for the message, as in `publish a generation in "/var/spool/ctlstore"`
 * @throws CtlstoreError `ldb_disk_full`, `ldb_unavailable`; other errors that are not the file system's as they are
 */
export function onLdbFiles<Result>(action: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    if (isCtlstoreError(cause) || !isSystemError(cause)) throw cause;
    const isFull = FULL_CODES.has(cause.code);
    throw new CtlstoreError(codeOf(cause.code), `Cannot ${action}: ${messageOf(cause)}`, {
      cause,
      hint: isFull
        ? "Free space on the LDB's file system."
        : "This user needs the right to write in the LDB's folder, on a file system that works.",
    });
  }
}

/**
 * The same for work of a snapshot, in which streams give errors with a code and nothing else.
 * @returns `ldb_disk_full`, `ldb_unavailable`; errors of ours and those without a code as they are
 */
export function asFileError(action: string, error: unknown): unknown {
  if (isCtlstoreError(error) || !(error instanceof Error) || !("code" in error)) return error;
  return new CtlstoreError(codeOf(String(error.code)), `Cannot ${action}: ${messageOf(error)}`, {
    cause: error,
  });
}

function codeOf(systemCode: string): "ldb_disk_full" | "ldb_unavailable" {
  return FULL_CODES.has(systemCode) ? "ldb_disk_full" : "ldb_unavailable";
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
