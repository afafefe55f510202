/**
 * Turns a write request into row operations, checking every name and value against the catalog (D1–D5, D14).
 *
 * Pure: the same request and catalog give the same plan, so a plan is made before the ledger lock is taken and made
 * again only when the schema has changed meanwhile.
 */
import { CtlstoreError, quote } from "../core/errors.ts";
import { deleteStatement, upsertStatement } from "../core/ledger/statements.ts";
import { EXECUTIVE_LIMITS } from "../core/limits.ts";
import { type FamilyName, lowerCaseAscii } from "../core/names.ts";
import type { Catalog, FieldSchema, TableSchema } from "../core/schema.ts";
import { checkValue, type SqlValue } from "../core/values.ts";
import type { Mutation, WriteRequest } from "./contract.ts";
import type { RowOperation } from "./store.ts";

export interface WritePlan {
  /** Version of the catalog that it was made with. */
  readonly schemaVersion: bigint;
  readonly operations: readonly RowOperation[];
  /** UTF-8 bytes of all ledger statements: what sizes of groups and rates are counted in. */
  readonly bytes: number;
}

export interface PlanLimits {
  readonly statementBytes: number;
}

export const DEFAULT_PLAN_LIMITS: PlanLimits = { statementBytes: EXECUTIVE_LIMITS.statementBytes };

/** @throws CtlstoreError with the `index` of the mutation at fault */
export function planWrite(request: WriteRequest, catalog: Catalog, limits: PlanLimits): WritePlan {
  const { family } = request;
  const operations: RowOperation[] = [];
  let bytes = 0;
  if (family !== null) {
    catalog.assertFamily(family);
    for (const [index, mutation] of request.mutations.entries()) {
      const operation = planMutation(mutation, family, catalog, index);
      bytes += statementBytes(operation.statement, limits, index);
      operations.push(operation);
    }
  }
  return { schemaVersion: catalog.version, operations, bytes };
}

function planMutation(mutation: Mutation, family: FamilyName, catalog: Catalog, index: number): RowOperation {
  try {
    const schema = catalog.table(family, mutation.table);
    const facts = tableFacts(schema);
    const values = valuesByField(mutation, facts);
    if (mutation.kind === "delete") {
      const key = facts.key.map((field) => keyValue(field, values));
      return { kind: "delete", schema, values: key, statement: deleteStatement(schema, key) };
    }
    const row = schema.fields.map((field) =>
      facts.keyNames.has(field.name)
        ? keyValue(field, values)
        : checkValue(field, values.get(field.name), false),
    );
    return { kind: "upsert", schema, values: row, statement: upsertStatement(schema, row) };
  } catch (error) {
    throw error instanceof CtlstoreError ? error.with({ index }) : error;
  }
}

interface TableFacts {
  readonly byName: ReadonlyMap<string, FieldSchema>;
  readonly key: readonly FieldSchema[];
  readonly keyNames: ReadonlySet<string>;
  readonly label: string;
}

const factsOf = new WeakMap<TableSchema, TableFacts>();

function tableFacts(schema: TableSchema): TableFacts {
  let facts = factsOf.get(schema);
  if (facts === undefined) {
    const byName = new Map<string, FieldSchema>(schema.fields.map((field) => [field.name, field]));
    const key = schema.keyFields.flatMap((name) => byName.get(name) ?? []);
    facts = { byName, key, keyNames: new Set(schema.keyFields), label: `${schema.family}/${schema.table}` };
    factsOf.set(schema, facts);
  }
  return facts;
}

/** The values by the declared field names; refuses names that the table does not have. */
function valuesByField(mutation: Mutation, facts: TableFacts): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const rawName of Object.keys(mutation.values)) {
    const name = facts.byName.has(rawName) ? rawName : lowerCaseAscii(rawName);
    if (!facts.byName.has(name)) {
      throw new CtlstoreError(
        "unknown_field",
        `Cannot write field ${quote(rawName)}: ${facts.label} has no such field`,
        {
          field: rawName.slice(0, 80),
        },
      );
    }
    if (values.has(name)) {
      throw new CtlstoreError("malformed_request", `Cannot write field ${quote(name)}: it is given twice`, {
        field: name,
      });
    }
    values.set(name, mutation.values[rawName]);
  }
  return values;
}

function keyValue(field: FieldSchema, values: ReadonlyMap<string, unknown>): SqlValue {
  if (!values.has(field.name)) {
    throw new CtlstoreError(
      "missing_key_field",
      `Cannot tell which row is meant: key field ${quote(field.name)} is missing`,
      {
        field: field.name,
      },
    );
  }
  return checkValue(field, values.get(field.name), true);
}

function statementBytes(statement: string, limits: PlanLimits, index: number): number {
  const bytes = Buffer.byteLength(statement);
  if (bytes <= limits.statementBytes) return bytes;
  throw new CtlstoreError(
    "statement_too_large",
    `Cannot write a row whose statement has ${bytes} bytes: the limit is ${limits.statementBytes}`,
    { index },
  );
}
