/** What is away comes back: which failures pass by themselves, and how long to wait before the next attempt. */
import { type CtlstoreError, type ErrorCode, isCtlstoreError } from "../core/errors.ts";
import { LANE_LIMITS } from "../core/limits.ts";
import type { Backoff } from "../core/process/backoff.ts";

/** An Executive, its ctldb or a cluster that is away or busy. What else passes is for each caller to say. */
const AWAY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "ctldb_unavailable",
  "overloaded",
  "request_timeout",
  "rate_limited",
  "commit_outcome_unknown",
  "kafka_unavailable",
]);

export function isAway(error: unknown): error is CtlstoreError {
  return isCtlstoreError(error) && AWAY.has(error.code);
}

/** In milliseconds: no shorter than we were told to wait, as far as that is a time that anybody would wait. */
export function waitMsAfter(error: CtlstoreError, backoff: Backoff): number {
  const toldMs = (error.details.retryAfterSeconds ?? 0) * 1000;
  return Math.max(backoff.nextMs(), Math.min(toldMs, LANE_LIMITS.longestWaitMs));
}
