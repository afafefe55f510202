/**
 * Where in a block the open SQLite transaction began, and how far it could be committed.
 *
 * Indexes are those of the block's entries. A ledger transaction may be larger than a block: then the SQLite transaction
 * was opened in an earlier one, and nothing of this block can be committed without what came before (I6).
 */
import type { LedgerEntry } from "../core/ledger/entry.ts";
import { isMarker } from "./ledger-cursor.ts";

/** Index that stands for "in an earlier block". */
const EARLIER_BLOCK = -1;

export class BlockExtent {
  /** After the last entry of the block that ends outside a ledger transaction. */
  readonly #boundary: number;
  #openedAt = EARLIER_BLOCK;
  #wholeUntil = 0;

  /** @param inside whether the block begins inside a ledger transaction */
  constructor(entries: readonly LedgerEntry[], inside: boolean) {
    this.#boundary = lastBoundary(entries, inside);
  }

  get openedEarlier(): boolean {
    return this.#openedAt === EARLIER_BLOCK;
  }

  /** A SQLite transaction was opened before the entry at this index. */
  opened(at: number): void {
    this.#openedAt = at;
    this.#wholeUntil = at;
  }

  /** All before this index are whole ledger transactions. @returns whether nothing after it in the block ends outside one */
  wholeUntil(next: number): boolean {
    this.#wholeUntil = next;
    return next === this.#boundary;
  }

  /** From where to where the open transaction holds whole ledger transactions of this block; null when it holds none. */
  whole(): { readonly from: number; readonly until: number } | null {
    const [from, until] = [this.#openedAt, this.#wholeUntil];
    return from === EARLIER_BLOCK || until <= from ? null : { from, until };
  }
}

/** Index after the last entry that ends outside a ledger transaction; 0 when the whole block is inside one. */
function lastBoundary(entries: readonly LedgerEntry[], inside: boolean): number {
  for (let at = entries.length - 1; at >= 0; at--) {
    const statement = entries[at]?.statement ?? "";
    if (isMarker(statement)) return statement.endsWith("BEGIN") ? at : entries.length;
  }
  return inside ? 0 : entries.length;
}
