/**
 * Schema changes on MySQL, whose DDL commits by itself (D6, D7, R38).
 *
 * While one connection holds the ledger lock, a second one records the change as an intent, then runs the DDL; the
 * first then commits ledger entry, catalog and the end of the intent together. Whoever takes the ledger lock and finds
 * an intent finishes it first, so a crash anywhere leaves ctldb and LDBs alike.
 *
 * The second connection works under a named lock. A process that was stopped in the middle and wakes up late still
 * holds it, and whoever repairs meanwhile kills that connection first: no DDL can come after its repair.
 */
import { createHash } from "node:crypto";
import { CtlstoreError } from "../../core/errors.ts";
import { TYPE_FACTS } from "../../core/field-types.ts";
import { type LdbTableName, ldbTableName } from "../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import { doubleQuoted } from "../../core/sql/identifiers.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { encodeChange, encodeDefinition } from "../catalog-row.ts";
import type { SchemaChange } from "../store.ts";
import { strayTable } from "../stray-table.ts";
import type { MysqlSession } from "./session.ts";

/** The lock's name as a literal; named locks are common to all databases of a server and have at most 64 characters. */
function ddlLockName(session: MysqlSession): string {
  const database = createHash("sha256").update(session.database).digest("hex").slice(0, 16);
  return textLiteral(`ctlstore_ddl_${database}`);
}

/** Takes the named lock on the session, killing the connection of a holder that does not let go. */
export async function takeDdlLock(session: MysqlSession): Promise<void> {
  const name = ddlLockName(session);
  const graceSeconds = session.timeouts.schemaLockGraceSeconds;
  const take = async () => {
    const rows = await session.select(`SELECT GET_LOCK(${name}, ${graceSeconds})`, "take the schema lock");
    return Number(rows[0]?.[0]) === 1;
  };
  if (await take()) return;
  const holders = await session.select(`SELECT IS_USED_LOCK(${name})`, "find the schema lock's holder");
  const holder = holders[0]?.[0] ?? null;
  if (holder !== null) await session.run(`KILL CONNECTION ${Number(holder)}`).catch(() => {});
  if (await take()) return;
  throw new CtlstoreError(
    "ctldb_unavailable",
    "Cannot change the schema: another connection holds the schema lock",
    { retryAfterSeconds: graceSeconds },
  );
}

export async function releaseDdlLock(session: MysqlSession): Promise<void> {
  if (!session.broken)
    await session.run(`DO RELEASE_LOCK(${ddlLockName(session)})`).catch(() => session.destroy());
}

export async function recordIntents(session: MysqlSession, changes: readonly SchemaChange[]): Promise<void> {
  const rows = changes.map((change) => `(${textLiteral(encodeChange(change))})`).join(",");
  await session.execute(
    `INSERT INTO ctlstore_schema_intents (schema_change) VALUES ${rows}`,
    "record the schema change",
  );
}

/**
 * Runs the DDL of the changes. When one is refused, those before it are undone.
 * @param repairing what an earlier attempt has done already counts as done
 */
export async function runDdl(
  session: MysqlSession,
  changes: readonly SchemaChange[],
  repairing: boolean,
): Promise<void> {
  const created: LdbTableName[] = [];
  try {
    for (const change of changes) {
      const sql = await ddlFor(session, change, repairing);
      if (sql !== null) await session.execute(sql, describe(change), session.timeouts.ddlMs);
      if (change.kind === "create") created.push(ldbTableName(change.schema.family, change.schema.table));
    }
  } catch (error) {
    // A table that cannot be dropped again (that takes a right of its own) does no harm: the catalog does not have it.
    for (const name of created) await session.run(`DROP TABLE IF EXISTS ${name}`).catch(() => {});
    throw error;
  }
}

