/**
 * The source of truth, as the Executive sees it.
 *
 * One write = one ledger transaction: take the ledger lock, check the credentials and the cookie, apply the mutations,
 * move the cookie, append to the ledger, commit (I1, I2, I3). Writes that wait for the lock together are committed
 * together, each in its own savepoint. Two adapters keep this contract (`mysql/`, `sqlite/`); one suite checks both
 * (`tests/ctldb/conformance.ts`).
 */

import type { FamilyName, TableName, WriterName } from "../core/names.ts";
import type { Span } from "../core/process/tracing/tracer.ts";
import type { Catalog, FieldSchema, TableSchema } from "../core/schema.ts";
import type { Sequence } from "../core/sequence.ts";
import type { AuditTrail, ChangeOptions, DeclaredReaders, Operators, Writers } from "./access/contract.ts";
import type { LedgerInspection } from "./inspection/contract.ts";
import type { Limits } from "./limits/contract.ts";
import type { ChangePreview, ProposedChange } from "./preview/contract.ts";
import type { FoundRow, RowRequest, RowsPage, RowsRequest } from "./row-pages.ts";

/** One mutation as it came in; values are checked against the schema inside. */
export interface Mutation {
  readonly table: TableName;
  readonly kind: "upsert" | "delete";
  /** By field name, in any case: JSON values as `parseExactJson` gives them, or bytes. Of a delete only the key counts. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface WriteRequest {
  readonly writer: WriterName;
  readonly secret: string;
  /** The family of every mutation; null for a request that only moves the cookie. */
  readonly family: FamilyName | null;
  readonly mutations: readonly Mutation[];
  /** The cookie to store; absent leaves the stored one alone. */
  readonly cookie?: Uint8Array;
  /** When present, the stored cookie must equal it. */
  readonly checkCookie?: Uint8Array;
  /** The span of whoever asks, when it is kept: below it stands what became of the write, and its ledger entries name it. */
  readonly span?: Span;
}

export interface WriteResult {
  /** Sequence of the last ledger entry of this write; without mutations, the head at that moment. */
  readonly sequence: Sequence;
}

export interface ClearResult extends WriteResult {
  /** How many tables were cleared. */
  readonly tables: number;
}

export interface CtlDbStatus {
  readonly kind: "mysql" | "sqlite";
  /** Product and version of the database server. */
  readonly server: string;
  readonly epoch: string;
  readonly headSequence: Sequence;
  readonly schemaVersion: bigint;
}

export interface CtlDb extends AsyncDisposable {
  readonly kind: "mysql" | "sqlite";
  readonly writers: Writers;
  readonly operators: Operators;
  readonly readers: DeclaredReaders;
  readonly audit: AuditTrail;
  readonly limits: Limits;
  /** Writes that wait for their turn at the ledger lock. */
  readonly waitingWrites: number;
  /** The ledger, for whoever wants to see what happened. */
  readonly inspection: LedgerInspection;

  /**
   * Applies one write. All of it takes effect or none.
   * @throws CtlstoreError `bad_credentials`, `not_granted`, `cookie_conflict`, `rate_limited`, `table_full`, `unknown_family`, `unknown_table`, `unknown_field`,
   *   `missing_key_field`, `invalid_value` (with `index` and `field`), `statement_too_large`,
   *   `too_many_mutations` and `request_too_large` (more rows or bytes than a whole minute's limit), `overloaded`,
   *   `ctldb_unavailable` (nothing was changed), `commit_outcome_unknown` (read the cookie)
   */
  write(request: WriteRequest): Promise<WriteResult>;

  /** @throws CtlstoreError `family_exists` */
  createFamily(family: FamilyName, options?: ChangeOptions): Promise<void>;
  /**
   * Creates all of the tables or none. As any change of tables, it may be carried out later although the call failed
   * with `commit_outcome_unknown`: then read the catalog.
   * @throws CtlstoreError `table_exists`, `unknown_family`, `invalid_schema`, `schema_too_large`
   */
  createTables(tables: readonly TableSchema[], options?: ChangeOptions): Promise<WriteResult>;
  /** @throws CtlstoreError `unknown_table`, `field_exists`, `invalid_schema`, `schema_too_large` */
  addFields(
    family: FamilyName,
    table: TableName,
    fields: readonly FieldSchema[],
    options?: ChangeOptions,
  ): Promise<WriteResult>;
  /** @throws CtlstoreError `unknown_table` */
  dropTable(family: FamilyName, table: TableName, options?: ChangeOptions): Promise<WriteResult>;
  /** Deletes all rows of one table, or of every table of the family. @throws CtlstoreError `unknown_table`, `unknown_family` */
  clearRows(family: FamilyName, table: TableName | null, options?: ChangeOptions): Promise<ClearResult>;
  /** What a change of tables would do and why it might be refused; changes nothing. @throws CtlstoreError `ctldb_unavailable` */
  preview(change: ProposedChange): Promise<ChangePreview>;
  /** The schema as of now, also when another Executive has just changed it. */
  catalog(): Promise<Catalog>;

  /**
   * One page of a table, as of one moment; beside everything that writes.
   * @throws CtlstoreError `unknown_family`, `unknown_table`, `invalid_value` (a key that cannot be one of this table),
   *   `invalid_key` (a prefix that is too long), `ctldb_unavailable`
   */
  readRows(request: RowsRequest): Promise<RowsPage>;
  /**
   * The row of one key, with the sequence of the state that it is from.
   * @throws CtlstoreError `unknown_family`, `unknown_table`, `unknown_row`, `invalid_key` (another number of values),
   *   `invalid_value`, `ctldb_unavailable`
   */
  readRow(request: RowRequest): Promise<FoundRow>;

  /**
   * Refuses whoever is no writer, before anything is done for it; from memory that is at most `ACCESS_LIMITS.cacheMs` old,
   * so that a write is judged again.
   * @throws CtlstoreError `bad_credentials`, `overloaded`, `ctldb_unavailable`
   */
  authenticate(writer: WriterName, secret: string): Promise<void>;
  /** The writer's cookie, empty when none was ever stored. @throws CtlstoreError `bad_credentials` */
  readCookie(writer: WriterName, secret: string): Promise<Uint8Array>;

  /** @throws CtlstoreError `ctldb_unavailable` */
  status(): Promise<CtlDbStatus>;
}
