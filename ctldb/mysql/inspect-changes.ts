/**
 * What MySQL says of changes of tables before they are made.
 *
 * Whether it would take a table or a field is tried on temporary tables, which no other session sees and which go with
 * this one: its own limits and names are then not guessed at. Where the user may not make such tables, that is left out.
 */
import { type CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { clearTableStatement } from "../../core/ledger/statements.ts";
import { type LdbTableName, ldbTableName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { ChangeCost } from "../preview/contract.ts";
import { inspectionDeadline } from "../preview/deadline.ts";
import type { Deadline, InspectedChange, Inspection, RowCount } from "../preview/inspection.ts";
import { recentWriters } from "../preview/recent-writers.ts";
import { addColumnCost, readTableFacts, type TableFacts } from "./add-column-cost.ts";
import { classifyMysqlError, isTableChanged, isTimeLimit } from "./errors.ts";
import { SELECT_HEAD, toHead, toSystemRow } from "./rows.ts";
import { addColumnsText, assertNotThere, createTableText, ddlText } from "./schema-changes.ts";
import { causeOf, type MysqlSession } from "./session.ts";

/** @throws CtlstoreError `ctldb_unavailable` */
export async function inspectChanges(
  session: MysqlSession,
  changes: readonly InspectedChange[],
  clock: Clock,
): Promise<Inspection[]> {
  const deadline = inspectionDeadline(clock);
  if (isMysql(session)) {
    // Statistics from the tables, not from a cache that keeps them for a day.
    await session.execute("SET SESSION information_schema_stats_expiry = 0", "look at the tables");
  }
  const inspections: Inspection[] = [];
  for (const change of changes) inspections.push(await inspectChange(session, change, deadline));
  const old = changes.filter(({ kind }) => kind !== "create").map(({ schema }) => schema);
  const head = toHead((await session.select(SELECT_HEAD, "read the ledger's head"))[0]).sequence;
  const query = async (sql: string) => (await session.select(sql, "look for writers")).map(toSystemRow);
  const writers = await recentWriters(old, { head, deadline, query });
  return inspections.map((inspection, i) => {
    const schema = changes[i]?.schema;
    const name = schema === undefined ? undefined : ldbTableName(schema.family, schema.table);
    return { ...inspection, writers: (name === undefined ? undefined : writers.get(name)) ?? [] };
  });
}

function isMysql({ server }: MysqlSession): boolean {
  return server.product.startsWith("MySQL");
}

async function inspectChange(
  session: MysqlSession,
  change: InspectedChange,
  deadline: Deadline,
): Promise<Inspection> {
  const { schema } = change;
  const name = ldbTableName(schema.family, schema.table);
  const facts = change.kind === "create" ? null : await readTableFacts(session, name);
  const count = facts === null ? null : await countRows(session, name, facts, deadline);
  return {
    statements: statementsOf(change, session.server.collation),
    cost: await costOf(change, { session, facts, count, name }),
    count,
    writers: [],
    refusals: await refusalsOf(session, change, deadline),
  };
}

function statementsOf(change: InspectedChange, collation: string): string[] {
  if (change.kind !== "clear") return [ddlText(change, collation)];
  return [clearTableStatement(change.schema.family, change.schema.table)];
}

interface Found {
  readonly session: MysqlSession;
  readonly facts: TableFacts | null;
  readonly count: RowCount | null;
  readonly name: LdbTableName;
}

async function costOf(change: InspectedChange, { session, facts, count, name }: Found): Promise<ChangeCost> {
  if (change.kind === "create" || facts === null || count === null) return "none";
  if (change.kind === "drop") return "instant";
  if (change.kind === "clear") return count.rows === 0n ? "none" : "rows";
  return addColumnCost(session, { schema: change.schema, facts }, name);
}

/** Null when the table is gone by now. */
async function countRows(
  session: MysqlSession,
  name: LdbTableName,
  facts: TableFacts,
  deadline: Deadline,
): Promise<RowCount | null> {
  const estimate = { rows: facts.estimatedRows, isEstimate: true };
  const leftMs = Math.floor(deadline.leftMs());
  if (leftMs === 0) return estimate;
  const sql = isMysql(session)
    ? `SELECT /*+ MAX_EXECUTION_TIME(${leftMs}) */ COUNT(*) FROM ${name}`
    : `SET STATEMENT max_statement_time = ${leftMs / 1000} FOR SELECT COUNT(*) FROM ${name}`;
  try {
    const rows = await session.select(sql, `count the rows of ${name}`);
    return { rows: BigInt(String(rows[0]?.[0] ?? 0)), isEstimate: false };
  } catch (error) {
    if (isTimeLimit(error)) return estimate;
    if (isTableChanged(error)) return null;
    throw error;
  }
}

async function refusalsOf(
  session: MysqlSession,
  change: InspectedChange,
  deadline: Deadline,
): Promise<CtlstoreError[]> {
  if ((change.kind !== "create" && change.kind !== "add-fields") || deadline.leftMs() === 0) return [];
  const refusals: CtlstoreError[] = [];
  if (change.kind === "create") {
    await assertNotThere(session, [change]).catch((error: unknown) => refusals.push(schemaError(error)));
  }
  await tryOut(session, change).catch((error: unknown) => refusals.push(schemaError(error)));
  return refusals;
}

/** What the change itself is to blame for; anything else goes on. */
function schemaError(error: unknown): CtlstoreError {
  if (isCtlstoreError(error) && (error.code === "invalid_schema" || error.code === "table_exists"))
    return error;
  throw error;
}

const TRIAL = "ctlstore_trial";

/** @throws CtlstoreError `invalid_schema` when the server does not take the table or the fields */
async function tryOut(
  session: MysqlSession,
  change: Extract<InspectedChange, { readonly kind: "create" | "add-fields" }>,
): Promise<void> {
  const { schema } = change;
  const { collation } = session.server;
  const name = ldbTableName(schema.family, schema.table);
  const [made, steps] =
    change.kind === "create"
      ? [name, [createTableText(schema, collation, "CREATE TEMPORARY TABLE")]]
      : [
          TRIAL,
          [`CREATE TEMPORARY TABLE ${TRIAL} LIKE ${name}`, addColumnsText(TRIAL, change.added, collation)],
        ];
  try {
    for (const sql of steps) await session.run(sql);
  } catch (error) {
    const refusal = classifyMysqlError(causeOf(error), `change table ${schema.family}/${schema.table}`);
    // The rest tells of the trial: a right that the user lacks, a table that cannot be made as a temporary one.
    if (session.broken || refusal.code === "invalid_schema") throw refusal;
  } finally {
    // It would hide the real table of its name from this session.
    if (!session.broken)
      await session.run(`DROP TEMPORARY TABLE IF EXISTS ${made}`).catch(() => session.destroy());
  }
}
