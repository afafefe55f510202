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
    throw new CtlstoreError(
      isFull ? "ldb_disk_full" : "ldb_unavailable",
      `Cannot ${action}: ${messageOf(cause)}`,
      {
        cause,
        hint: isFull
          ? "Free space on the LDB's file system."
          : "This user needs the right to write in the LDB's folder, on a file system that works.",
      },
    );
  }
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}
