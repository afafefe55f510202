/** Bounds of commands for people: `status`, `ledger tail`, `history`, `read`. */
import { MIB } from "./units.ts";

/** The status page. From these ages on something is not well; docs/operations.md has them as alarms. */
export const STATUS_LIMITS = {
  /** Each part is given so long to answer: a page that hangs says nothing. */
  timeoutSeconds: 3,
  /** Heartbeats come every five seconds. */
  heartbeatSeconds: 60,
  /** While heartbeats come, no host's newest entry is older, unless it lags. */
  entrySeconds: 60,
  /** Reflectors poll every second; one in trouble pauses for longer. */
  pollSeconds: 60,
  /** Supervisors' intervals without a new snapshot. */
  snapshotIntervals: 3,
  /** Of a status document. */
  documentBytes: 8 * MIB,
} as const;

/** `ledger tail` and `history`. */
export const TAIL_LIMITS = {
  /** As tail(1). The most are in memory at once; who wants more begins at a sequence, and gets it page by page. */
  lines: { default: 10, max: 100_000 },
  changes: { default: 20, max: 100_000 },
  /** A request that waits for entries is answered after so long without one: below what proxies on the way allow. */
  waitSeconds: 20,
  /** A sign of life for whoever waits. */
  progressMs: 5_000,
  /** Beyond the wait, an Executive that does not answer is asked again. */
  answerSeconds: 15,
  /** Pauses before an Executive that is away is asked again. */
  backoff: { baseMs: 250, maxMs: 5_000 },
} as const;
