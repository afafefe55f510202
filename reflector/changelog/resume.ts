/**
 * Whether a changelog goes on where it was left, judged when the LDB is opened.
 *
 * It does when the Reflector's note, the files and the LDB agree on where that was, or on the one step that a kill came
 * into the middle of. Whatever else is found, changes may have gone by unseen, and a new history begins.
 */
import { readFileSync } from "node:fs";
import { rotatedChangelogPath } from "../../core/changelog/format.ts";
import type { Sequence } from "../../core/sequence.ts";
import { type FoundFile, findFile, pendingPath } from "./changelog-files.ts";
import { type PendingNote, readPendingNote } from "./pending-note.ts";

export const RESET_REASONS = [
  "new", // there was no changelog
  "generation-replaced", // the LDB is another one than the changelog tells of
  "power-lost", // the machine stopped before all was on the disk
  "ldb-moved", // the LDB went on, or back, without the changelog: it was switched off, or somebody else wrote
  "files-changed", // a file is missing, or is not what was written to it
] as const;

export type ResetReason = (typeof RESET_REASONS)[number];

/** The LDB that is followed, as it is found. */
export interface LdbState {
  readonly generation: string;
  readonly sequence: Sequence;
}

export interface Resumed {
  readonly note: PendingNote;
  /** The file that the note is about. */
  readonly file: FoundFile;
  /** What of the note's lines is still to be written at the note's place; a part of it may be there. */
  readonly owed: Uint8Array;
  /** True when the kill came into the middle of beginning the next file. */
  readonly rotating: boolean;
}

/** @param boot the machine's start, as `bootId` gives it */
export function judgeResume(
  path: string,
  ldb: LdbState,
  boot: string | null,
): Resumed | { readonly reset: ResetReason } {
  const note = readPendingNote(pendingPath(path));
  const newest = findFile(path);
  if (note === null) return { reset: newest === null ? "new" : "files-changed" };
  if (note.generation !== ldb.generation) return { reset: "generation-replaced" };
  if (!note.clean && (boot === null || note.boot !== boot)) return { reset: "power-lost" };
  const owed = owedAt(ldb.sequence, note);
  if (owed === null) return { reset: "ldb-moved" };
  if (newest !== null && isNotes(newest, note)) {
    return endsRight(newest, note, owed)
      ? { note, file: newest, owed, rotating: false }
      : { reset: "files-changed" };
  }
  const file = beforeRotation(path, newest, note, ldb);
  return file !== null && file.bytes === note.offset + owed.length && endsRight(file, note, owed)
    ? { note, file, owed: NOTHING, rotating: true }
    : { reset: "files-changed" };
}

const NOTHING = new Uint8Array();

/** The lines that the LDB's sequence says belong to the file; null when the note does not know that sequence. */
function owedAt(sequence: Sequence, note: PendingNote): Uint8Array | null {
  if (sequence === note.to) return note.lines;
  return sequence === note.from ? NOTHING : null;
}

function isNotes({ history, file }: FoundFile, note: PendingNote): boolean {
  return history === note.history && file === note.file;
}

/** True when the file ends where the note says, or within the lines that are owed. */
function endsRight({ path, bytes }: FoundFile, { offset }: PendingNote, owed: Uint8Array): boolean {
  if (bytes < offset || bytes > offset + owed.length) return false;
  return (
    bytes === offset ||
    readFileSync(path)
      .subarray(offset)
      .equals(owed.subarray(0, bytes - offset))
  );
}

/** The note's file where it has its older name already, and the next one is not there, or has its header only. */
function beforeRotation(
  path: string,
  newest: FoundFile | null,
  note: PendingNote,
  ldb: LdbState,
): FoundFile | null {
  const isFresh =
    newest === null ||
    (newest.history === note.history &&
      newest.file === note.file + 1 &&
      newest.seq === ldb.sequence &&
      newest.bytes === newest.headerBytes);
  if (!isFresh) return null;
  const older = findFile(rotatedChangelogPath(path, note.file));
  return older !== null && isNotes(older, note) ? older : null;
}
