/**
 * The statements of the ledger, in SQLite's dialect, and what kind a given statement is.
 *
 * The forms are shared with the original (docs/ledger-format.md): a change here is a change of format.
 */
import { TYPE_FACTS } from "../field-types.ts";
import { type FamilyName, type LdbTableName, ldbTableName, type TableName } from "../names.ts";
import type { FieldSchema, TableSchema } from "../schema.ts";
import { doubleQuoted } from "../sql/identifiers.ts";
import { ledgerLiteral } from "../sql/literals.ts";
import type { SqlValue } from "../values.ts";

/** Markers around a ledger transaction of two or more mutations. */
export const BEGIN_MARKER = "--- BEGIN";
export const COMMIT_MARKER = "--- COMMIT";

export function createTableStatement(schema: TableSchema): string {
  const columns = schema.fields.map(
    (field) => `${doubleQuoted(field.name)} ${TYPE_FACTS[field.type].sqlite}`,
  );
  const key = schema.keyFields.map(doubleQuoted).join(",");
  return `CREATE TABLE ${ldbTableName(schema.family, schema.table)} (${columns.join(", ")}, PRIMARY KEY(${key}));`;
}

export function addFieldStatement(family: FamilyName, table: TableName, field: FieldSchema): string {
  const type = TYPE_FACTS[field.type].sqlite;
  return `ALTER TABLE ${ldbTableName(family, table)} ADD COLUMN ${doubleQuoted(field.name)} ${type}`;
}

export function dropTableStatement(family: FamilyName, table: TableName): string {
  return `DROP TABLE IF EXISTS ${ldbTableName(family, table)}`;
}

export function clearTableStatement(family: FamilyName, table: TableName): string {
  return `DELETE FROM ${ldbTableName(family, table)}`;
}

/** @param values one per field of the schema, in its order */
export function upsertStatement(schema: TableSchema, values: readonly SqlValue[]): string {
  return `${upsertPrefix(schema)}${values.map(ledgerLiteral).join(",")})`;
}

const prefixes = new WeakMap<TableSchema, string>();

function upsertPrefix(schema: TableSchema): string {
  let prefix = prefixes.get(schema);
  if (prefix === undefined) {
    const columns = schema.fields.map((field) => doubleQuoted(field.name)).join(",");
    prefix = `REPLACE INTO ${ldbTableName(schema.family, schema.table)} (${columns}) VALUES(`;
    prefixes.set(schema, prefix);
  }
  return prefix;
}

/** @param key one value per key field, in key order */
export function deleteStatement(schema: TableSchema, key: readonly SqlValue[]): string {
  const conditions = schema.keyFields.map(
    (name, i) => `${doubleQuoted(name)} = ${ledgerLiteral(key[i] ?? null)}`,
  );
  return `DELETE FROM ${ldbTableName(schema.family, schema.table)} WHERE ${conditions.join(" AND ")}`;
}

export type StatementKind =
  | "begin"
  | "commit"
  | "create"
  | "alter"
  | "drop"
  | "upsert"
  | "delete"
  | "clear"
  | "other";

export interface StatementFacts {
  readonly kind: StatementKind;
  /** Null for markers and for statements that ctlstore does not write. */
  readonly table: LdbTableName | null;
}

const FORMS: ReadonlyArray<readonly [StatementKind, RegExp]> = [
  ["upsert", /^REPLACE INTO (\w+) \(/],
  ["delete", /^DELETE FROM (\w+) WHERE /],
  ["clear", /^DELETE FROM (\w+);?$/],
  ["create", /^CREATE TABLE (\w+) \(/],
  ["alter", /^ALTER TABLE (\w+) ADD COLUMN /],
  ["drop", /^DROP TABLE IF EXISTS (\w+);?$/],
];

/** Kind and table of a ledger statement. */
export function describeStatement(statement: string): StatementFacts {
  if (statement === BEGIN_MARKER) return { kind: "begin", table: null };
  if (statement === COMMIT_MARKER) return { kind: "commit", table: null };
  for (const [kind, form] of FORMS) {
    const match = form.exec(statement);
    if (match !== null) return { kind, table: match[1] as LdbTableName };
  }
  return { kind: "other", table: null };
}

/** True when applying the statement changes the tables of an LDB, not only their rows. */
export function changesSchema(statement: string): boolean {
  // Called for every statement applied: look at one character before anything else. R and "DELETE" never do.
  const first = statement.charCodeAt(0);
  if (first === 0x52 /* R */ || first === 0x2d /* - */) return false;
  if (first === 0x44 /* D */) return statement.charCodeAt(1) === 0x52 /* DR(OP) */;
  return true;
}
