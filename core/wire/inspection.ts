/**
 * Parameters and answers of the routes that show what is stored and how it came to be: a row, the ledger, the history of a
 * key (docs/http-api.md).
 *
 * Values have the forms that mutations take: integers beyond 2^53 are decimal strings, bytes are base64.
 */
import * as v from "valibot";
import { AnsweredInteger } from "./integers.ts";
import { anyMembers } from "./json-body.ts";
import { asQuery, Parameter } from "./queries.ts";

const Position = v.pipe(
  v.union([v.number(), v.string()]),
  v.description("position in the ledger; a decimal string where a double could not hold it exactly"),
);
const Time = v.pipe(
  v.string(),
  v.description(
    "in UTC, as ISO 8601 has it, with microseconds; whole seconds in entries of the original, and 1970 where it kept none",
  ),
);
const Writer = v.pipe(v.nullable(v.string()), v.description("null of changes of tables, and where unknown"));
const KeyParameter =
  'the key as a JSON array, its values in key order and as mutations take them, such as `["EUR"]`';

/** Of GET /families/{family}/tables/{table}/row. */
export const RowQuery = asQuery(v.strictObject({ key: Parameter(KeyParameter) }));
export type RowQuery = v.InferOutput<typeof RowQuery>;

export const RowAnswer = v.object({
  family: v.string(),
  table: v.string(),
  row: v.pipe(anyMembers, v.description("values by field name, as mutations take them")),
  sequence: v.pipe(Position, v.description("head of the ledger in the state that the row is from")),
});
export type RowAnswer = v.InferOutput<typeof RowAnswer>;

/** Of GET /ledger. */
export const LedgerQuery = asQuery(
  v.strictObject({
    after: Parameter("entries after this sequence, the oldest first"),
    before: Parameter("entries before this sequence, the newest first; the ledger's end if neither is given"),
    limit: Parameter("entries of a page at most: 1 to 1000, 100 if absent"),
    family: Parameter("entries of this family alone"),
    table: Parameter("entries of this table alone; needs `family`"),
    wait: Parameter(
      "with `after`: seconds to wait for an entry when there is none yet: 0 to 30, 0 if absent",
    ),
    full: Parameter(
      "`true` for statements as long as they are; those of over 2000 characters are cut if absent",
    ),
  }),
);
export type LedgerQuery = v.InferOutput<typeof LedgerQuery>;

/** What a ledger statement is. `other`: none that ctlstore writes. */
export const ENTRY_KINDS = [
  "begin",
  "commit",
  "create",
  "alter",
  "drop",
  "upsert",
  "delete",
  "clear",
  "other",
] as const;

export const LedgerEntryAnswer = v.object({
  sequence: Position,
  timestamp: Time,
  family: v.pipe(v.nullable(v.string()), v.description("null of the markers around a batch")),
  table: v.nullable(v.string()),
  writer: Writer,
  kind: v.picklist(ENTRY_KINDS),
  statement: v.pipe(v.string(), v.description("in SQLite's dialect")),
  truncated: v.pipe(v.optional(v.literal(true)), v.description("there when the statement was cut")),
  hash: v.pipe(
    v.nullable(v.string()),
    v.description("link of the chain that ends here, in hex; null of an entry of the original"),
  ),
});
export type LedgerEntryAnswer = v.InferOutput<typeof LedgerEntryAnswer>;

export const LedgerAnswer = v.object({
  entries: v.array(LedgerEntryAnswer),
  next: v.pipe(
    Position,
    v.description(
      "the `after` or `before` of the next page, also of an empty one; nothing follows when it is `head` or more (going up), `first` or less (going down)",
    ),
  ),
  head: v.pipe(Position, v.description("sequence of the newest entry; 0 of an empty ledger")),
  first: v.pipe(Position, v.description("sequence of the oldest entry; 0 of an empty ledger")),
});
export type LedgerAnswer = v.InferOutput<typeof LedgerAnswer>;

/** Of GET /families/{family}/tables/{table}/history. */
export const HistoryQuery = asQuery(
  v.strictObject({
    key: Parameter(KeyParameter),
    before: Parameter("`next` of the page before; absent for the newest changes"),
    limit: Parameter("changes of a page at most: 1 to 500, 50 if absent"),
  }),
);
export type HistoryQuery = v.InferOutput<typeof HistoryQuery>;

/** How an entry of the ledger changes what is under a key. */
export const CHANGE_KINDS_OF_KEY = ["upsert", "delete", "clear", "drop", "create"] as const;

export const KeyChangeAnswer = v.object({
  sequence: Position,
  transaction: v.pipe(
    v.optional(AnsweredInteger),
    v.description("sequence of the last entry of its batch, or its own; absent where unknown"),
  ),
  timestamp: Time,
  writer: Writer,
  kind: v.picklist(CHANGE_KINDS_OF_KEY),
  old: v.pipe(
    v.optional(v.nullable(anyMembers)),
    v.description("the row before, null when there was none; absent where unknown"),
  ),
  new: v.pipe(v.nullable(anyMembers), v.description("the row after, null when there is none")),
});
export type KeyChangeAnswer = v.InferOutput<typeof KeyChangeAnswer>;

export const HistoryAnswer = v.object({
  family: v.string(),
  table: v.string(),
  key: v.pipe(v.array(v.union([v.number(), v.string()])), v.description("as it was asked for, in key order")),
  changes: v.pipe(v.array(KeyChangeAnswer), v.description("the newest first")),
  next: v.pipe(v.nullable(Position), v.description("the `before` of the next page; null when `complete`")),
  complete: v.pipe(v.boolean(), v.description("true when the ledger was searched to its beginning")),
  searchedThrough: v.pipe(
    Position,
    v.description("the entries from here up were searched; a request searches for a limited time"),
  ),
  unreadable: v.pipe(
    v.optional(v.array(Position)),
    v.description(
      "there when entries of the table among those are no statements of ctlstore's: they may be about the key",
    ),
  ),
});
export type HistoryAnswer = v.InferOutput<typeof HistoryAnswer>;
