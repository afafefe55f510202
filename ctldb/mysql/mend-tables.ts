/**
 * Makes a ledger of the original say what MySQL holds (D6, D7): where a crash or a person has left tables that differ
 * from those of the ledger, new entries of ours bring the LDBs to the state of MySQL, which is the source of truth (I8).
 */
import { ldbTableName, splitLdbTableName } from "../../core/names.ts";
import type { TableSchema } from "../../core/schema.ts";
import { EntryAppender } from "../ledger-tail.ts";
import type { FoundTable, LedgerHead } from "../store.ts";
import { findTables, rowOperations } from "./found-tables.ts";
import type { MysqlSession } from "./session.ts";

export interface MendedTables {
  /** What was mended, for the log. */
  readonly changes: readonly string[];
  /** The tables that there are now, in ctldb and ledger alike. */
  readonly tables: readonly TableSchema[];
  /** Tables that are left alone, since their columns are not ours. */
  readonly foreign: readonly string[];
  /** Holds the new entries. */
  readonly appender: EntryAppender;
}

/** @param ledgerTables the tables that the ledger describes at `head` */
export async function mendTables(
  session: MysqlSession,
  head: LedgerHead,
  ledgerTables: readonly FoundTable[],
  timestampUs: number,
): Promise<MendedTables> {
  const appender = new EntryAppender(head, timestampUs);
  const changes: string[] = [];
  const tables: TableSchema[] = [];
  const inLedger = new Map(ledgerTables.map((table) => [table.name, table]));
  const { tables: foundTables, foreign } = await findTables(session);
  // Neither written by us nor taken from the LDBs.
  for (const name of foreign) inLedger.delete(name);
  for (const found of foundTables) {
    const known = inLedger.get(found.name);
    inLedger.delete(found.name);
    const schema = toSchema(found);
    if (schema === null) continue;
    const mended = await mendTable(known, schema, appender, session);
    changes.push(...mended.changes);
    tables.push(mended.schema);
  }
  for (const gone of inLedger.values()) {
    const schema = toSchema(gone);
    if (schema === null) continue;
    changes.push(`drop ${gone.name}`);
    appender.appendSchemaChange({ kind: "drop", schema });
  }
  return { changes, tables, foreign, appender };
}

interface MendedTable {
  readonly changes: readonly string[];
  readonly schema: TableSchema;
}

async function mendTable(
  known: FoundTable | undefined,
  found: TableSchema,
  appender: EntryAppender,
  session: MysqlSession,
): Promise<MendedTable> {
  const name = ldbTableName(found.family, found.table);
  if (known === undefined || !canGrowInto(known, found)) {
    if (known !== undefined) appender.appendSchemaChange({ kind: "drop", schema: found });
    appender.appendSchemaChange({ kind: "create", schema: found });
    for (const operation of await rowOperations(session, found)) appender.appendWrite([operation], null);
    return { changes: [`${known === undefined ? "create" : "replace"} ${name}`], schema: found };
  }
  const added = found.fields.filter((field) => !known.fields.some((other) => other.name === field.name));
  // The order of the ledger, which is that of the LDBs.
  const schema: TableSchema = { ...found, fields: [...known.fields, ...added] };
  if (added.length === 0) return { changes: [], schema };
  appender.appendSchemaChange({ kind: "add-fields", schema, added });
  // The new columns may have values already; rows that have none are the same as before.
  const isSet = new Set(added.map((field) => schema.fields.indexOf(field)));
  for (const operation of await rowOperations(session, schema)) {
    if (operation.values.some((value, i) => isSet.has(i) && value !== null))
      appender.appendWrite([operation], null);
  }
  return { changes: added.map((field) => `add ${name}.${field.name}`), schema };
}

/** True when adding fields makes the one table the other. */
function canGrowInto(known: FoundTable, found: TableSchema): boolean {
  const sameKey = known.keyFields.join() === found.keyFields.join();
  const isThere = (field: FoundTable["fields"][number]) =>
    found.fields.some((other) => other.name === field.name && other.type === field.type);
  return sameKey && known.fields.every(isThere);
}

function toSchema(found: FoundTable): TableSchema | null {
  const names = splitLdbTableName(found.name);
  if (names === null || found.keyFields.length === 0) return null;
  return { ...names, fields: found.fields, keyFields: found.keyFields };
}
