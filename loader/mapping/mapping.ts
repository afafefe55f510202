/** A mapping as the rest of the loader sees it: made of the mapping file and the tables' live schemas. */
import type { FieldValue } from "../../client/encode.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import type { RowEvent, TruncateEvent } from "../events/change-event.ts";

/** One change of one row of ours. */
export interface RowMutation {
  readonly family: string;
  readonly table: string;
  readonly delete: boolean;
  readonly values: Readonly<Record<string, FieldValue>>;
  /** The key's values as one text: equal exactly for the same row of one table. */
  readonly keyText: string;
}

/** What must be changed in ctlstore before an event can be mapped; only where the mapping allows it. */
export type SchemaNeed =
  | { readonly kind: "create-table"; readonly schema: TableSchema }
  | {
      readonly kind: "add-fields";
      readonly family: string;
      readonly table: string;
      readonly fields: readonly FieldSchema[];
    };

/** What to do with the rows that a new snapshot of the origin does not have. */
export type VanishedRows = "keep" | "report" | "sweep";
/** What to do when the origin truncates the table. */
export type OnTruncate = "stop" | "ignore" | "clear";
/** Which partitions share a writer and its cookie: those of the topic, or each has its own. */
export type LaneKind = "topic" | "partition";

/** Where the rows of one table of the origin go. */
export interface TableMapping {
  readonly topic: string;
  /** `database.table`, where the mapping names it; else the mapping takes every event of the topic for this table's. */
  readonly source?: string | null;
  readonly family: string;
  readonly table: string;
  readonly vanishedRows: VanishedRows;
  /** A sweep that would delete a larger part of the rows reports them instead. */
  readonly sweepAtMostPercent: number;
  readonly onTruncate: OnTruncate;
  /** Null while the table does not exist yet and the mapping creates it. */
  readonly schema: TableSchema | null;
  /**
   * Fields with the same value in every row of this origin. Where several origins share a table, constants in its key tell
   * whose a row is.
   */
  readonly constants: ReadonlyMap<string, FieldValue>;
  /**
   * The mutations of an event: none (a tombstone after its delete), one, or two (the target's key changed: the old row goes,
   * the new one comes). Values are checked against the fields' types, so that the Executive has nothing left to refuse.
   *
   * None for a delete while the table does not exist.
   *
   * @param partition that it came from. Of a topic that has several, only those events are taken whose record's key is, or is
   *   part of, the table's key: others of one row may come through several partitions, in any order.
   * @throws CtlstoreError `event_refused` with `field`: a value that cannot be kept exactly, a missing key, …
   */
  toMutations(event: RowEvent, partition?: number): readonly RowMutation[];
  /**
   * What this event needs first, or null: a table to be made, fields to be added. Cheap when nothing is new.
   * @throws CtlstoreError `event_refused` when the table is to be made and the event does not tell enough for it
   */
  schemaNeed(event: RowEvent): SchemaNeed | null;
}

export interface Mapping {
  /** Topics of change events, sorted. */
  readonly topics: readonly string[];
  /** Debezium's transaction topic, if the file names it. */
  readonly transactionTopic: string | null;
  readonly families: readonly string[];
  readonly tables: readonly TableMapping[];
  laneOf(topic: string): LaneKind;
  /**
   * Where an event of a topic goes, or "drop" when the file says so, and for a tombstone that does not say which of a topic's
   * tables it is of: there it can only be an echo.
   * @throws CtlstoreError `event_unmapped`; `event_refused` for a row whose delete would be such a tombstone
   */
  target(topic: string, event: RowEvent | TruncateEvent): TableMapping | "drop";
}

/** Keeps a mapping true to the live schemas; one per process. Ask `current` again after every call. */
export interface MappingKeeper {
  /** As of the last look at the schemas. */
  readonly current: Mapping;
  /** Makes tables or fields, also when somebody else just did, and renews `current`. @throws CtlstoreError */
  satisfy(need: SchemaNeed, signal?: AbortSignal): Promise<void>;
  /** Looks at the live schemas again: after the Executive refused something for them. @throws CtlstoreError `mapping_invalid` */
  renew(signal?: AbortSignal): Promise<void>;
}
