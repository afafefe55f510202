/** Why an LDB has to be replaced by a snapshot, and which ones may replace it. */
import { type CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { SEQUENCE_ZERO, type Sequence } from "../../core/sequence.ts";
import { LdbView } from "../../ldb/ldb-view.ts";
import type { SnapshotEntry } from "../../snapshot/manifest.ts";
import type { BootstrapStatus } from "../state.ts";
import type { LdbSlot } from "./ldb-slot.ts";

export interface BootstrapNeed {
  readonly cause: BootstrapStatus["cause"];
  /** Where the LDB is; 0 when it is empty, or when that cannot be read. */
  readonly sequence: Sequence;
  /** The ctldb that it follows; null where that is not known. */
  readonly epoch: string | null;
}

/** Whether a snapshot may take the LDB's place as far as the LDB is concerned. The ledger is asked besides. */
export function isCandidate(need: BootstrapNeed, snapshot: SnapshotEntry): boolean {
  const isOfSameCtldb = need.epoch === null || snapshot.epoch === need.epoch;
  switch (need.cause) {
    case "told-to":
      return true;
    case "too-old":
      // Never back behind a sound LDB.
      return isOfSameCtldb && snapshot.sequence > need.sequence;
    case "damaged":
    case "empty":
      return isOfSameCtldb;
  }
}

/** A host must come up with the ctldb down; but a sound LDB is not replaced by what nobody vouches for. */
export function mayGoWithoutLedger({ cause }: BootstrapNeed): boolean {
  return cause === "empty" || cause === "damaged";
}

/**
 * True for a snapshot from before what the LDB holds. Readers that have read on refuse such an LDB until the ledger has
 * brought it forward (R36): without the ledger they are better off with what they have, also when it is damaged (I15).
 */
export function goesBack(need: BootstrapNeed, snapshot: SnapshotEntry): boolean {
  return snapshot.sequence < need.sequence;
}

/** What is known of the LDB in a slot, also when it is damaged. */
export function needOf(cause: BootstrapNeed["cause"], slot: LdbSlot): BootstrapNeed {
  const known = slot.follower?.writer.position ?? slot.lastKnown?.position;
  if (known !== undefined) return { cause, sequence: known.sequence, epoch: known.epoch };
  try {
    using view = LdbView.open(slot.folder);
    return { cause, sequence: view.sequence, epoch: view.epoch };
  } catch {
    // Too damaged to say whose it is.
    return { cause, sequence: SEQUENCE_ZERO, epoch: null };
  }
}

export function isDamage(error: unknown): error is CtlstoreError {
  return isCtlstoreError(error) && error.code === "ldb_damaged";
}
