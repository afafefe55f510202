/**
 * Makes a fetched snapshot the current generation of an LDB (R17, R29).
 *
 * Before the flip the new database is in the state in which readers and the Reflector use it, so that the flip itself is
 * one rename; after it the old generation is marked, and its readers follow by themselves.
 */
import { CtlstoreError } from "../../core/errors.ts";
import { hashToHex } from "../../core/ledger/chain.ts";
import type { OnCrashPoint } from "../../ldb/crash-points.ts";
import { type Generation, publishGeneration } from "../../ldb/generations.ts";
import { ensureOwnTables, markSuperseded, readPosition } from "../../ldb/position.ts";
import { WritableDatabase } from "../../ldb/writable-database.ts";
import type { SnapshotEntry } from "../../snapshot/manifest.ts";

export interface Placement {
  readonly folder: string;
  readonly staged: Generation;
  readonly snapshot: SnapshotEntry;
  /** The connection that has written the LDB until now; null when the LDB is damaged. */
  readonly current: WritableDatabase | null;
  readonly onPoint: OnCrashPoint;
}

/**
 * @returns the generation that was current until now; null when there was none
 * @throws CtlstoreError `snapshot_damaged`, `ldb_disk_full`, `ldb_unavailable`; the old generation is current then
 */
export function placeSnapshot({ folder, staged, snapshot, current, onPoint }: Placement): string | null {
  prepare(staged, snapshot);
  onPoint("before-flip");
  const replaced = publishGeneration(folder, staged, onPoint);
  onPoint("after-flip");
  if (current !== null) tellReaders(current);
  return replaced;
}

function prepare(staged: Generation, snapshot: SnapshotEntry): void {
  using database = WritableDatabase.open(staged.databasePath);
  ensureOwnTables(database);
  const { sequence, epoch, hash } = readPosition(database);
  const isWhatWasJudged =
    sequence === snapshot.sequence &&
    epoch === snapshot.epoch &&
    hash !== null &&
    hashToHex(hash) === snapshot.hash;
  if (!isWhatWasJudged) {
    throw new CtlstoreError(
      "snapshot_damaged",
      `Cannot bootstrap from the snapshot of sequence ${snapshot.sequence}: its database is at ${sequence}`,
    );
  }
  database.checkpoint("TRUNCATE");
}

function tellReaders(database: WritableDatabase): void {
  try {
    database.rollback();
    markSuperseded(database);
  } catch {
    // A full or broken disk: readers also look at the path now and then, and the next sweep tries again.
  }
}
