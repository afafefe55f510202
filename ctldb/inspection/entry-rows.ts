/** Entries of the ledger as one SELECT gives them, the same text for every database, whoever wrote them. */
import { describeStatement } from "../../core/ledger/statements.ts";
import { parseTimestampUs } from "../../core/ledger/timestamps.ts";
import { type FamilyName, splitLdbTableName, type TableName, type WriterName } from "../../core/names.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerStore, SystemCell, SystemRow } from "../store.ts";
import type { InspectedEntry, LedgerBounds } from "./contract.ts";

/** The longest `DROP TABLE IF EXISTS family___table`, with room. */
const NAMING_CHARS = 96;

/** @param chars of the statement at most */
export function entryColumns(
  chars: number,
  { leaderTimestamp }: Pick<LedgerStore, "leaderTimestamp">,
): string {
  // One character more than wanted tells whether there are more.
  return `seq, ${leaderTimestamp}, timestamp_us, SUBSTR(statement, 1, ${chars + 1}), hash, family_name, table_name, writer`;
}

/** @param chars as `entryColumns` had it */
export function toInspectedEntry(row: SystemRow, chars: number): InspectedEntry {
  const [sequence, leaderTimestamp, timestampUs, text, hash, family, table, writer] = row;
  const found = String(text);
  const isCut = found.length > chars && [...found].length > chars;
  const statement = isCut ? [...found].slice(0, chars).join("") : found;
  const { kind, table: named } = describeStatement(statement);
  const stated = named === null ? null : splitLdbTableName(named);
  return {
    sequence: toSequence(String(sequence)),
    timestampUs: isSet(timestampUs) ? Number(timestampUs) : legacyTimestampUs(leaderTimestamp),
    family: isSet(family) ? (String(family) as FamilyName) : (stated?.family ?? null),
    table: isSet(table) ? (String(table) as TableName) : (stated?.table ?? null),
    writer: isSet(writer) ? (String(writer) as WriterName) : null,
    kind,
    statement,
    isCut,
    hash: hash instanceof Uint8Array ? hash : null,
  };
}

function isSet(cell: SystemCell | undefined): boolean {
  return cell !== null && cell !== undefined;
}

/** The original leaves it to the server's clock, and it may be NULL. */
function legacyTimestampUs(leaderTimestamp: SystemCell | undefined): number {
  return Math.max(0, parseTimestampUs(String(leaderTimestamp)) ?? 0);
}

/**
 * True of entries of a family or table, and of some others of the original, which names them in the statement alone:
 * whoever gets one looks again (`isOf`).
 */
export function entriesOf(family: FamilyName, table?: TableName): string {
  const named = [`family_name = ${textLiteral(family)}`];
  if (table !== undefined) named.push(`table_name = ${textLiteral(table)}`);
  const text = textLiteral(`${family}___${table ?? ""}`);
  return `(${named.join(" AND ")} OR hash IS NULL AND INSTR(SUBSTR(statement, 1, ${NAMING_CHARS}), ${text}) > 0)`;
}

export function isOf(entry: InspectedEntry, family: FamilyName, table?: TableName): boolean {
  return entry.family === family && (table === undefined || entry.table === table);
}

/** Each bound by itself: SQLite finds one of them in its index, and both together in the whole table. */
const SELECT_BOUNDS =
  "SELECT (SELECT MIN(seq) FROM ctlstore_dml_ledger), (SELECT MAX(seq) FROM ctlstore_dml_ledger)";

export async function readBounds(store: Pick<LedgerStore, "query">): Promise<LedgerBounds> {
  const [row] = await store.query(SELECT_BOUNDS);
  const [first, head] = row ?? [];
  return { first: toSequence(String(first ?? 0)), head: toSequence(String(head ?? 0)) };
}

/** The whole statement of an entry; what was there of it when the entry is gone. */
export async function wholeStatement(
  store: Pick<LedgerStore, "search">,
  { sequence, statement, isCut }: Pick<InspectedEntry, "sequence" | "statement" | "isCut">,
): Promise<string> {
  if (!isCut) return statement;
  const { rows } = await store.search(
    `SELECT statement FROM ctlstore_dml_ledger WHERE seq = ${sequence as Sequence}`,
  );
  const [row] = rows;
  return row === undefined ? statement : String(row[0]);
}
