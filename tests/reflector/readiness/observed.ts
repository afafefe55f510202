/** Statuses for tests of what is made out of them. */
import type { ErrorCode } from "../../../core/errors.ts";
import { toSequence } from "../../../core/sequence.ts";
import type { ObservedStatus, Readiness } from "../../../reflector/state.ts";

export const EPOCH = "0123456789abcdef0123456789abcdef";

/** A Reflector with data that has not asked the ledger yet. */
export function observed(
  changes: Partial<Omit<ObservedStatus, "sequence" | "reason">> & {
    readonly sequence?: number;
    readonly reason?: ErrorCode;
  } = {},
): ObservedStatus {
  const { sequence = 7, reason, ...rest } = changes;
  return {
    state: "starting",
    version: "0.0.0",
    epoch: EPOCH,
    ledgerHeadSequence: null,
    ledgerTimestampUs: 1_790_000_000_000_000,
    lagSeconds: 86_400,
    wholeAgeSeconds: null,
    lastPollAtUs: null,
    pollAgeSeconds: null,
    stuck: false,
    schemaVersion: 1,
    unattestedThrough: toSequence(0),
    legacyGaps: 0,
    skips: [],
    bootstrap: null,
    changelog: null,
    ldb: { path: "ldb.db", generation: null, walBytes: 0, walBlockedBy: null },
    ...rest,
    sequence: toSequence(sequence),
    reason: reason === undefined ? null : { code: reason, message: "for a test" },
  };
}

export const UNREADY: Readiness = { ready: false, healthy: false, lagSeconds: null, readySinceUs: null };
export const HEALTHY: Readiness = { ready: true, healthy: true, lagSeconds: 0, readySinceUs: 1 };
export const LAGGING: Readiness = { ready: true, healthy: false, lagSeconds: 600, readySinceUs: 1 };
