/** The words of the reader's public API. */
import type { FieldType } from "../core/field-types.ts";

/**
 * One value of a row. `string` and `text` fields give strings, `decimal` numbers, `binary` and `bytestring` a
 * Uint8Array, `integer` a number, or a bigint as `integers` asks for. Rows that the original ctlstore wrote may
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

  /**
   * The keys that change, as they change: what a cache needs to stay right. The Reflector has to keep a changelog
   * (`--changelog`).
   *
   * Each change comes once, in the order of the ledger, and whole ledger transactions at a time: a consumer that keeps
   * the last `cursor` misses and doubles nothing, through restarts of its own, of the Reflector and of the machine. Where
   * that cannot be (the cursor is older than what is kept, the LDB was replaced) an event of kind "invalidate" says
   * that everything may have changed. Reads of this reader after an event see at least that change.
   *
   * Without `since` it begins at the time of this call, not of the first `next()`: call it before filling a cache.
   *
   * @example
   * ```ts
   * const changes = reader.changes({ family: "shop", table: "items" });
   * for await (const change of changes) {
   *   if (change.kind === "upsert" || change.kind === "delete") cache.delete(String(change.key[0]));
   *   else if (change.kind !== "schema") cache.clear();
   * }
   * ```
   * @throws CtlstoreError `malformed_request` (no cursor), `invalid_name`, `config_invalid`, `reader_closed`. The iteration
   *   rejects with `changelog_unavailable` when there is no changelog or it cannot be read, `reader_closed`, the signal's
   *   reason, or what a read throws when the LDB cannot be read; it waits for an LDB that is empty or behind. After that it
   *   is over; begin another one with its `cursor`.
   */
  changes(options?: ChangesOptions): Changes;

  /** Returns when the LDB can answer reads, and throws what a read would throw otherwise. */
  ping(): void;

  /** Frees the connection; calling it twice is fine. Every later call throws `reader_closed`. */
  close(): void;
}

/** Why a consumer has to take everything that it knows for changed. */
export type InvalidationReason =
  /** The changes after the cursor are not kept any more. */
  | "too_old"
  /** The LDB was replaced, or changes went by unseen: the cursor is of another history. */
  | "reset"
  /** The cursor is ahead of the LDB: it was not read from this one, or this one is behind. */
  | "ahead"
  /** Something changed of which neither key nor table can be said. */
  | "unlisted";

interface ChangeBase {
  /** Ledger sequence of the last statement that made this change. */
  readonly sequence: bigint;
  /** Where to go on after this event: give it as `since`. */
  readonly cursor: string;
  /** True for the last event of its ledger transaction, among those that pass the filter. */
  readonly last: boolean;
}

/** A row was written or deleted. What it is now is read from the LDB, which may already be further. */
export interface RowChange extends ChangeBase {
  /** A "delete" also comes for a row that was not there. */
  readonly kind: "upsert" | "delete";
  readonly family: string;
  readonly table: string;
  /**
   * The key, in key order, as `getRowByKey` takes it: strings, numbers (bigints under `integers: "bigint"`, and where a
   * number would not be exact) and Uint8Arrays.
   */
  readonly key: readonly KeyValue[];
  /** Names of the key's fields, in the same order. */
  readonly keyFields: readonly string[];
}

/** Something happened to a whole table. */
export interface TableChange extends ChangeBase {
  /**
   * "clear": all its rows were deleted. "drop": it was dropped. "schema": it was made, or has more fields; its rows are the
   * same. "reload": any of its rows may have changed.
   */
  readonly kind: "clear" | "drop" | "schema" | "reload";
  readonly family: string;
  readonly table: string;
}

/** Everything may have changed: forget all that was kept, and read what is needed from the LDB. */
export interface Invalidation extends ChangeBase {
  readonly kind: "invalidate";
  readonly reason: InvalidationReason;
  readonly last: true;
}

export type ChangeEvent = RowChange | TableChange | Invalidation;

export interface ChangesOptions {
  /**
   * Where to begin: the `cursor` of the last event that was dealt with, or a ledger sequence (a bigint, a number, or
   * its decimal digits), which is meant of whatever history the changelog has, or "oldest" for all that is kept. Without
   * it: changes after this call.
   */
  readonly since?: string | number | bigint;
  /** Only changes in this family. */
  readonly family?: string;
  /** Only changes of this table; needs `family`. It need not exist. */
  readonly table?: string;
  /** False: ends where there is no more for now, in place of waiting for it. */
  readonly follow?: boolean;
  /** Ends the iteration: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How often the changelog is looked at while nothing happens; 20 ms unless told. A look is one `stat`. */
  readonly pollIntervalMs?: number;
  /** Where the Reflector was told to keep its changelog (`--changelog-path`); `change.log` beside `ldb.db` unless told. */
  readonly changelogPath?: string;
}

/** Changes, as they come. One file is open while it is iterated; `return`, or leaving the loop, frees it. */
export interface Changes extends AsyncIterableIterator<ChangeEvent>, AsyncDisposable {
  /**
   * Where to go on if the iteration ended here: after the last event that was given and all changes that the filter passed
   * over since. Keep it, to lose no time over changes of other tables. Null while there is no place yet, since the
   * changelog was not found, or a bare sequence was given and no event was asked for.
   */
  readonly cursor: string | null;
  next(): Promise<IteratorResult<ChangeEvent, undefined>>;
  /** Ends the iteration, quietly; also one that waits for its next event. */
  return(): Promise<IteratorResult<ChangeEvent, undefined>>;
  [Symbol.asyncIterator](): Changes;
}

export interface ReaderWarning {
  readonly code: "old_sqlite" | "unreadable_replacement";
  readonly message: string;
}

/** How integers come; see `ReaderOptions.integers`. */
export type IntegerForm = "number" | "bigint" | "mixed";

export interface ReaderOptions {
  /** The LDB's folder, or its `ldb.db`. */
  readonly path: string;
  /**
   * How integers come. "number" (the default): one beyond ±(2^53 - 1) throws `unsafe_integer`, never rounds.
   * "bigint": every integer is a bigint. "mixed": a number where that is exact, and a bigint beyond.
   */
  readonly integers?: IntegerForm;
  /** SQLite's page cache for this reader, in bytes; 16 MiB unless told. */
  readonly cacheBytes?: number;
  /** How often the path is looked at for an LDB that somebody replaced by hand; 100 ms unless told. */
  readonly fileCheckIntervalMs?: number;
  /** Gets each warning once; `process.emitWarning` unless told. */
  readonly onWarning?: (warning: ReaderWarning) => void;
}
