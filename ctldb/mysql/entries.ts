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
 * When the original wrote an entry, in UTC. Its sessions leave the time to the server, and are in the server's time zone
 * (D21). NULL for a zone that the server does not know.
 */
const WRITTEN_AT = "CONVERT_TZ(leader_ts, @@global.time_zone, '+00:00')";

/** The same of whatever entry, as far as it is known. */
export const LEADER_TIMESTAMP = `COALESCE(IF(timestamp_us IS NULL, ${WRITTEN_AT}, NULL), leader_ts)`;

/**
 * Entries with the moments at which the original wrote them; itself where it wrote none. They are asked for by themselves: a
 * poll that finds nothing, or entries of ours, costs nothing for it (B12).
 */
export async function timedEntries(
  session: MysqlSession,
  entries: readonly LedgerEntry[],
): Promise<readonly LedgerEntry[]> {
  const theirs = entries.filter(({ hash }) => hash === null);
  const [first, last] = [theirs[0], theirs.at(-1)];
  if (first === undefined || last === undefined) return entries;
  const rows = await session.select(
    `SELECT seq, ${WRITTEN_AT} FROM ctlstore_dml_ledger WHERE seq >= ${first.sequence} AND seq <= ${last.sequence}`,
    "ask when entries were written",
  );
  const times = new Map(rows.map(([sequence, time]) => [String(sequence), parseTimestampUs(String(time))]));
  return entries.map((entry) => {
    const writtenAtUs = entry.hash === null ? (times.get(String(entry.sequence)) ?? null) : null;
    return writtenAtUs === null || writtenAtUs === entry.timestampUs ? entry : { ...entry, writtenAtUs };
  });
}

/** A row of `ENTRY_COLUMNS` and the trace. */
export function toTracedEntry(row: MysqlRow): LedgerEntry {
  const trace = row[5];
  return trace == null ? toEntry(row) : { ...toEntry(row), trace: String(trace) };
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
