/**
 * Looking at the ledger: its entries, page by page, and what happened to one key.
 *
 * Nothing is locked, and nobody who writes waits for it. There is no index on a table's entries, since each would cost every
 * write: a search goes through the ledger in steps, has a budget, and says how far it came.
 */
import type { StatementKind } from "../../core/ledger/statements.ts";
import type { FamilyName, TableName, WriterName } from "../../core/names.ts";
import type { Sequence } from "../../core/sequence.ts";
import type { SqlValue } from "../../core/values.ts";

export interface EntriesRequest {
  /** After a sequence and the oldest first, or before one and the newest first; null is the ledger's end. */
  readonly from: { readonly after: Sequence } | { readonly before: Sequence | null };
  readonly limit: number;
  readonly family?: FamilyName;
  /** Only with the family. */
  readonly table?: TableName;
  /** Statements as long as they are. */
  readonly full?: boolean;
}

/** An entry of the ledger with what is known of it; entries of the original say it by their statement alone. */
export interface InspectedEntry {
  readonly sequence: Sequence;
  /** Whole seconds in entries of the original; 0 where it kept none. */
  readonly timestampUs: number;
  /** Null of markers, and of statements that name no table. */
  readonly family: FamilyName | null;
  readonly table: TableName | null;
  readonly writer: WriterName | null;
  readonly kind: StatementKind;
  readonly statement: string;
  /** True when the statement goes on. */
  readonly isCut: boolean;
  readonly hash: Uint8Array | null;
}

export interface LedgerBounds {
  /** Of the oldest entry; 0 of an empty ledger. */
  readonly first: Sequence;
  /** Of the newest entry; 0 of an empty ledger. */
  readonly head: Sequence;
}

export interface EntriesPage extends LedgerBounds {
  readonly entries: readonly InspectedEntry[];
  /** Where to go on, in the direction that was asked for: all up to here was looked at. */
  readonly next: Sequence;
}

export interface HistoryRequest {
  readonly family: FamilyName;
  readonly table: TableName;
  /** The key's values in key order, as JSON has them. */
  readonly key: readonly unknown[];
  /** Changes before this sequence; null is the ledger's end. */
  readonly before: Sequence | null;
  readonly limit: number;
}

/** Values by field name. */
export type RowImage = Readonly<Record<string, SqlValue>>;

export interface KeyChange {
  readonly sequence: Sequence;
  /** Of the last entry of its batch, or its own when it stands alone; null where that cannot be told. */
  readonly transaction: Sequence | null;
  readonly timestampUs: number;
  readonly writer: WriterName | null;
  readonly kind: "upsert" | "delete" | "clear" | "drop" | "create";
  /** Null when there was no row; undefined where that is not known. */
  readonly old: RowImage | null | undefined;
  readonly new: RowImage | null;
}

export interface HistoryPage {
  /** As it was asked for, checked. */
  readonly key: readonly SqlValue[];
  /** The newest first. */
  readonly changes: readonly KeyChange[];
  /** The `before` of the next page; null when the ledger was searched to its beginning. */
  readonly next: Sequence | null;
  /** All entries from here up were searched. */
  readonly searchedThrough: Sequence;
  /**
   * Entries of the table among those that are no statements of ctlstore's: they may be about the key. The newest first, and
   * no more than a page has changes.
   */
  readonly unreadable: readonly Sequence[];
}

export interface LedgerInspection {
  /** One page of entries. @throws CtlstoreError `ctldb_unavailable` */
  entries(request: EntriesRequest): Promise<EntriesPage>;
  /**
   * Resolves when the ledger has an entry after the sequence, when the time is up, or when the signal aborts.
   * @throws CtlstoreError `overloaded` (too many wait already), `ctldb_unavailable`
   */
  untilAfter(sequence: Sequence, waitMs: number, signal: AbortSignal): Promise<void>;
  /**
   * What happened to a key, the newest first.
   * @throws CtlstoreError `unknown_family`, `unknown_table`, `invalid_key`, `invalid_value`, `ctldb_unavailable`
   */
  history(request: HistoryRequest): Promise<HistoryPage>;
}
