/**
 * Named points in the life of a Reflector, where tests end the process to prove that nothing is left half-done (R11).
 *
 * In production nothing listens.
 */

export const CRASH_POINTS = [
  "before-fetch", // a poll is about to be sent
  "mid-transaction", // statements were applied and not committed
  "after-commit", // rows and sequence are committed together; nothing else has happened yet
  "during-checkpoint", // the write-ahead log is about to be copied into the database
  "during-flip", // a new generation is complete and `ldb.db` does not point to it yet
] as const;

/** The same in a bootstrap, which ends with the flip. */
export const BOOTSTRAP_CRASH_POINTS = [
  "before-download", // a snapshot was chosen, and its generation is an empty folder
  "mid-download", // part of the compressed bytes is on the disk
  "mid-check", // all bytes are there, and a child looks at them
  "after-download", // the database is complete and has been checked
  "before-flip", // it was opened, and is closed again
  "after-flip", // it is current, and the generation before it is not marked as replaced yet
] as const;

/** The same where a changelog is written; `after-commit` is the moment between these. */
export const CHANGELOG_CRASH_POINTS = [
  "changelog-pending", // what changes is noted, and not committed yet
  "mid-append", // half of the lines are in the file
  "mid-rotation", // the full file has its older name, and the next one is not in its place
] as const;

export type CrashPoint =
  | (typeof CRASH_POINTS)[number]
  | (typeof BOOTSTRAP_CRASH_POINTS)[number]
  | (typeof CHANGELOG_CRASH_POINTS)[number];
export type OnCrashPoint = (point: CrashPoint) => void;

export const ignoreCrashPoint: OnCrashPoint = () => {};
