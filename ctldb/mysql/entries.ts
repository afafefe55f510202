/** Ledger rows of MySQL as entries. */
import type { LedgerEntry } from "../../core/ledger/entry.ts";
import { parseTimestampUs } from "../../core/ledger/timestamps.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import type { MysqlRow, MysqlSession, MysqlValue } from "./session.ts";

/** Columns of a ledger that ours has written or taken over. */
export const ENTRY_COLUMNS = "seq, leader_ts, statement, timestamp_us, hash";
/** Columns of a ledger that only the original has written. */
export const LEGACY_ENTRY_COLUMNS = "seq, leader_ts, statement";

/**
 * To be selected after either: when an entry of the original was written, in UTC. Its sessions leave the time to the
 * server, and are in the server's time zone (D21). NULL for entries of ours, and for a zone that the server does not know.
 */
export const WRITTEN_AT = {
  [ENTRY_COLUMNS]: "IF(timestamp_us IS NULL, CONVERT_TZ(leader_ts, @@global.time_zone, '+00:00'), NULL)",
  [LEGACY_ENTRY_COLUMNS]: "CONVERT_TZ(leader_ts, @@global.time_zone, '+00:00')",
} as const;

/** The same of a single entry, of whatever is known of it. */
export const LEADER_TIMESTAMP = `COALESCE(${WRITTEN_AT[ENTRY_COLUMNS]}, leader_ts)`;

/** A row of the columns and of `WRITTEN_AT`. */
export function toTimedEntry(row: MysqlRow): LedgerEntry {
  const entry = toEntry(row.slice(0, -1));
  const writtenAt = row.at(-1);
  if (writtenAt == null) return entry;
  const writtenAtUs = parseTimestampUs(String(writtenAt));
  const isOther = writtenAtUs !== null && writtenAtUs !== entry.timestampUs;
  return isOther ? { ...entry, writtenAtUs } : entry;
}

/** A row of `ENTRY_COLUMNS`, the trace and `WRITTEN_AT`. */
export function toTracedEntry(row: MysqlRow): LedgerEntry {
  const trace = row[5];
  return trace == null ? toTimedEntry(row) : { ...toTimedEntry(row), trace: String(trace) };
}

export function toEntry(row: MysqlRow): LedgerEntry {
  const [sequence, leaderTimestamp, statement, timestampUs, hash] = row;
  return {
    sequence: toSequence(String(sequence)),
    // The original leaves it to MySQL's clock and time zone, and it may even be NULL: then it is unknown, not "now".
    timestampUs: timestampUs == null ? legacyTimestampUs(leaderTimestamp) : Number(timestampUs),
    statement: String(statement),
    hash: Buffer.isBuffer(hash) ? hash : null,
  };
}

/** Never negative: the chain holds timestamps as unsigned numbers. */
function legacyTimestampUs(leaderTimestamp: MysqlValue | undefined): number {
  return Math.max(0, parseTimestampUs(String(leaderTimestamp)) ?? 0);
}

/** Streams the entry at a sequence, if it is there, and all after it. */
export async function entriesAfter(
  session: MysqlSession,
  after: Sequence,
  onEntry: (entry: LedgerEntry) => void,
): Promise<void> {
  const sql = `SELECT ${ENTRY_COLUMNS} FROM ctlstore_dml_ledger WHERE seq >= ${after} ORDER BY seq`;
  const onRow = (row: MysqlRow) => {
    onEntry(toEntry(row));
    return true;
  };
  // All of a large ledger, once in its life.
  await session.stream(sql, onRow, "read the ledger", session.timeouts.ddlMs);
}
