/**
 * The seam between the ledger's rules and a database: what an adapter must be able to do.
 *
 * The rules (who may write, cookies, sequences, hashes, groups) are in this folder and know no database; an adapter
 * runs what it is told inside one transaction that holds the ledger lock.
 */
import type { CtlstoreError } from "../core/errors.ts";
import type { FamilyName, FieldName, LdbTableName, TableName, WriterName } from "../core/names.ts";
import type { Catalog, FieldSchema, TableSchema } from "../core/schema.ts";
import type { Sequence } from "../core/sequence.ts";
import type { SqlValue } from "../core/values.ts";
import type { Usage } from "./limits/contract.ts";
import type { InspectedChange, Inspection } from "./preview/inspection.ts";
import type { PageSelection, StoredPage } from "./row-pages.ts";

/** A cell of the ctldb's own tables; numbers as decimal text. */
export type SystemCell = null | string | Uint8Array;
export type SystemRow = readonly SystemCell[];

export interface FoundRows {
  readonly rows: readonly SystemRow[];
  /** The query's own time, without what it had to wait for. */
  readonly tookMs: number;
}

/** One statement of a write, as data for adapters that render it themselves and as ledger text for those that do not. */
export interface RowOperation {
  readonly kind: "upsert" | "delete" | "clear";
  readonly schema: TableSchema;
  /** Of an upsert one value per field, of a delete one per key field in key order, of a clear none. */
  readonly values: readonly SqlValue[];
  /** The ledger statement. */
  readonly statement: string;
}

/** A change of tables, complete enough to be repeated by another process after a crash. */
export type SchemaChange = {
  /** Who asked for it, for the audit trail of whoever finishes it. */ readonly actor?: string;
} & (
  | { readonly kind: "create"; readonly schema: TableSchema }
  /** `schema` is the table after the change. */
  | { readonly kind: "add-fields"; readonly schema: TableSchema; readonly added: readonly FieldSchema[] }
  | { readonly kind: "drop"; readonly schema: TableSchema }
);

/** Where the ledger stands; read from and written to the lock row. */
export interface LedgerHead {
  readonly sequence: Sequence;
  /** Link of the chain at `sequence`. */
  readonly hash: Uint8Array;
  readonly schemaVersion: bigint;
}

export interface WriterRecord {
  readonly name: WriterName;
  /** As `access/secrets.ts` makes it, or SHA-256 of the secret in hex, as the original does. */
  readonly secretHash: string;
  /** The secret before the last rotation, and until when it is valid in Unix seconds. */
  readonly previousSecret: { readonly hash: string; readonly until: number } | null;
  /** The families that it may write; null when none were ever given. */
  readonly grants: ReadonlySet<string> | null;
  readonly cookie: Uint8Array;
}

/** A ledger entry about to be written. */
export interface NewEntry {
  readonly sequence: Sequence;
  readonly timestampUs: number;
  readonly statement: string;
  readonly hash: Uint8Array;
  /** Null for markers. */
  readonly table: { readonly family: FamilyName; readonly table: TableName } | null;
  readonly writer: WriterName | null;
  /** The `traceparent` of a write that is traced; no part of `hash`, see `LedgerEntry`. */
  readonly trace: string | null;
}

/** What ends a ledger transaction: everything but the rows themselves. */
export interface LedgerTail {
  readonly entries: readonly NewEntry[];
  readonly head: LedgerHead;
  /** At most one per writer: its last cookie, and how many times it moved. */
  readonly cookies: ReadonlyArray<{
    readonly writer: WriterName;
    readonly cookie: Uint8Array;
    readonly moves: number;
  }>;
  readonly newFamilies: readonly FamilyName[];
  /** More changes of the ctldb's own tables: SQL that is the same for every database. */
  readonly statements?: readonly string[];
  /** `entry_id` of the audit entry among `statements`, by which a commit whose answer was lost is recognised. */
  readonly auditId?: string;
  /** True when limits were changed: every Executive loads them anew before its next write. */
  readonly changesPolicy?: boolean;
}

export type CommitOutcome =
  | { readonly status: "committed" }
  /** The database refused a statement of this unit; the units before it stand, the rest did not run. */
  | { readonly status: "refused"; readonly unit: number; readonly error: CtlstoreError };

