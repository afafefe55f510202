/** What an error of the file system means for a store in a folder: classified by its code, here alone. */
import { CtlstoreError, isCtlstoreError, messageOf } from "../../core/errors.ts";
import type { Meaning } from "./outcomes.ts";

const NO_SPACE: Meaning = {
  code: "snapshot_store_unavailable",
  hint: "The disk of the snapshot store is full: free some space there, or keep fewer snapshots.",
};
const NO_RIGHT: Meaning = {
  code: "snapshot_store_denied",
  hint: "Let the user that runs ctlstore read and write the folder of the snapshot store.",
};
const IN_THE_WAY: Meaning = {
  code: "snapshot_store_unavailable",
  hint: "A file is where a folder is needed, or the other way round: what else is kept in the folder of the store?",
};
const BROKEN: Meaning = {
  code: "snapshot_store_unavailable",
  hint: "Look at the disk or the mount of the snapshot store.",
};

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EFBIG: NO_SPACE,
  SQLITE_FULL: NO_SPACE,
  EACCES: NO_RIGHT,
  EPERM: NO_RIGHT,
  EROFS: NO_RIGHT,
  SQLITE_CANTOPEN: NO_RIGHT,
  SQLITE_READONLY: NO_RIGHT,
  SQLITE_PERM: NO_RIGHT,
  ENOTDIR: IN_THE_WAY,
  EISDIR: IN_THE_WAY,
};

export function errorCodeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** True when there is no such file, also because one of its folders is missing or is itself a file. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "EISDIR"].includes(errorCodeOf(error));
}

/** @param action what was tried, such as `write "latest.json" in file:///snapshots` */
export function fileStoreError(action: string, error: unknown): CtlstoreError {
  if (isCtlstoreError(error)) return error;
  const code = errorCodeOf(error);
  const meaning = MEANINGS[code] ?? MEANINGS[code.split("_", 2).join("_")] ?? BROKEN;
  return new CtlstoreError(meaning.code, `Cannot ${action}: ${messageOf(error)}`, {
    cause: error,
    hint: meaning.hint,
  });
}

export function noFolder(url: string, cause: unknown): CtlstoreError {
  return new CtlstoreError("snapshot_store_unavailable", `Cannot use ${url}: there is no such folder`, {
    cause,
    hint: "Mount or make the folder of the snapshot store; ctlstore does not, since it may be a mount that is missing.",
  });
}
