/**
 * The source of truth, as the Executive sees it.
 *
 * One write = one ledger transaction: take the ledger lock, check the credentials and the cookie, apply the mutations,
 * move the cookie, append to the ledger, commit (I1, I2, I3). Writes that wait for the lock together are committed
 * together, each in its own savepoint. Two adapters keep this contract (`mysql/`, `sqlite/`); one suite checks both
 * (`tests/ctldb/conformance.ts`).
 */

import type { FamilyName, TableName, WriterName } from "../core/names.ts";
import type { Catalog, FieldSchema, TableSchema } from "../core/schema.ts";
import type { Sequence } from "../core/sequence.ts";
import type { RowsPage, RowsRequest } from "./row-pages.ts";

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
}

export interface WriteResult {
  /** Sequence of the last ledger entry of this write; without mutations, the head at that moment. */
  readonly sequence: Sequence;
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

  /**
   * Applies one write. All of it takes effect or none.
   * @throws CtlstoreError `bad_credentials`, `cookie_conflict`, `unknown_family`, `unknown_table`, `unknown_field`,
   *   `missing_key_field`, `invalid_value` (with `index` and `field`), `statement_too_large`, `overloaded`,
   *   `ctldb_unavailable` (nothing was changed), `commit_outcome_unknown` (read the cookie)
   */
  write(request: WriteRequest): Promise<WriteResult>;

  /** @throws CtlstoreError `family_exists` */
  createFamily(family: FamilyName): Promise<void>;
  /**
   * Creates all of the tables or none. As any change of tables, it may be carried out later although the call failed
   * with `commit_outcome_unknown`: then read the catalog.
   * @throws CtlstoreError `table_exists`, `unknown_family`, `invalid_schema`
   */
  createTables(tables: readonly TableSchema[]): Promise<WriteResult>;
  /** @throws CtlstoreError `unknown_table`, `field_exists`, `invalid_schema` */
  addFields(family: FamilyName, table: TableName, fields: readonly FieldSchema[]): Promise<WriteResult>;
  /** @throws CtlstoreError `unknown_table` */
  dropTable(family: FamilyName, table: TableName): Promise<WriteResult>;
  /** Deletes all rows of one table, or of every table of the family. @throws CtlstoreError `unknown_table`, `unknown_family` */
  clearRows(family: FamilyName, table: TableName | null): Promise<WriteResult>;
  /** The schema as of now, also when another Executive has just changed it. */
  catalog(): Promise<Catalog>;

  /**
   * One page of a table, as of one moment; beside everything that writes.
   * @throws CtlstoreError `unknown_family`, `unknown_table`, `invalid_value` (a key that cannot be one of this table),
   *   `ctldb_unavailable`
   */
  readRows(request: RowsRequest): Promise<RowsPage>;

  /** Registers; the same name and secret again is a no-op. @throws CtlstoreError `writer_exists` for another secret */
  registerWriter(writer: WriterName, secret: string): Promise<void>;
  /** The writer's cookie, empty when none was ever stored. @throws CtlstoreError `bad_credentials` */
  readCookie(writer: WriterName, secret: string): Promise<Uint8Array>;

  /** @throws CtlstoreError `ctldb_unavailable` */
  status(): Promise<CtlDbStatus>;
}
