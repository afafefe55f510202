/**
 * Reading a table page by page, in the order of its key's bytes: what a store must be able to do for it.
 *
 * A page is one committed state; between two pages rows may come and go. A row that is there all the time is in exactly
 * one page, since each page begins after the last key of the one before it.
 */
import { CtlstoreError } from "../core/errors.ts";
import { FORMAT_LIMITS } from "../core/limits.ts";
import type { FamilyName, TableName } from "../core/names.ts";
import type { FieldSchema, TableSchema } from "../core/schema.ts";
import type { Sequence } from "../core/sequence.ts";
import { checkValue, type SqlValue } from "../core/values.ts";

export interface RowsRequest {
  readonly family: FamilyName;
  readonly table: TableName;
  readonly fields: "key" | "all";
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

/** @throws CtlstoreError `invalid_value` for a key that cannot be one of this table */
export function selectionOf(request: RowsRequest, schema: TableSchema): PageSelection {
  const key = schema.keyFields.flatMap((name) => schema.fields.filter((field) => field.name === name));
  const { after, limit, bytes } = request;
  return {
    schema,
    fields: request.fields === "key" ? key : schema.fields,
    key,
    after: after === null ? null : checkKey(after, key),
    limit,
    bytes,
  };
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
