/**
 * Follows the ledger entry by entry and refuses what does not belong there, before anything is applied.
 *
 * Keeps I1 and I5 (the next sequence and no other), I14 (the chain's link), and I6 (ledger transactions never nest).
 */
import { CtlstoreError } from "../core/errors.ts";
import { nextLink, sameHash } from "../core/ledger/chain.ts";
import type { LedgerEntry } from "../core/ledger/entry.ts";
import { BEGIN_MARKER, COMMIT_MARKER } from "../core/ledger/statements.ts";
import type { Sequence } from "../core/sequence.ts";
import type { LdbPosition } from "../ldb/position.ts";

/** Whether the missing sequences before an entry may be missing. */
export interface GapRules {
  /**
   * `old`: it is one of the original's and settled. `unsettled`: it may still be filled. `fault`: none may be there.
   * @param expected the first missing sequence
   */
  judge(expected: Sequence, entry: LedgerEntry): "old" | "unsettled" | "fault";
}

export type FollowResult = "followed" | "gap-unsettled";

export class LedgerCursor {
  readonly #gaps: GapRules;
  #sequence: Sequence;
  #hash: Uint8Array;
  #timestampUs: number;
  #unattestedThrough: Sequence;
  #inside = false;
  #attested = false;

  /** @param hash the link at the position, or the chain's origin when nothing was applied yet */
  constructor(position: LdbPosition, hash: Uint8Array, gaps: GapRules) {
    this.#gaps = gaps;
    this.#sequence = position.sequence;
    this.#hash = hash;
    this.#timestampUs = position.ledgerTimestampUs;
    this.#unattestedThrough = position.unattestedThrough;
  }

  get sequence(): Sequence {
    return this.#sequence;
  }
  /** The chain's link at `sequence`. */
  get hash(): Uint8Array {
    return this.#hash;
  }
  /** When the last entry was written; 0 when that is not known. */
  get timestampUs(): number {
    return this.#timestampUs;
  }
  get unattestedThrough(): Sequence {
    return this.#unattestedThrough;
  }
  /** True between a BEGIN marker and its COMMIT marker. */
  get insideTransaction(): boolean {
    return this.#inside;
  }
  /** True once the hash of an entry has been seen to fit: the LDB and the ledger are of one history. */
  get attested(): boolean {
    return this.#attested;
  }

  /** Says that the ledger's own entry at this sequence has our hash. */
  attest(): void {
    this.#attested = true;
  }

  /** Goes back to a committed position, where no ledger transaction is open. */
  rewind(position: LdbPosition, hash: Uint8Array): void {
    this.#sequence = position.sequence;
    this.#hash = hash;
    this.#timestampUs = position.ledgerTimestampUs;
    this.#unattestedThrough = position.unattestedThrough;
    this.#inside = false;
  }

  /**
   * Checks the entry and steps onto it; on "gap-unsettled" the cursor has not moved.
   * @throws CtlstoreError `ledger_gap`, `ledger_hash_mismatch`, `ledger_malformed`; the cursor has not moved then
   */
  follow(entry: LedgerEntry): FollowResult {
    if (entry.sequence !== this.#sequence + 1n && this.#gapBefore(entry) === "unsettled") {
      return "gap-unsettled";
    }
    const link = nextLink(this.#hash, entry);
    if (entry.hash !== null && !sameHash(link, entry.hash)) throw hashMismatch(entry);
    const inside = this.#insideAfter(entry);
    if (entry.hash === null) this.#unattestedThrough = entry.sequence;
    else this.#attested = true;
    this.#inside = inside;
    this.#sequence = entry.sequence;
    this.#hash = link;
    this.#timestampUs = entry.writtenAtUs ?? entry.timestampUs;
    return "followed";
  }

  #gapBefore(entry: LedgerEntry): "old" | "unsettled" {
    const expected = (this.#sequence + 1n) as Sequence;
    if (entry.sequence < expected) {
      throw new CtlstoreError(
        "ledger_malformed",
        `Cannot apply ledger entry ${entry.sequence}: the LDB is at ${this.#sequence} already`,
        { sequence: entry.sequence },
      );
    }
    const judgement = this.#gaps.judge(expected, entry);
    if (judgement !== "fault") return judgement;
    throw new CtlstoreError(
      "ledger_gap",
      `Cannot apply ledger entry ${entry.sequence}: the ledger has no entry ${expected}, which must come first`,
      {
        sequence: entry.sequence,
        hint: "Entries are missing from the ledger. Find out who deleted them before you rebuild this LDB.",
      },
    );
  }

  #insideAfter(entry: LedgerEntry): boolean {
    // Nearly no entry is a marker: one character tells.
    if (entry.statement.charCodeAt(0) !== 0x2d /* - */) return this.#inside;
    if (entry.statement === BEGIN_MARKER) {
      if (this.#inside) throw malformed(entry, "a ledger transaction begins inside another");
      return true;
    }
    if (entry.statement === COMMIT_MARKER) {
      if (!this.#inside) throw malformed(entry, "a ledger transaction ends that never began");
      return false;
    }
    return this.#inside;
  }
}

export function isMarker(statement: string): boolean {
  if (statement.charCodeAt(0) !== 0x2d /* - */) return false;
  return statement === BEGIN_MARKER || statement === COMMIT_MARKER;
}

export function hashMismatch(entry: LedgerEntry): CtlstoreError {
  return new CtlstoreError(
    "ledger_hash_mismatch",
    `Cannot follow the ledger: the hash of entry ${entry.sequence} is not the one that its content and its predecessors give`,
    {
      sequence: entry.sequence,
      hint: "An entry was changed, or the ctldb was restored from a backup. Reads go on from the last good state; once the ctldb is right, start the Reflector with --rebootstrap.",
    },
  );
}

function malformed(entry: LedgerEntry, what: string): CtlstoreError {
  return new CtlstoreError("ledger_malformed", `Cannot apply ledger entry ${entry.sequence}: ${what}`, {
    sequence: entry.sequence,
  });
}
