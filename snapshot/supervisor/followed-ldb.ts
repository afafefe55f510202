/**
 * What a Supervisor must know of the LDB that it freezes, and of the Reflector that writes it; and when that is in no
 * state to be published (D10, R26).
 */
import { CtlstoreError, type ErrorCode } from "../../core/errors.ts";
import type { Sequence } from "../../core/sequence.ts";
import type { SnapshotEntry } from "../manifest.ts";

export interface FollowedStatus {
  readonly state: "starting" | "bootstrapping" | "catching-up" | "current" | "stuck" | "diverged";
  /** Why it is stuck or diverged. */
  readonly reason: { readonly code: ErrorCode; readonly message: string; readonly hint?: string } | null;
  readonly sequence: Sequence;
  readonly epoch: string | null;
  /** The database file, with links resolved. */
  readonly databasePath: string;
  /** True for a file that somebody else put there: nothing is known of where its rows are from. */
  readonly isAdopted: boolean;
  /** Ledger entries that it may pass over. */
  readonly skips: number;
}

/** The LDB with its Reflector, as this service sees it. */
export interface FollowedLdb {
  status(): FollowedStatus;
  /**
   * Asks the ledger whether it goes on from a snapshot.
   * @throws CtlstoreError `snapshot_mismatch` when that is of another history, `ledger_too_old` when it cannot be told
   *   any more, `ledger_behind`, `ctldb_unavailable`
   */
  checkHistory(
    snapshot: Pick<SnapshotEntry, "sequence" | "epoch" | "hash">,
    signal: AbortSignal,
  ): Promise<void>;
  /** Shown in the status document. */
  details(): unknown;
}

/** Why the LDB must not be published as it is; null when nothing speaks against it. */
export function refusalOf(
  followed: FollowedStatus,
  options: { readonly allowSkips: boolean },
): CtlstoreError | null {
  const { state, reason, sequence, isAdopted, skips } = followed;
  if (state === "starting") return refused("the ledger has not answered yet");
  if (state === "bootstrapping") return refused("it is being fetched");
  if (state === "stuck" || state === "diverged") {
    return refused(`its Reflector is ${state}: ${reason?.message ?? "no reason is known"}`, reason?.hint);
  }
  if (sequence === 0n) return refused("it is empty");
  if (isAdopted) {
    return refused(
      "it is a plain file that somebody put there, so nobody knows where its rows are from",
      "Start with an empty folder for --ldb: it is filled from the newest snapshot, or from the ledger.",
    );
  }
  if (skips > 0 && !options.allowSkips) {
    return refused(
      `it may pass over ${skips} ledger entries`,
      "Start with an empty folder for --ldb, or allow it with --allow-skips.",
    );
  }
  return null;
}

function refused(state: string, hint?: string): CtlstoreError {
  const details = hint === undefined ? {} : { hint };
  return new CtlstoreError("snapshot_refused", `Cannot publish the LDB: ${state}`, details);
}
