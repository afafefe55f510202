/**
 * Reading a table page by page, in the order of its key's bytes: what a store must be able to do for it.
 *
 * A page is one committed state; between two pages rows may come and go. A row that is there all the time is in exactly
 * one page, since each page begins after the last key of the one before it.
 */
import { CtlstoreError } from "../core/errors.ts";
import { sameValue } from "../core/ledger/row-statement.ts";
import { FORMAT_LIMITS } from "../core/limits.ts";
import type { FamilyName, TableName } from "../core/names.ts";
import type { FieldSchema, TableSchema } from "../core/schema.ts";
import type { Sequence } from "../core/sequence.ts";
import { checkValue, type SqlValue } from "../core/values.ts";
import { checkKeyPrefix, checkWholeKey, keyOf } from "./keys.ts";

export interface RowsRequest {
  readonly family: FamilyName;
  readonly table: TableName;
  readonly fields: "key" | "all";
  /** Only rows whose key begins with these values, in key order and as JSON has them. */
  readonly prefix?: readonly unknown[];
  /** The last key of the page before, its values in key order as JSON has them; null for the first page. */
  readonly after: readonly unknown[] | null;
  /** Rows of the page at most. */
  readonly limit: number;
  /** The page ends with the row that goes beyond; so it always has one, if there is any. */
  readonly bytes: number;
}

export interface RowsPage {
  readonly schema: TableSchema;
  /** What the values of each row are, in their order: the key's fields in key order, or all as declared. */
  readonly fields: readonly FieldSchema[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** Values of the last row's key, in key order, or null when no row comes after it. */
  readonly next: readonly SqlValue[] | null;
  /** Head of the ledger in this state. */
  readonly sequence: Sequence;
}

/** A request whose key has been checked. */
export interface PageSelection {
  readonly schema: TableSchema;
  readonly fields: readonly FieldSchema[];
  readonly key: readonly FieldSchema[];
  /** What the key of each row begins with; empty for all rows. */
  readonly prefix: readonly SqlValue[];
  /** Begins with the prefix. */
  readonly after: readonly SqlValue[] | null;
  readonly limit: number;
  readonly bytes: number;
}

/** What a store reads: as many rows as fit, and whether there are more. */
export interface StoredPage {
  readonly rows: readonly (readonly SqlValue[])[];
  readonly hasMore: boolean;
  readonly sequence: Sequence;
}

export interface RowRequest {
  readonly family: FamilyName;
  readonly table: TableName;
  /** The key's values in key order, as JSON has them. */
  readonly key: readonly unknown[];
}

/** One row, by its key. */
export interface FoundRow {
  readonly schema: TableSchema;
  /** One value per field, as declared. */
  readonly values: readonly SqlValue[];
  /** Head of the ledger in the state that the row is from. */
  readonly sequence: Sequence;
}

/** @throws CtlstoreError `invalid_value` for a key that cannot be one of this table, `invalid_key` for such a prefix */
export function selectionOf(request: RowsRequest, schema: TableSchema): PageSelection {
  const key = keyOf(schema);
  const { limit, bytes } = request;
  const prefix = checkKeyPrefix(request.prefix ?? [], schema);
  const after = request.after === null ? null : checkKey(request.after, key);
  if (after !== null) assertWithin(prefix, after);
  const fields = request.fields === "key" ? key : schema.fields;
  return { schema, fields, key, prefix, after, limit, bytes };
}

/** The row of one key. @throws CtlstoreError `invalid_key`, `invalid_value` */
export function rowSelectionOf(request: RowRequest, schema: TableSchema): PageSelection {
  const prefix = checkWholeKey(request.key, schema);
  return { schema, fields: schema.fields, key: keyOf(schema), prefix, after: null, limit: 1, bytes: 1 };
}

function assertWithin(prefix: readonly SqlValue[], after: readonly SqlValue[]): void {
  if (prefix.every((value, i) => sameValue(value, after[i] ?? null))) return;
  throw new CtlstoreError("invalid_value", "Cannot go on after this key: it does not begin with the prefix", {
    field: "after",
    hint: "send the prefix of the page before with its `next`",
  });
}

/** What of `after` is still to be compared in rows that have the prefix; its columns are those of the key after it. */
export function restAfter({ key, prefix, after }: PageSelection): {
  readonly columns: readonly FieldSchema[];
  readonly after: readonly SqlValue[] | null;
} {
  return { columns: key.slice(prefix.length), after: after === null ? null : after.slice(prefix.length) };
}

function checkKey(values: readonly unknown[], key: readonly FieldSchema[]): SqlValue[] {
  if (values.length !== key.length) {
    throw new CtlstoreError(
      "invalid_value",
      `Cannot go on after this key: it has ${values.length} values; the table's key has ${key.length}`,
    );
  }
  return key.map((field, i) => checkValue(field, values[i], true));
}

export function toPage(selection: PageSelection, { rows, hasMore, sequence }: StoredPage): RowsPage {
  const { schema, fields, key } = selection;
  const last = rows.at(-1);
  const next = hasMore && last !== undefined ? key.map((field) => last[fields.indexOf(field)] ?? null) : null;
  return { schema, fields, rows, next, sequence };
}

/** Bytes of a row in memory and, nearly, on the wire. */
export function rowBytes(row: readonly SqlValue[]): number {
  return row.reduce<number>((sum, value) => sum + valueBytes(value), 0);
}

function valueBytes(value: SqlValue): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.length : NUMBER_BYTES;
}

const NUMBER_BYTES = 20;

/** What no row of these fields is longer than. */
export function longestRowBytes(fields: readonly FieldSchema[]): number {
  return fields.reduce((sum, { type }) => sum + LONGEST_BYTES[type], 0);
}

const LONGEST_BYTES: Readonly<Record<FieldSchema["type"], number>> = {
  integer: NUMBER_BYTES,
  decimal: NUMBER_BYTES,
  string: 4 * FORMAT_LIMITS.stringChars,
  bytestring: FORMAT_LIMITS.bytestringBytes,
  text: FORMAT_LIMITS.textBytes,
  binary: FORMAT_LIMITS.binaryBytes,
};