/** What is known when the ledger lock has been taken. */
export interface LockedLedgerState {
  readonly head: LedgerHead;
  /** The writers asked for that exist. */
  readonly writers: ReadonlyMap<WriterName, WriterRecord>;
  /** What they, and the fleet under its own name, have used of the window that `nowSeconds` is in. */
  readonly usage: ReadonlyMap<string, Usage>;
  /** Unix time by the clock that all Executives share: that of the database. */
  readonly nowSeconds: number;
  /** Goes up with every change of limits made by an Executive of ours. */
  readonly policyVersion: bigint;
  /** Schema changes that somebody began and did not finish: to be finished before anything else. */
  readonly unfinished: readonly SchemaChange[];
}

/** An open transaction that holds the ledger lock. Ends with `commit` (unless refused), `changeSchema` or `rollback`. */
export interface LockedLedger extends LockedLedgerState {
  loadCatalog(): Promise<Catalog>;
  /** Rows of one SELECT, the same text for every database, as this transaction sees them. */
  query(sql: string): Promise<SystemRow[]>;
  /**
   * Runs units that have not run yet, each in its own savepoint, then the tail, then COMMIT.
   * After "refused" the transaction is still open: call again with the units after the refused one and a new tail.
   * @throws CtlstoreError `ctldb_unavailable` (nothing was changed) or `commit_outcome_unknown`
   */
  commit(units: ReadonlyArray<readonly RowOperation[]>, tail: LedgerTail): Promise<CommitOutcome>;
  /**
   * Makes the changes durable as an intent, carries them out, then commits the tail, the catalog and the end of the
   * intent together. With `unfinished` changes these are the intents, and `changes` those of them that still apply.
   * A refusal undoes everything and ends the intent; the caller rolls back.
   * @throws CtlstoreError `invalid_schema`, `table_exists`, `ctldb_incompatible`, `ctldb_unavailable` (nothing was
   *   changed), `commit_outcome_unknown` (the intent stands and will be carried out)
   */
  changeSchema(changes: readonly SchemaChange[], tail: LedgerTail): Promise<void>;
  rollback(): Promise<void>;
}

export interface LedgerStore extends AsyncDisposable {
  readonly kind: "mysql" | "sqlite";
  /** Product and version of the database. */
  readonly server: string;
  readonly epoch: string;
  /** Longest ledger statement that the database can take at present, in bytes. */
  readonly maxStatementBytes: number;
  /** SQL for the time of an entry that the original wrote, in UTC (D21). */
  readonly leaderTimestamp: string;

  /** Takes the ledger lock. @throws CtlstoreError `ctldb_unavailable` */
  begin(writers: readonly WriterName[]): Promise<LockedLedger>;
  /** Head as last committed, without the lock. */
  readHead(): Promise<LedgerHead>;
  /** The committed catalog, without the lock. */
  loadCatalog(): Promise<Catalog>;
  /** Rows of one table without the lock; null when it is not, or no longer, as the schema says. */
  readPage(selection: PageSelection): Promise<StoredPage | null>;
  readWriter(writer: WriterName): Promise<WriterRecord | null>;
  /** What the database says of changes of tables before they are made, one answer each; changes nothing. */
  inspect(changes: readonly InspectedChange[]): Promise<Inspection[]>;
  /** Rows of one SELECT, the same text for every database, as last committed. @throws CtlstoreError `ctldb_unavailable` */
  query(sql: string): Promise<SystemRow[]>;
  /** As `query`, for what may take long: beside all that others wait for. @throws CtlstoreError `ctldb_unavailable` */
  search(sql: string): Promise<FoundRows>;
  /**
   * One statement that needs no ledger lock; the number of rows that it changed.
   * @throws CtlstoreError `ctldb_unavailable`
   */
  execute(sql: string): Promise<number>;
  /** Unix time by the clock that all Executives share, without the lock. @throws CtlstoreError `ctldb_unavailable` */
  nowSeconds(): Promise<number>;
  /**
   * What each table takes with its key, in bytes and by its name in the ctldb: the pages that hold it, with the gaps in
   * them. Delays no write.
   * @throws CtlstoreError `ctldb_unavailable`, or the signal's reason
   */
  measureTables(signal: AbortSignal): Promise<ReadonlyMap<string, bigint>>;
}

/** Columns of a table as a database reports them, for taking over a ctldb of the original. */
export interface FoundTable {
  readonly name: LdbTableName;
  readonly fields: readonly FieldSchema[];
  readonly keyFields: readonly FieldName[];
}
