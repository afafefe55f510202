/**
 * What must be true for a snapshot to be published, asked before it is frozen and again right before the index names it:
 * freezing and uploading take long, and the ledger may turn out to be another one, or the LDB to be damaged, meanwhile.
 */
import { CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import type { SnapshotEntry, SnapshotManifest } from "../manifest.ts";
import { judgePosition } from "../publish/judge.ts";
import { type FollowedLdb, type FollowedStatus, refusalOf } from "./followed-ldb.ts";

export interface PublishGuardOptions {
  readonly allowSkips: boolean;
  /** Lets one snapshot of another ctldb, or of another history of it, take the place of the newest. */
  readonly newEpoch: boolean;
}

/** A copy, and the LDB that it was made of. */
export interface FrozenFrom {
  readonly manifest: Pick<SnapshotManifest, "epoch">;
  readonly databasePath: string;
}

export class PublishGuard {
  readonly #followed: FollowedLdb;
  readonly #options: PublishGuardOptions;
  /** A second publication over another ctldb's would be two Supervisors that take turns. */
  #mayReplaceHistory: boolean;
  /** Manifest of the snapshot that our ledger was last found to go on from. */
  #predecessor: string | null = null;

  constructor(followed: FollowedLdb, options: PublishGuardOptions) {
    this.#followed = followed;
    this.#options = options;
    this.#mayReplaceHistory = options.newEpoch;
  }

  get mayReplaceHistory(): boolean {
    return this.#mayReplaceHistory;
  }

  /** The LDB as it is. @throws CtlstoreError `snapshot_refused` when it must not be published */
  checkLdb(): FollowedStatus {
    const followed = this.#followed.status();
    const refusal = refusalOf(followed, this.#options);
    if (refusal !== null) throw refusal;
    return followed;
  }

  /** @throws CtlstoreError `snapshot_refused` also when the LDB is not the one that was copied any more */
  checkCopy({ manifest, databasePath }: FrozenFrom): void {
    const followed = this.checkLdb();
    if (manifest.epoch !== null && manifest.epoch !== followed.epoch) {
      const now = followed.epoch ?? "none";
      throw refused(`it follows the ctldb of epoch ${now} by now; the copy is of ${manifest.epoch}`);
    }
    if (databasePath !== followed.databasePath)
      throw refused("it was replaced by another one since it was copied");
  }

  /** @throws CtlstoreError `snapshot_refused` for another ctldb's store, or one that has something newer */
  checkPosition(latest: SnapshotEntry, followed: FollowedStatus): void {
    judgePosition(latest, followed, { newEpoch: this.#mayReplaceHistory });
  }

  /**
   * A primary that was fenced off, or a ctldb that lost its tail, must not go on from what it does not have: the ledger's
   * hash at the newest snapshot's sequence must be that snapshot's (R4).
   * @throws CtlstoreError `snapshot_refused`, `ctldb_unavailable`
   */
  async checkPredecessor(latest: SnapshotEntry, signal: AbortSignal): Promise<void> {
    if (this.#mayReplaceHistory || latest.manifestKey === this.#predecessor) return;
    try {
      await this.#followed.checkHistory(latest, signal);
    } catch (error) {
      if (!isCtlstoreError(error)) throw error;
      if (error.code === "snapshot_mismatch") throw otherHistory(latest);
      // Pruned since: nobody can tell any more.
      if (error.code !== "ledger_too_old") throw error;
    }
    this.#predecessor = latest.manifestKey;
  }

  /** Call with what was published. */
  published({ manifestKey }: SnapshotEntry): void {
    this.#mayReplaceHistory = false;
    this.#predecessor = manifestKey;
  }
}

function refused(state: string): CtlstoreError {
  return new CtlstoreError("snapshot_refused", `Cannot publish the LDB: ${state}`);
}

function otherHistory({ sequence }: SnapshotEntry): CtlstoreError {
  return new CtlstoreError(
    "snapshot_refused",
    `Cannot publish a snapshot: the ledger is not the one that the newest snapshot in the store, at sequence ${sequence}, was made from`,
    {
      sequence,
      hint: "Is this the right ctldb? After a restored backup or a failover that lost entries, start once with --new-epoch.",
    },
  );
}
