/** How old the newest ledger entry in an LDB is. */
import { CtlstoreError } from "../core/errors.ts";
import { parseTimestampUs } from "../core/ledger/timestamps.ts";
import type { LdbConnection } from "../ldb/connection.ts";

function tableExists(connection: LdbConnection, name: string): boolean {
  const statement = connection.prepare("SELECT 1 AS found FROM sqlite_schema WHERE name = ?", false);
  const row = statement.get(name);
  statement.finalize();
  return row !== undefined;
}

function readOne(connection: LdbConnection, sql: string): unknown {
  const statement = connection.prepare(sql, false);
  const row = statement.get();
  statement.finalize();
  return row?.["value"];
}

/**
 * Microseconds since 1970 of the newest applied entry: of ours exactly, of the original to the second. Both are looked
 * at, since the original's Reflector may go on with an LDB of ours and knows only its own table.
 */
function ledgerTimestampUs(connection: LdbConnection): number | null {
  const own = tableExists(connection, "_ldb_meta")
    ? readOne(connection, "SELECT ledger_timestamp_us AS value FROM _ldb_meta WHERE id = 1")
    : null;
  const original = tableExists(connection, "_ldb_last_update")
    ? readOne(
        connection,
        "SELECT CAST(timestamp AS TEXT) AS value FROM _ldb_last_update WHERE name = 'ledger'",
      )
    : null;
  return newestTimestampUs(own, original);
}

/** @param own of `_ldb_meta` @param original text of `_ldb_last_update` */
export function newestTimestampUs(own: unknown, original: unknown): number | null {
  const ownUs = typeof own === "number" && own > 0 ? own : null;
  const originalUs = typeof original === "string" ? parseTimestampUs(original) : null;
  if (ownUs === null || originalUs === null) return ownUs ?? originalUs;
  return Math.max(ownUs, originalUs);
}

/** Seconds; call inside a read transaction. @throws CtlstoreError `ldb_empty` when the LDB holds no timestamp */
export function ledgerLatencySeconds(connection: LdbConnection, nowUs: number): number {
  const timestampUs = ledgerTimestampUs(connection);
  if (timestampUs === null) {
    throw new CtlstoreError(
      "ldb_empty",
      "Cannot tell the ledger latency: the LDB holds no timestamp; it needs a ledger entry",
    );
  }
  // Below zero when this machine's clock is behind the Executive's.
  return Math.max(0, (nowUs - timestampUs) / 1_000_000);
}
