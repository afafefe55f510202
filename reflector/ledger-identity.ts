/**
 * Decides whether a ledger is the one that an LDB follows, and reaches it, before anything of it is applied.
 *
 * Tells apart: another ctldb (R5), one that lags or lost its tail (R3, R4), one pruned too far, and an entry changed
 * in place (R7). In the normal case it costs nothing beyond the poll: each answer carries the entry at our sequence.
 */
import { CtlstoreError } from "../core/errors.ts";
import { sameHash } from "../core/ledger/chain.ts";
import type { LedgerDescription, LedgerEntry } from "../core/ledger/entry.ts";
import type { Sequence } from "../core/sequence.ts";
import { hashMismatch } from "./ledger-cursor.ts";

export interface Standing {
  readonly sequence: Sequence;
  readonly epoch: string | null;
}

/** @throws CtlstoreError `ledger_epoch_mismatch`, `ledger_behind`, `ledger_too_old` */
export function checkDescription(description: LedgerDescription, ldb: Standing): void {
  if (ldb.epoch !== null && description.epoch !== ldb.epoch) throw epochMismatch(description, ldb);
  if (description.headSequence < ldb.sequence) throw behind(description, ldb.sequence);
  if (isTooOld(description, ldb.sequence)) throw tooOld(description, ldb.sequence);
}

/** True when entries after the sequence are gone from the ledger. */
export function isTooOld(description: LedgerDescription, sequence: Sequence): boolean {
  const { firstSequence, headSequence, takeoverSequence, epoch } = description;
  if (firstSequence === 0n) return headSequence > sequence;
  if (firstSequence <= sequence + 1n) return false;
  // The original's ledger may begin with a gap, and only it.
  if (sequence === 0n && (epoch === null || firstSequence <= takeoverSequence + 1n)) return false;
  return true;
}

/**
 * Compares the ledger's entry at our sequence with the LDB's hash of it.
 * @throws CtlstoreError `ledger_hash_mismatch`
 */
export function checkAnchor(anchor: LedgerEntry, ldb: { sequence: Sequence; hash: Uint8Array }): void {
  if (anchor.sequence !== ldb.sequence) {
    throw new CtlstoreError(
      "ledger_malformed",
      `Cannot follow the ledger: asked for entry ${ldb.sequence}, it gave ${anchor.sequence}`,
      { sequence: anchor.sequence },
    );
  }
  // An entry of the original has none: nothing can be said about it.
  if (anchor.hash !== null && !sameHash(anchor.hash, ldb.hash)) throw hashMismatch(anchor);
}

/** The error for a ledger that spans the LDB's sequence and has no entry there. */
export function missingEntry(sequence: Sequence): CtlstoreError {
  return new CtlstoreError(
    "ledger_hash_mismatch",
    `Cannot follow the ledger: it has no entry ${sequence}, which is where the LDB is`,
    { sequence, hint: "This is another ctldb, or entries were deleted from it. Check --ctldb." },
  );
}

/** True when the ledger still reaches back to where its chain begins. */
export function reachesOrigin(description: LedgerDescription): boolean {
  return description.epoch === null || description.firstSequence <= description.takeoverSequence + 1n;
}

/** The error for an LDB without a hash and a ledger that gives it none. */
export function noHashToBeHad(sequence: Sequence): CtlstoreError {
  return new CtlstoreError(
    "ledger_too_old",
    `Cannot follow the ledger from ${sequence}: its oldest entries are gone, and the one there carries no hash`,
    { sequence, hint: "Give the Reflector a store of snapshots with --bootstrap." },
  );
}

function epochMismatch(description: LedgerDescription, ldb: Standing): CtlstoreError {
  const other = description.epoch ?? "none";
  return new CtlstoreError(
    "ledger_epoch_mismatch",
    `Cannot follow the ledger: its epoch is ${other}; the LDB follows ${ldb.epoch}`,
    { hint: "This is another ctldb. Check --ctldb, or use another LDB folder." },
  );
}

function behind(description: LedgerDescription, sequence: Sequence): CtlstoreError {
  return new CtlstoreError(
    "ledger_behind",
    `Cannot follow the ledger: it ends at ${description.headSequence}; the LDB is at ${sequence}`,
    {
      sequence,
      hint: "A lagging replica catches up by itself. If the ctldb was restored from a backup, start the Reflector once with --rebootstrap.",
    },
  );
}

function tooOld(description: LedgerDescription, sequence: Sequence): CtlstoreError {
  const from = description.firstSequence === 0n ? "later entries only" : `entry ${description.firstSequence}`;
  return new CtlstoreError(
    "ledger_too_old",
    `Cannot follow the ledger from ${sequence}: it was pruned and begins with ${from}`,
    { sequence, hint: "Give the Reflector a store of snapshots with --bootstrap." },
  );
}
