/**
 * Makes a fetched snapshot the current generation of an LDB (R17, R29).
 *
 * Before the flip the new database is in the state in which readers and the Reflector use it, so that the flip itself is
 * one rename; after it the old generation is marked, and its readers follow by themselves.
 */
import { CtlstoreError } from "../../core/errors.ts";
import { hashToHex } from "../../core/ledger/chain.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { OnCrashPoint } from "../../ldb/crash-points.ts";
import { currentLdb, type Generation, publishGeneration, removeGeneration } from "../../ldb/generations.ts";
import { ensureOwnTables, markSuperseded, readPosition } from "../../ldb/position.ts";
import { setAsideGeneration } from "../../ldb/set-aside.ts";
import { WritableDatabase } from "../../ldb/writable-database.ts";
import type { SnapshotEntry } from "../../snapshot/manifest.ts";
import type { FetchedSnapshot } from "./bootstrapper.ts";
import type { LdbSlot } from "./ldb-slot.ts";
import type { BootstrapNeed } from "./need.ts";

export interface PlaceDeps {
  readonly slot: LdbSlot;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPoint: OnCrashPoint;
}

/**
 * Replaces the LDB, and closes the old one. One that is damaged is set aside.
 * @throws CtlstoreError `ldb_disk_full`, `ldb_unavailable`; the old generation is current then, and the staged one gone
 */
export function replaceLdb(
  { slot, clock, logger, onPoint }: PlaceDeps,
  { staged }: Pick<FetchedSnapshot, "staged">,
  { cause }: BootstrapNeed,
): void {
  const isDamaged = cause === "damaged";
  let replaced: string | null = null;
  try {
    onPoint("before-flip");
    replaced = publishGeneration(slot.folder, staged, onPoint);
    onPoint("after-flip");
  } catch (error) {
    if (!isCurrent(slot.folder, staged)) {
      removeGeneration(slot.folder, staged.id);
      throw error;
    }
    // A flip that is done stays done, whatever failed after it: readers open the new LDB by now.
    logger.warn({ err: error }, "snapshot is the LDB now; a power cut may take that back");
  }
  if (!isDamaged && slot.follower !== null) tellReaders(slot.follower.ldb.database);
  slot.close();
  if (isDamaged && replaced !== null) setAside({ slot, clock, logger }, replaced);
}

function setAside({ slot, clock, logger }: Omit<PlaceDeps, "onPoint">, id: string): void {
  try {
    const movedTo = setAsideGeneration(slot.folder, id, clock.nowUs());
    if (movedTo !== null) logger.warn({ movedTo }, "damaged LDB set aside");
  } catch (error) {
    logger.warn({ err: error }, "damaged LDB could not be set aside"); // a sweep removes it
  }
}

function isCurrent(folder: string, { id }: Generation): boolean {
  const current = currentLdb(folder);
  return current.kind === "generation" && current.generation.id === id;
}

/**
 * Makes an LDB of a fetched database, after a last look that it is the snapshot that was judged.
 * @throws CtlstoreError `snapshot_damaged`, `ldb_disk_full`, `ldb_unavailable`
 */
export function prepareStaged(staged: Generation, snapshot: SnapshotEntry): void {
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
