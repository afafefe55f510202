/**
 * What writers may use, as the Executive sees it: rates of writers and of the fleet, sizes of tables.
 *
 * Overrides stand in the ctldb and hold for every Executive; defaults are each Executive's own. A change is one
 * transaction under the ledger lock, and holds for the next write of any Executive.
 */
import type { FamilyName, TableName } from "../../core/names.ts";
import type { Rate } from "../../core/rates.ts";
import type { ChangeOptions } from "../access/contract.ts";

/** Bytes as the ctldb counts them: the pages of the table and of its key. */
export interface SizeLimit {
  readonly warnBytes: bigint;
  readonly maxBytes: bigint;
}

/** What holds where nothing else was said; null is no limit. */
export interface LimitDefaults {
  readonly writer: Rate;
  readonly fleet: Rate;
  readonly table: SizeLimit | null;
  readonly tablesPerFamily: number;
  readonly fieldsPerTable: number;
}

/** Of a writer, or with a `*` at its end of all writers whose names begin so, of each by itself. */
export interface WriterRate {
  readonly writer: string;
  readonly rate: Rate;
}

export interface TableLimit {
  readonly family: FamilyName;
  readonly table: TableName;
  readonly limit: SizeLimit;
}

export interface TableSize {
  readonly family: FamilyName;
  readonly table: TableName;
  /** Null when nobody has measured it yet. */
  readonly bytes: bigint | null;
  readonly limit: SizeLimit | null;
  /** `full`: over its hard limit, so that writes which would make it grow get `table_full`. */
  readonly state: "unmeasured" | "ok" | "warn" | "full";
}

/** What was used of a window of a minute. */
export interface Usage {
  readonly rows: bigint;
  readonly bytes: bigint;
}

export interface UsageReport {
  /** Unix seconds, by the ctldb's clock. */
  readonly windowStart: number;
  readonly fleet: Usage & { readonly rate: Rate };
  /** Writers that used any of this window, the busiest first. */
  readonly writers: ReadonlyArray<Usage & { readonly writer: string; readonly rate: Rate }>;
}

export interface Limits {
  readonly defaults: LimitDefaults;
  tables(): Promise<TableLimit[]>;
  /** @throws CtlstoreError `unknown_family`, `unknown_table`, `invalid_value` (warn above max) */
  setTable(family: FamilyName, table: TableName, limit: SizeLimit, options?: ChangeOptions): Promise<void>;
  /** Back to the default; a no-op when there is no override. */
  resetTable(family: FamilyName, table: TableName, options?: ChangeOptions): Promise<void>;
  writers(): Promise<WriterRate[]>;
  /** Also of a writer that is not registered yet. */
  setWriter(writer: string, rate: Rate & { readonly rows: bigint }, options?: ChangeOptions): Promise<void>;
  resetWriter(writer: string, options?: ChangeOptions): Promise<void>;
  /** The override, or null. */
  fleet(): Promise<Rate | null>;
  setFleet(rate: Rate, options?: ChangeOptions): Promise<void>;
  resetFleet(options?: ChangeOptions): Promise<void>;
  usage(): Promise<UsageReport>;
  /** Every table of the catalog, the largest first; from memory. */
  sizes(): Promise<TableSize[]>;
}
