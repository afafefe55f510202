/** The words of the reader's public API. */
import type { FieldType } from "../core/field-types.ts";

/**
 * One value of a row. `string` and `text` fields give strings, `decimal` numbers, `binary` and `bytestring` a
 * Uint8Array, `integer` a number, or a bigint under `integers: "bigint"`. Rows that the original ctlstore wrote may
 * hold other kinds (text in an integer field, bytes in a string field): they are returned as they are.
 */
export type RowValue = null | number | bigint | string | Uint8Array;

/** A row by field name: a plain object of the caller's own. */
export type Row = Record<string, RowValue>;

/** One part of a key: a string for a `string` field, a number or bigint for `integer`, a Uint8Array for `bytestring`. */
export type KeyValue = string | number | bigint | Uint8Array;

/** A whole key, in key order; a key of one part may stand alone. */
export type Key = KeyValue | readonly KeyValue[];

export interface ReaderField {
  readonly name: string;
  /** Null for a column that ctlstore did not declare. */
  readonly type: FieldType | null;
}

/** A table as it is in the LDB now. */
export interface ReaderTable {
  readonly family: string;
  readonly table: string;
  /** In the order in which they were declared. */
  readonly fields: readonly ReaderField[];
  /** In the order of the primary key. */
  readonly keyFields: readonly string[];
}

/** The reads, on a reader or inside a snapshot. Every one may throw the codes listed at `LdbReader`. */
export interface LdbReads {
  /**
   * The row with this key, or null when there is none.
   * @throws CtlstoreError `unknown_table`, `invalid_key` (wrong number or kind of parts), `unsafe_integer`
   */
  getRowByKey<T extends Row = Row>(family: string, table: string, ...key: KeyValue[]): T | null;

  /**
   * The rows with these keys, all of one committed state: one element per key, in the order of `keys`, null where
   * there is no row. At most 10,000 keys.
   * @throws CtlstoreError `unknown_table`, `invalid_key`, `unsafe_integer`, `request_too_large`
   */
  getRows<T extends Row = Row>(family: string, table: string, keys: readonly Key[]): (T | null)[];

  /**
   * The rows whose key begins with these parts, in key order, all of one committed state; no parts means all rows.
   *
   * They are read whole before this returns (at most a million, otherwise `request_too_large`), so an iterator left
   * open holds nothing in the LDB.
   * @throws CtlstoreError `unknown_table`, `invalid_key`, `unsafe_integer`, `request_too_large`
   */
  getRowsByKeyPrefix<T extends Row = Row>(
    family: string,
    table: string,
    ...prefix: KeyValue[]
  ): IterableIterator<T>;

  /** Names of the families that have tables, sorted. */
  families(): string[];
  /** All tables, or those of one family, sorted by name. */
  tables(family?: string): { family: string; table: string }[];
  /** Fields and key of a table. @throws CtlstoreError `unknown_table` */
  tableSchema(family: string, table: string): ReaderTable;

  /** Seconds between the newest applied ledger entry and now: how stale the LDB is at most, while heartbeats come. */
  getLedgerLatency(): number;
  /** Sequence of the last ledger entry in the LDB. */
  getLastSequence(): bigint;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads one LDB. Every read sees the latest committed state, follows schema changes and a replaced LDB, and never
 * writes.
 *
 * An LDB that cannot answer is an error, never "not found". Every read may throw a CtlstoreError with code
 * `ldb_empty` (the LDB was never filled), `ldb_regressed` (it is older than what this reader has read already),
 * `ldb_incompatible` (made by a newer ctlstore), `ldb_damaged`, `ldb_not_found` (it cannot be opened any more),
 * `ldb_unavailable` (a stranger keeps it locked) or `reader_closed`.
 */
export interface LdbReader extends LdbReads, Disposable {
  /**
   * Runs several reads on one committed state. The function must be synchronous, and short: while it runs, the
   * LDB's write-ahead log cannot shrink. The reader's own reads made inside it see the same state.
   * @throws TypeError when the function returns a promise
   */
  snapshot<Result>(read: (reads: LdbReads) => Result): Result;

  /**
   * Resolves once the LDB holds this sequence, as returned by a write. Also waits for an LDB that is still empty.
   * @throws CtlstoreError `wait_timeout`, `ldb_incompatible`, `ldb_damaged`, `reader_closed`; the signal's reason when
   *   aborted; RangeError when it is no sequence
   */
  waitFor(sequence: number | bigint | string, options: WaitOptions): Promise<void>;

  /** Returns when the LDB can answer reads, and throws what a read would throw otherwise. */
  ping(): void;

  /** Frees the connection; calling it twice is fine. Every later call throws `reader_closed`. */
  close(): void;
}

export interface ReaderWarning {
  readonly code: "old_sqlite" | "unreadable_replacement";
  readonly message: string;
}

export interface ReaderOptions {
  /** The LDB's folder, or its `ldb.db`. */
  readonly path: string;
  /**
   * How integers come. "number" (the default): one beyond ±(2^53 - 1) throws `unsafe_integer`, never rounds.
   * "bigint": every integer is a bigint.
   */
  readonly integers?: "number" | "bigint";
  /** SQLite's page cache for this reader, in bytes; 16 MiB unless told. */
  readonly cacheBytes?: number;
  /** How often the path is looked at for an LDB that somebody replaced by hand; 100 ms unless told. */
  readonly fileCheckIntervalMs?: number;
  /** Gets each warning once; `process.emitWarning` unless told. */
  readonly onWarning?: (warning: ReaderWarning) => void;
}
