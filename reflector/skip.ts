/**
 * Lets one LDB pass over one ledger entry that it cannot apply (D10, R8).
 *
 * The permission is a row of the LDB itself and stays there for ever: this LDB differs from ctldb from then on, and
 * its status says so. The chain still goes over the entry.
 */
import { CtlstoreError, quote } from "../core/errors.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import { type Sequence, toSequence } from "../core/sequence.ts";
import { ignoreCrashPoint } from "../ldb/crash-points.ts";
import { currentLdb } from "../ldb/generations.ts";
import { openLdbFolder } from "../ldb/ldb-folder.ts";
import { allowSkip, type LdbSkip, readPosition, readSkips } from "../ldb/position.ts";
import { WriterLock } from "../ldb/writer-lock.ts";

export interface SkipRequest {
  readonly ldbFolder: string;
  readonly sequence: Sequence;
  /** Why, for whoever reads the status later. */
  readonly reason: string;
}

export interface SkipResult {
  /** Where the LDB is; the entry lies beyond. */
  readonly ldbSequence: Sequence;
  /** All permissions of this LDB. */
  readonly skips: readonly LdbSkip[];
}

/**
 * Allows the LDB in a folder to pass over an entry. The Reflector of that folder must be stopped.
 * @throws CtlstoreError `ldb_not_found`, `ldb_locked` while the Reflector runs, `malformed_request` when the LDB is past the entry
 */
export function skipStatement(deps: { clock: Clock; logger: Logger }, request: SkipRequest): SkipResult {
  const { ldbFolder, reason } = request;
  const sequence = toSequence(request.sequence);
  const { kind } = currentLdb(ldbFolder);
  // A dangling link too: opening the folder would make an empty LDB, of which there is nothing to pass over.
  if (kind === "absent" || kind === "dangling") throw notFound(ldbFolder);
  using _lock = WriterLock.acquire(ldbFolder, deps.clock);
  const { database } = openLdbFolder(ldbFolder, { ...deps, onPoint: ignoreCrashPoint });
  using _database = database;
  const position = readPosition(database);
  if (sequence <= position.sequence) {
    throw new CtlstoreError(
      "malformed_request",
      `Cannot skip ledger entry ${sequence}: the LDB is at ${position.sequence} already`,
      { sequence },
    );
  }
  const skippedAt = new Date(deps.clock.nowUs() / 1000).toISOString();
  allowSkip(database, { sequence, reason, skippedAt });
  deps.logger.warn({ sequence, reason, ldbFolder }, "ledger entry may be passed over on this LDB");
  return { ldbSequence: position.sequence, skips: readSkips(database) };
}

function notFound(ldbFolder: string): CtlstoreError {
  return new CtlstoreError("ldb_not_found", `Cannot find an LDB in ${quote(ldbFolder)}`, {
    hint: "Name the folder that the Reflector was given with --ldb.",
  });
}
