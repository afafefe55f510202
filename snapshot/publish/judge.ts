/**
 * Whether a snapshot may become the newest of a store: never backwards within an epoch (R23), never another ctldb's
 * by mistake.
 */
import { CtlstoreError } from "../../core/errors.ts";
import type { SnapshotEntry, SnapshotIndex } from "../manifest.ts";

export interface JudgeOptions {
  /** Lets a snapshot of another ctldb take the place of the newest. */
  readonly newEpoch: boolean;
}

/**
 * "named": the index has this very snapshot already.
 * @throws CtlstoreError `snapshot_refused`
 */
export function judge(
  index: SnapshotIndex | null,
  candidate: Pick<SnapshotEntry, "sequence" | "epoch" | "manifestKey">,
  { newEpoch }: JudgeOptions,
): "publish" | "named" {
  if (index === null) return "publish";
  if (namedKeys(index).has(candidate.manifestKey)) return "named";
  judgePosition(index.latest, candidate, { newEpoch });
  return "publish";
}

/**
 * The same before there is a snapshot to judge, by where the LDB is.
 * @throws CtlstoreError `snapshot_refused`
 */
export function judgePosition(
  latest: Pick<SnapshotEntry, "sequence" | "epoch">,
  candidate: Pick<SnapshotEntry, "sequence" | "epoch">,
  { newEpoch }: JudgeOptions,
): void {
  const sameEpoch = candidate.epoch === latest.epoch;
  // The original's ctldb gets an epoch when ours takes it over; its ledger goes on.
  const upgraded = latest.epoch === null && candidate.epoch !== null;
  if (!sameEpoch && !upgraded) {
    if (!newEpoch) throw anotherEpoch(latest.epoch, candidate.epoch);
    return;
  }
  if (candidate.sequence > latest.sequence) return;
  throw new CtlstoreError(
    "snapshot_refused",
    `Cannot publish a snapshot at sequence ${candidate.sequence}: the newest in the store is at ${latest.sequence}; a higher one is needed`,
    { hint: "After the ctldb was set back to a backup: delete latest.json from the store." },
  );
}

/** Keys of the manifests that an index names. */
export function namedKeys({ latest, previous }: SnapshotIndex): ReadonlySet<string> {
  return new Set([latest, ...previous].map(({ manifestKey }) => manifestKey));
}

function anotherEpoch(theirs: string | null, ours: string | null): CtlstoreError {
  return new CtlstoreError(
    "snapshot_refused",
    `Cannot publish a snapshot of the ctldb of epoch ${ours ?? "none"}: the newest in the store is of epoch ${theirs ?? "none"}`,
    {
      hint: "Is --snapshots the store of this ctldb? If another ctldb took its place on purpose: --new-epoch.",
    },
  );
}
