/** Why an LDB has to be replaced by a snapshot, and which ones may replace it. */
import type { Sequence } from "../../core/sequence.ts";
import type { SnapshotEntry } from "../../snapshot/manifest.ts";
import type { BootstrapStatus } from "../state.ts";

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
