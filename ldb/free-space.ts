/** Asks before much is written whether the disk has room for it (R13). */
import { statfsSync } from "node:fs";
import { CtlstoreError, quote } from "../core/errors.ts";

const MIB = 1024 * 1024;

/** Bytes that an ordinary user may still write on the file system of a folder. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return Number(bavail) * Number(bsize);
}

/**
 * @param what is to be written there, as in "a snapshot of 150 MiB"
 * @throws CtlstoreError `ldb_disk_full` naming what is needed and what is free
 */
export function ensureFreeSpace(folder: string, neededBytes: number, what: string): void {
  const free = freeBytes(folder);
  if (free >= neededBytes) return;
  throw new CtlstoreError(
    "ldb_disk_full",
    `Cannot store ${what} in ${quote(folder)}: ${mebibytes(free)} are free; ${mebibytes(neededBytes)} are needed`,
    { hint: "Free space on the LDB's file system; it is tried again by itself." },
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
