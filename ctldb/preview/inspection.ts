/**
 * What a database is asked about changes of tables before they are made: the part of a preview that only it knows.
 *
 * Nothing is changed, no ledger lock is taken, and a deadline bounds all of it: what is not known by then is estimated or
 * left out.
 */
import type { CtlstoreError } from "../../core/errors.ts";
import type { WriterName } from "../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import type { ChangeCost } from "./contract.ts";

/** One table's part of a change; a schema change is one. */
export type InspectedChange =
  | { readonly kind: "create"; readonly schema: TableSchema }
  /** `schema` is the table after the change. */
  | { readonly kind: "add-fields"; readonly schema: TableSchema; readonly added: readonly FieldSchema[] }
  | { readonly kind: "drop"; readonly schema: TableSchema }
  | { readonly kind: "clear"; readonly schema: TableSchema };

export interface RowCount {
  readonly rows: bigint;
  readonly isEstimate: boolean;
}

export interface RecentWriter {
  readonly writer: WriterName;
  readonly lastUs: number;
}

export interface Inspection {
  /** As the database would run them. */
  readonly statements: readonly string[];
  readonly cost: ChangeCost;
  /** Null of a table that is not there. */
  readonly count: RowCount | null;
  /** The last one first; only those of the newest entries of the ledger (`PREVIEW_LIMITS.ledgerEntries`). */
  readonly writers: readonly RecentWriter[];
  /** Why the database would refuse the change, as far as it can be made to say so. */
  readonly refusals: readonly CtlstoreError[];
}

/** Ends the long parts of an inspection. */
export interface Deadline {
  /** Milliseconds that are left; 0 when it is over. */
  leftMs(): number;
}
