/** What a record says, whatever form Debezium wrote it in. */
import type { ConnectType } from "../values/connect-type.ts";

/**
 * One state of a row, or a key: values by column name.
 *
 * Values are JSON values in which a number that a double may not hold exactly is a bigint or a `NumberText`
 * (core/exact-json.ts), on every runtime.
 */
export interface Image {
  readonly values: Readonly<Record<string, unknown>>;
  /** What the event's own schema says of each column; null in events without schema. */
  readonly types: ReadonlyMap<string, ConnectType> | null;
  /** Of a key whose schema has a name: `prefix.database.table.Key`, as Debezium gives it. */
  readonly schemaName?: string;
}

/** The name in a key's image of a key that is one value without a name, as ExtractField makes it. No column has it. */
export const BARE_KEY = "";

/** Where in a snapshot of the origin an event stands. */
export type SnapshotMark =
  | "none" // from the binlog
  | "first" // of the whole snapshot
  | "first-of-table"
  | "within"
  | "last-of-table"
  | "last" // of the whole snapshot
  | "incremental";

export interface EventMeta {
  /** The table at the origin; null where the event does not say, as flattened ones do not by default. */
  readonly source: {
    readonly database: string | null;
    readonly schema: string | null;
    readonly table: string;
  } | null;
  readonly snapshot: SnapshotMark;
  /** When the origin committed, in milliseconds since 1970; else when Kafka got it; null when nobody says. */
  readonly timestampMs: number | null;
  /** With `provide.transaction.metadata`; `order` counts from 1 within the transaction. */
  readonly transaction: { readonly id: string; readonly order: number } | null;
}

export interface RowEvent {
  readonly kind: "row";
  readonly op: "create" | "update" | "delete" | "read";
  readonly meta: EventMeta;
  /** From the record's key; null when it has none. */
  readonly key: Image | null;
  readonly before: Image | null;
  /** Null of a delete. */
  readonly after: Image | null;
  /** A record without value: in an envelope's topic the echo of a delete, in a flattened one the delete itself. */
  readonly isTombstone: boolean;
  /** A delete that is the first half of a changed primary key: the row comes again under its new key. */
  readonly newKeyFollows: boolean;
  /** Which of the two the record is; absent of a tombstone, whose form cannot be seen. */
  readonly form?: "envelope" | "flattened";
  /** True of a flattened row that says whether it is deleted; where rows do not, a delete may be a tombstone and no more. */
  readonly marksDeletes?: boolean;
}

/** All rows of the table went at once. */
export interface TruncateEvent {
  readonly kind: "truncate";
  readonly meta: EventMeta;
}

/** A record of Debezium's transaction topic. */
export interface TransactionEvent {
  readonly kind: "transaction";
  readonly status: "begin" | "end";
  readonly id: string;
  readonly timestampMs: number | null;
  /** Of an end: events by `database.table` (as Debezium names a data collection), and their sum. */
  readonly collections: ReadonlyMap<string, number> | null;
  readonly eventCount: number | null;
}

/** A record that is not about rows. */
export interface OtherEvent {
  readonly kind: "other";
  readonly what: "heartbeat" | "schema-change" | "message" | "signal";
  readonly timestampMs: number | null;
}

export type ChangeEvent = RowEvent | TruncateEvent | TransactionEvent | OtherEvent;
