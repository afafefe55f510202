/** From the changelog's lines to the events that a consumer gets. */
import { Buffer } from "node:buffer";
import { formatCursor } from "../../core/changelog/cursor.ts";
import type { ChangelogKeyPart, ChangelogLine } from "../../core/changelog/format.ts";
import { CtlstoreError, quote } from "../../core/errors.ts";
import { type FieldType, fieldTypeFromSqlite, isFieldType } from "../../core/field-types.ts";
import type { ChangeEvent, InvalidationReason, KeyValue } from "../types.ts";

/** Lower-cased names; null lets everything pass. */
export interface ChangeFilter {
  readonly family: string | null;
  readonly table: string | null;
}

export interface EventOptions {
  readonly filter: ChangeFilter;
  /** Every integer is a bigint. */
  readonly bigints: boolean;
}

/** @param cursor where to go on after it */
export function invalidation(reason: InvalidationReason, sequence: bigint, cursor: string): ChangeEvent {
  return { kind: "invalidate", reason, sequence, cursor, last: true };
}

/** The events of one ledger transaction, none when nothing passes. @throws CtlstoreError `changelog_unavailable` */
export function transactionEvents(
  lines: readonly ChangelogLine[],
  history: string,
  options: EventOptions,
): ChangeEvent[] {
  const end = lines.at(-1)?.seq ?? 0n;
  const endCursor = formatCursor(end, history);
  // It passes every filter, and leaves nothing else to be said of this transaction.
  if (lines.some((line) => line.table === "")) return [invalidation("unlisted", end, endCursor)];
  const passing = lines.filter((line) => passes(line, options.filter));
  return passing.map((line, i) => {
    const last = i === passing.length - 1;
    const base = { sequence: line.seq, cursor: last ? endCursor : formatCursor(line.seq, history), last };
    return eventOf(line, base, options.bigints);
  });
}

function passes({ family, table }: ChangelogLine, filter: ChangeFilter): boolean {
  return (filter.family ?? family) === family && (filter.table ?? table) === table;
}

type EventBase = Pick<ChangeEvent, "sequence" | "cursor"> & { readonly last: boolean };

function eventOf(line: ChangelogLine, base: EventBase, bigints: boolean): ChangeEvent {
  const { kind, family, table } = line;
  if (kind !== "upsert" && kind !== "delete") return { kind, family, table, ...base };
  const key = line.key.map((part) => keyValueOf(part, bigints));
  return { kind, family, table, key, keyFields: line.key.map(({ name }) => name), ...base };
}

function keyValueOf(part: ChangelogKeyPart, bigints: boolean): KeyValue {
  const { name, type, value } = part;
  const integer = integerOf(value, bigints);
  switch (fieldTypeOf(type)) {
    case "string":
    case "text":
      if (typeof value === "string") return value;
      break;
    case "integer":
      if (integer !== null) return integer;
      break;
    case "bytestring":
    case "binary":
      if (typeof value === "string") return new Uint8Array(Buffer.from(value, "base64"));
      break;
    default:
      // A type of an LDB that others made: text and integers are what such a key may be.
      if (typeof value === "string") return value;
      if (integer !== null) return integer;
  }
  throw new CtlstoreError(
    "changelog_unavailable",
    `Cannot read a line of the changelog: key field ${quote(name)} of type ${quote(type)} is ${quote(value)}; it needs a value of that type`,
  );
}

/** Ledgers say VARCHAR(191) where ctlstore says string. */
function fieldTypeOf(type: string): FieldType | null {
  return isFieldType(type) ? type : fieldTypeFromSqlite(type);
}

/** Null for what is none: text stands for one by its digits alone. */
function integerOf(value: ChangelogKeyPart["value"], bigints: boolean): KeyValue | null {
  if (typeof value === "string" && !/^-?\d{1,19}$/.test(value)) return null;
  const exact = BigInt(value);
  return bigints || !Number.isSafeInteger(Number(exact)) ? exact : Number(exact);
}
