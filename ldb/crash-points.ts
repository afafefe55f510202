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

export type CrashPoint = (typeof CRASH_POINTS)[number];
export type OnCrashPoint = (point: CrashPoint) => void;

export const ignoreCrashPoint: OnCrashPoint = () => {};
