/**
 * The rows of a ctldb as of one moment, for comparing an LDB with them (D9).
 *
 * Read-only, beside everything that writes. Whoever compares opens his LDB's transaction first and a view after it:
 * the view is then at the LDB's sequence or later, and the ledger between the two says what may differ.
 */
import type { LdbTableName } from "../core/names.ts";
import type { Sequence } from "../core/sequence.ts";
import type { Cell, ReadManner, RowSelection } from "../core/sql/stored-rows.ts";
import type { FoundTable } from "./store.ts";

/** An entry of the ledger between an LDB and a view. */
export interface LedgerChange {
  readonly sequence: Sequence;
  readonly statement: string;
}

/** One committed state of a ctldb. */
export interface RowView extends AsyncDisposable {
  /** Null while only the original has written this ctldb. */
  readonly epoch: string | null;
  /** Sequence of the last ledger entry in this state. */
  readonly headSequence: Sequence;
  /** Gaps in the ledger at or below this sequence are old ones of the original. */
  readonly takeoverSequence: Sequence;
  readonly tables: readonly FoundTable[];
  /** Tables of the original with columns that ctlstore does not make. */
  readonly foreign: readonly LdbTableName[];
  /** The link of the chain at a sequence; null where there is no such entry, or one of the original. */
  hashAt(sequence: Sequence): Promise<Uint8Array | null>;
  /** The entries after a sequence, oldest first; false gives up the rest and the view with it. */
  changesAfter(sequence: Sequence, onChange: (change: LedgerChange) => boolean): Promise<void>;
  /**
   * Gives every row of a table to `onRow`, in an array that is used again for the next.
   * @returns false when the table is not as its schema says: it is being changed, or was changed by hand
   * @throws CtlstoreError `ctldb_unavailable`, and what `onRow` throws
   */
  readRows(
    selection: RowSelection,
    manner: ReadManner,
    onRow: (cells: readonly Cell[]) => void,
  ): Promise<boolean>;
}

/** A ctldb whose rows can be read. */
export interface RowSource extends AsyncDisposable {
  /** @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible` */
  openView(): Promise<RowView>;
}
