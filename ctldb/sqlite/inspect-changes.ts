/**
 * What SQLite says of changes of tables before they are made.
 *
 * On a connection of its own, in one read transaction, step by step with a turn of the event loop after each: neither writes
 * nor health checks wait for a count (R21).
 */
import { Database } from "bun:sqlite";
import { clearTableStatement } from "../../core/ledger/statements.ts";
import { PREVIEW_LIMITS } from "../../core/limits.ts";
import { type LdbTableName, ldbTableName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import { turnOfEventLoop } from "../../core/process/turn.ts";
import { backtickQuoted } from "../../core/sql/identifiers.ts";
import { schemaStatements } from "../ledger-tail.ts";
import type { ChangeCost } from "../preview/contract.ts";
import { inspectionDeadline } from "../preview/deadline.ts";
import type { Deadline, InspectedChange, Inspection, RowCount } from "../preview/inspection.ts";
import { recentWriters } from "../preview/recent-writers.ts";
import { strayTable } from "../stray-table.ts";
import { readHead, systemRows } from "./rows.ts";

/** @param path of the ctldb, which is open elsewhere in this process */
export async function inspectChanges(
  path: string,
  changes: readonly InspectedChange[],
  clock: Clock,
): Promise<Inspection[]> {
  const db = new Database(path, { readonly: true, safeIntegers: true });
  try {
    db.run("BEGIN");
    const deadline = inspectionDeadline(clock);
    const counts: (RowCount | null)[] = [];
    for (const { kind, schema } of changes)
      counts.push(
        kind === "create" ? null : await countRows(db, ldbTableName(schema.family, schema.table), deadline),
      );
    const old = changes.filter(({ kind }) => kind !== "create").map(({ schema }) => schema);
    const writers = await recentWriters(old, {
      head: readHead(db).sequence,
      deadline,
      query: async (sql) => {
        await turnOfEventLoop();
        return systemRows(db, sql);
      },
    });
    return changes.map((change, i): Inspection => {
      const name = ldbTableName(change.schema.family, change.schema.table);
      const count = counts[i] ?? null;
      return {
        statements: statementsOf(change),
        cost: costOf(change, count),
        count,
        writers: writers.get(name) ?? [],
        refusals: change.kind === "create" && isThere(db, name) ? [strayTable(name)] : [],
      };
    });
  } finally {
    db.close();
  }
}

function statementsOf(change: InspectedChange): string[] {
  return change.kind === "clear"
    ? [clearTableStatement(change.schema.family, change.schema.table)]
    : schemaStatements(change);
}

/** SQLite gives back each page of a table that it drops or clears; a new column is text in its schema. */
function costOf({ kind }: InspectedChange, count: RowCount | null): ChangeCost {
  if (kind === "create") return "none";
  if (kind === "add-fields") return "instant";
  return count === null || count.rows === 0n ? "none" : "rows";
}

function isThere(db: Database, name: LdbTableName): boolean {
  return db.query("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== null;
}

/** Null when there is no such table. */
async function countRows(db: Database, name: LdbTableName, deadline: Deadline): Promise<RowCount | null> {
  if (!isThere(db, name)) return null;
  const table = backtickQuoted(name);
  // No field can be named so, since names begin with a letter: it always is SQLite's own number of the row.
  const step = db.query<{ rows: bigint; last: bigint | null }, [bigint]>(
    `SELECT COUNT(*) AS rows, MAX(_rowid_) AS last FROM
      (SELECT _rowid_ FROM ${table} WHERE _rowid_ > ? ORDER BY _rowid_ LIMIT ${PREVIEW_LIMITS.stepRows})`,
  );
  let rows = 0n;
  let after = SMALLEST_ROWID;
  for (;;) {
    const { rows: more, last } = step.get(after) ?? { rows: 0n, last: null };
    rows += more;
    if (last === null || more < BigInt(PREVIEW_LIMITS.stepRows)) return { rows, isEstimate: false };
    if (deadline.leftMs() === 0) return { rows: estimate(db, table, rows, last), isEstimate: true };
    after = last;
    await turnOfEventLoop();
  }
}

const SMALLEST_ROWID = -(2n ** 63n);

/** As if the rest of the row numbers were as dense as those that were counted. */
function estimate(db: Database, table: string, rows: bigint, last: bigint): bigint {
  const sql = `SELECT MIN(_rowid_) AS first, MAX(_rowid_) AS last FROM ${table}`;
  const ends = db.query<{ first: bigint; last: bigint }, []>(sql).get();
  if (ends === null || last <= ends.first) return rows;
  return (rows * (ends.last - ends.first)) / (last - ends.first);
}
