/** What a comparison of an LDB with its ctldb finds out. */
import type { RowsSummary } from "../core/digest/table-digest.ts";
import type { FamilyName, TableName } from "../core/names.ts";
import type { Sequence } from "../core/sequence.ts";
import type { Cell } from "../core/sql/stored-rows.ts";

export type TableStatus =
  | "equal" // every row, to the byte and the storage class
  | "different" // rows are missing, extra or not the same
  | "schema_differs" // fields, types or key; rows were not compared
  | "missing_in_ldb"
  | "missing_in_ctldb"
  | "unreadable" // the ctldb's table is not what its catalog says
  | "busy"; // changed as a whole each time it was looked at; not compared

/** Cells by field name. */
export type NamedCells = ReadonlyMap<string, Cell>;

export interface RowDifference {
  /** "missing" in the LDB, "extra" in the LDB, or with other values there. */
  readonly kind: "missing" | "extra" | "different";
  readonly key: NamedCells;
  /** Of a different row, the fields that differ. */
  readonly fields: readonly string[];
  /** The whole row on either side; null where there is none. */
  readonly ldb: NamedCells | null;
  readonly ctldb: NamedCells | null;
}

export interface RowDifferences {
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  /** The first of them, in key order. */
  readonly shown: readonly RowDifference[];
}

export interface TableReport {
  readonly family: FamilyName;
  readonly table: TableName;
  readonly status: TableStatus;
  /** Of the rows that were compared; null where none were. */
  readonly ldb: RowsSummary | null;
  readonly ctldb: RowsSummary | null;
  readonly differences: RowDifferences | null;
  /** Rows that were being changed whenever they were looked at, so that nothing is said about them. */
  readonly changing: number;
  /** What is behind a status that is not about rows. */
  readonly reason: string | null;
}

export interface VerifyReport {
  /** True when every table is equal. */
  readonly equal: boolean;
  /** Where the LDB and the ctldb were when last looked at. */
  readonly ldbSequence: Sequence;
  readonly headSequence: Sequence;
  readonly epoch: string | null;
  readonly warnings: readonly string[];
  /** By name. */
  readonly tables: readonly TableReport[];
  /** Looks that it took: more than one when rows changed meanwhile, or when there was much to read. */
  readonly passes: number;
}
