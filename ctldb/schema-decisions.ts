/**
 * What a change of tables comes to, and every reason against it, from the catalog alone.
 *
 * The change itself and its preview ask here, so that a preview cannot promise what is then refused. Under the ledger lock
 * the catalog is the one that holds, and the bounds of a schema with it: two Executives never exceed them together.
 */
import { CtlstoreError, quote } from "../core/errors.ts";
import type { FamilyName, TableName } from "../core/names.ts";
import { type Catalog, type FieldSchema, type TableSchema, withAddedFields } from "../core/schema.ts";
import { ProblemList } from "../core/schema-problems.ts";
import type { LimitDefaults } from "./limits/contract.ts";
import type { SchemaChange } from "./store.ts";

export type SchemaBounds = Pick<LimitDefaults, "tablesPerFamily" | "fieldsPerTable">;

export interface Decision<Change> {
  /** What is to be done, as far as it can be. */
  readonly changes: readonly Change[];
  /** The first is what is told to whoever asks for the change itself. */
  readonly conflicts: readonly CtlstoreError[];
}

/** The changes of a decision that nothing speaks against. @throws CtlstoreError the first conflict */
export function decided<Change>({ changes, conflicts }: Decision<Change>): readonly Change[] {
  if (conflicts[0] !== undefined) throw conflicts[0];
  return changes;
}

export function decideFamily(family: FamilyName, catalog: Catalog): Decision<FamilyName> {
  if (!catalog.families.has(family)) return { changes: [family], conflicts: [] };
  const conflict = new CtlstoreError(
    "family_exists",
    `Cannot create family ${quote(family)}: it exists already`,
  );
  return { changes: [], conflicts: [conflict] };
}

export function decideCreate(
  tables: readonly TableSchema[],
  catalog: Catalog,
  bounds: SchemaBounds,
): Decision<SchemaChange> {
  const list = new ProblemList();
  const changes: SchemaChange[] = [];
  const seen = new Set<string>();
  const unknown = new Set<FamilyName>();
  for (const schema of tables) {
    if (!unknown.has(schema.family) && list.try(() => catalog.assertFamily(schema.family)) === null)
      unknown.add(schema.family);
    const name = `${schema.family}/${schema.table}`;
    if (seen.has(name) || catalog.find(schema.family, schema.table) !== undefined) {
      const message = `Cannot create table ${name}: ${seen.has(name) ? "it is given twice" : "it exists already"}`;
      list.problems.push(new CtlstoreError("table_exists", message));
      continue;
    }
    seen.add(name);
    list.try(() => assertFieldsAllowed(schema, bounds));
    if (!unknown.has(schema.family)) changes.push({ kind: "create", schema });
  }
  for (const [family, made] of Map.groupBy(changes, ({ schema }) => schema.family))
    list.try(() => assertTablesAllowed(family, made.length, catalog, bounds));
  return { changes, conflicts: list.problems };
}

export function decideAddFields(
  change: { readonly family: FamilyName; readonly table: TableName; readonly fields: readonly FieldSchema[] },
  catalog: Catalog,
  bounds: SchemaBounds,
): Decision<SchemaChange> {
  const list = new ProblemList();
  const schema = list.try(() => catalog.table(change.family, change.table));
  if (schema === null || change.fields.length === 0) return { changes: [], conflicts: list.problems };
  // What speaks against some of the fields is no reason to say nothing of the others.
  const added = change.fields.filter((field) => list.try(() => withAddedFields(schema, [field])) !== null);
  const grown = added.length === 0 ? null : list.try(() => withAddedFields(schema, added));
  if (grown === null) return { changes: [], conflicts: list.problems };
  list.try(() => assertFieldsAllowed(grown, bounds));
  return { changes: [{ kind: "add-fields", schema: grown, added }], conflicts: list.problems };
}

export function decideDrop(family: FamilyName, table: TableName, catalog: Catalog): Decision<SchemaChange> {
  const list = new ProblemList();
  const schema = list.try(() => catalog.table(family, table));
  return { changes: schema === null ? [] : [{ kind: "drop", schema }], conflicts: list.problems };
}

/** @param table null is every table of the family */
export function decideClear(
  family: FamilyName,
  table: TableName | null,
  catalog: Catalog,
): Decision<TableSchema> {
  const list = new ProblemList();
  const tables = list.try(() => {
    catalog.assertFamily(family);
    return table === null ? catalog.tables(family) : [catalog.table(family, table)];
  });
  return { changes: tables ?? [], conflicts: list.problems };
}

function assertTablesAllowed(
  family: FamilyName,
  more: number,
  catalog: Catalog,
  { tablesPerFamily }: SchemaBounds,
): void {
  const there = catalog.tables(family).length;
  if (there + more <= tablesPerFamily) return;
  throw new CtlstoreError(
    "schema_too_large",
    `Cannot create ${more === 1 ? "a table" : `${more} tables`} in family ${quote(family)}: it has ${there}; the limit is ${tablesPerFamily}`,
    { hint: "use another family, or start the Executives with a larger --tables-per-family" },
  );
}

function assertFieldsAllowed({ family, table, fields }: TableSchema, { fieldsPerTable }: SchemaBounds): void {
  if (fields.length <= fieldsPerTable) return;
  throw new CtlstoreError(
    "schema_too_large",
    `Cannot give ${family}/${table} ${fields.length} fields: the limit is ${fieldsPerTable}`,
    { hint: "use several tables, or start the Executives with a larger --fields-per-table" },
  );
}
