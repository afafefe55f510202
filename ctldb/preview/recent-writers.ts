/** Who wrote to tables lately, found in the newest entries of the ledger: step by step, since nothing indexes them. */
import { PREVIEW_LIMITS } from "../../core/limits.ts";
import { type LdbTableName, ldbTableName, type WriterName } from "../../core/names.ts";
import type { TableSchema } from "../../core/schema.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { SystemRow } from "../store.ts";
import type { Deadline, RecentWriter } from "./inspection.ts";

export interface RecentWritersDeps {
  /** The ledger's last sequence. */
  readonly head: bigint;
  readonly deadline: Deadline;
  /** Rows of one SELECT that is the same for every database. */
  readonly query: (sql: string) => Promise<readonly SystemRow[]>;
}

/** By table, the last one first. All of the tables are of one family. */
export async function recentWriters(
  tables: readonly TableSchema[],
  { head, deadline, query }: RecentWritersDeps,
): Promise<ReadonlyMap<LdbTableName, readonly RecentWriter[]>> {
  const found = new Map<LdbTableName, Map<string, number>>();
  const family = tables[0]?.family;
  if (family === undefined) return new Map();
  const names = new Map(tables.map((schema) => [String(schema.table), ldbTableName(family, schema.table)]));
  const step = BigInt(PREVIEW_LIMITS.stepRows);
  const oldest = head - BigInt(PREVIEW_LIMITS.ledgerEntries);
  for (let to = head; to > oldest && to > 0n && deadline.leftMs() > 0; to -= step) {
    for (const [table, writer, lastUs] of await query(selectWriters(tables, family, to - step, to))) {
      const name = names.get(String(table));
      if (name === undefined) continue;
      const writers = found.get(name) ?? new Map<string, number>();
      found.set(name, writers);
      // Newer steps come first, but clocks may have gone back between two Executives.
      writers.set(String(writer), Math.max(Number(lastUs ?? 0), writers.get(String(writer)) ?? 0));
    }
  }
  return new Map([...found].map(([name, writers]) => [name, lastFirst(writers)]));
}

function selectWriters(tables: readonly TableSchema[], family: string, after: bigint, to: bigint): string {
  const list = tables.map(({ table }) => textLiteral(table)).join(",");
  return `SELECT table_name, writer, MAX(timestamp_us) FROM ctlstore_dml_ledger
    WHERE seq > ${after} AND seq <= ${to} AND family_name = ${textLiteral(family)} AND table_name IN (${list})
      AND writer IS NOT NULL GROUP BY table_name, writer`;
}

function lastFirst(writers: ReadonlyMap<string, number>): RecentWriter[] {
  return [...writers]
    .map(([writer, lastUs]) => ({ writer: writer as WriterName, lastUs }))
    .sort((a, b) => b.lastUs - a.lastUs || (a.writer < b.writer ? -1 : 1));
}
