/** The changelog's files as a start, or a new history, finds or makes them. */
import { randomBytes } from "node:crypto";
import { LineBuffer } from "../../core/changelog/encode.ts";
import { CHANGELOG_LIMITS } from "../../core/limits.ts";
import type { Sequence } from "../../core/sequence.ts";
import { findFile } from "./changelog-files.ts";
import { LogFiles, type LogFilesOptions } from "./log-files.ts";
import type { NoteFacts, PendingNoteFile } from "./pending-note.ts";
import type { Resumed } from "./resume.ts";

/** What a new history begins with. */
export interface NewHistory extends Pick<NoteFacts, "generation" | "boot"> {
  /** The LDB's sequence. */
  readonly seq: Sequence;
}

/** For a note that is about no lines. */
export const NO_LINES = new LineBuffer(CHANGELOG_LIMITS.noteHeaderBytes);

/**
 * Begins a history that nobody has seen yet.
 *
 * Its note is there before its file can be found: were the process killed in between, the next start would begin yet
 * another one, and who follows this one already would have to forget everything.
 * @param lastFile the highest number that is known to have been given
 * @throws an error of the system
 */
export function beginHistory(
  note: PendingNoteFile,
  options: LogFilesOptions,
  { seq, ...facts }: NewHistory,
  lastFile = 0,
): LogFiles {
  return LogFiles.begin(options, randomBytes(8).toString("hex"), seq, {
    lastFile,
    onMade: ({ history, file, end }) =>
      note.write({ ...facts, history, file, offset: end, from: seq, to: seq, clean: false }, NO_LINES),
  });
}

/**
 * The files where a kill left them; a rotation that it came into the middle of is finished.
 * @throws an error of the system
 */
export function resumeFiles(
  options: LogFilesOptions,
  { file, note, rotating }: Resumed,
  seq: Sequence,
): LogFiles {
  if (!rotating) return LogFiles.adopt(options, file, note.offset);
  const newest = findFile(options.path);
  if (newest !== null) return LogFiles.adopt(options, newest, newest.bytes);
  return LogFiles.next(options, { history: note.history, file: note.file + 1, seq });
}
