/** Windows of a minute as tests see them, and what was counted in them. */
import { Database } from "bun:sqlite";
import { until } from "../../support/until.ts";
import { mysqlQuery } from "../mysql-target.ts";

/** Waits until the minute that is now leaves room for a test that needs so many seconds: none may end in the middle. */
export async function windowWith(seconds: number): Promise<void> {
  const hasRoom = () => 60 - ((Date.now() / 1000) % 60) > seconds;
  await until(hasRoom, { what: "the next minute", deadlineMs: 70_000, intervalMs: 50 });
}

/** Rows of one SELECT, behind the ctldb's back; cells as text. */
export async function rowsOf(url: string, sql: string): Promise<string[][]> {
  const rows = url.startsWith("mysql:") ? await mysqlQuery(url, sql) : sqliteRows(url, sql);
  return rows.map((row) => row.map(String));
}

function sqliteRows(url: string, sql: string): unknown[][] {
  const db = new Database(url.slice("sqlite:".length), { readonly: true });
  try {
    db.run("PRAGMA busy_timeout = 5000");
    return db.query(sql).values();
  } finally {
    db.close();
  }
}

/** What is counted in all windows, by writer; the fleet's as `*`. */
export async function countedRows(url: string): Promise<Record<string, number>> {
  const rows = await rowsOf(url, "SELECT writer_name, SUM(amount) FROM writer_usage GROUP BY writer_name");
  return Object.fromEntries(rows.map(([name = "", amount]) => [name, Number(amount)]));
}

/** What stands in the ledger, by writer; markers do not count. */
export async function ledgerRows(url: string): Promise<Record<string, number>> {
  const rows = await rowsOf(
    url,
    "SELECT writer, COUNT(*) FROM ctlstore_dml_ledger WHERE writer IS NOT NULL AND table_name IS NOT NULL GROUP BY writer",
  );
  return Object.fromEntries(rows.map(([name = "", amount]) => [name, Number(amount)]));
}

/** Bytes of the statements in the ledger, by writer. */
export async function ledgerBytes(url: string): Promise<Record<string, number>> {
  const length = url.startsWith("mysql:") ? "LENGTH(statement)" : "LENGTH(CAST(statement AS BLOB))";
  const rows = await rowsOf(
    url,
    `SELECT writer, SUM(${length}) FROM ctlstore_dml_ledger WHERE writer IS NOT NULL AND table_name IS NOT NULL GROUP BY writer`,
  );
  return Object.fromEntries(rows.map(([name = "", amount]) => [name, Number(amount)]));
}