async function ddlFor(
  session: MysqlSession,
  change: SchemaChange,
  repairing: boolean,
): Promise<string | null> {
  const { collation } = session.server;
  if (!repairing) return ddlText(change, collation);
  if (change.kind === "create")
    return createTableText(change.schema, collation, "CREATE TABLE IF NOT EXISTS");
  if (change.kind === "drop") return ddlText(change, collation);
  const present = await columnsOf(session, ldbTableName(change.schema.family, change.schema.table));
  const missing = change.added.filter((field) => !present.has(field.name));
  return missing.length === 0 ? null : ddlText({ ...change, added: missing }, collation);
}

/** The DDL of a change, for a database in which nothing of it has been done yet. */
export function ddlText(change: SchemaChange, collation: string): string {
  const name = ldbTableName(change.schema.family, change.schema.table);
  switch (change.kind) {
    case "create":
      return createTableText(change.schema, collation);
    case "drop":
      return `DROP TABLE IF EXISTS ${name}`;
    case "add-fields":
      return addColumnsText(name, change.added, collation);
  }
}

export function addColumnsText(name: string, added: readonly FieldSchema[], collation: string): string {
  const columns = added.map((field) => `ADD COLUMN ${columnDeclaration(field, false, collation)}`);
  return `ALTER TABLE ${name} ${columns.join(", ")}`;
}

function describe(change: SchemaChange): string {
  const verbs = { create: "create table", drop: "drop table", "add-fields": "add fields to" } as const;
  return `${verbs[change.kind]} ${change.schema.family}/${change.schema.table}`;
}

/** @param verb what stands before the table's name */
export function createTableText(schema: TableSchema, collation: string, verb = "CREATE TABLE"): string {
  const isKey = new Set<string>(schema.keyFields);
  const columns = schema.fields.map((field) => columnDeclaration(field, isKey.has(field.name), collation));
  const key = schema.keyFields.map(doubleQuoted).join(", ");
  const name = ldbTableName(schema.family, schema.table);
  return `${verb} ${name} (${columns.join(", ")}, PRIMARY KEY (${key})) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=${collation}`;
}

export function columnDeclaration(field: FieldSchema, isKey: boolean, collation: string): string {
  const { mysql, isCharacter } = TYPE_FACTS[field.type];
  const characters = isCharacter ? ` CHARACTER SET utf8mb4 COLLATE ${collation}` : "";
  return `${doubleQuoted(field.name)} ${mysql}${characters} ${isKey ? "NOT NULL" : "NULL"}`;
}

async function columnsOf(session: MysqlSession, name: LdbTableName): Promise<Set<string>> {
  const rows = await session.select(
    `SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '${name}'`,
    "look at a table's columns",
  );
  return new Set(rows.map(([column]) => String(column).toLowerCase()));
}

/** Refuses to create what stands in the database already although the catalog does not know it. */
export async function assertNotThere(session: MysqlSession, changes: readonly SchemaChange[]): Promise<void> {
  const names = changes
    .filter((change) => change.kind === "create")
    .map(({ schema }) => ldbTableName(schema.family, schema.table));
  if (names.length === 0) return;
  const list = names.map((name) => textLiteral(name)).join(",");
  const sql = `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN (${list})`;
  const found = (await session.select(sql, "look for tables"))[0]?.[0];
  if (found === undefined) return;
  throw strayTable(String(found));
}

export const FORGET_INTENTS = "DELETE FROM ctlstore_schema_intents";

/** What publishes the changes in the catalog and ends their intents; for the transaction that holds the ledger lock. */
export function publishStatements(changes: readonly SchemaChange[]): string[] {
  const statements = changes.map(({ kind, schema }) => {
    const family = textLiteral(schema.family);
    const table = textLiteral(schema.table);
    if (kind === "drop")
      return `DELETE FROM ctlstore_tables WHERE family_name = ${family} AND table_name = ${table}`;
    return `REPLACE INTO ctlstore_tables (family_name, table_name, definition) VALUES (${family}, ${table}, ${textLiteral(encodeDefinition(schema))})`;
  });
  return [...statements, FORGET_INTENTS];
}
