/** Table schemas: parsing from the wire form, checks, and the catalog of all tables. */
import { CtlstoreError, quote } from "./errors.ts";
import { FIELD_TYPES, type FieldType, isFieldType, TYPE_FACTS } from "./field-types.ts";
import { FORMAT_LIMITS } from "./limits.ts";
import {
  type FamilyName,
  type FieldName,
  type LdbTableName,
  ldbTableName,
  parseFamilyName,
  parseFieldName,
  parseTableName,
  type TableName,
} from "./names.ts";

export interface FieldSchema {
  readonly name: FieldName;
  readonly type: FieldType;
}

export interface TableSchema {
  readonly family: FamilyName;
  readonly table: TableName;
  /** In the order in which they were declared. */
  readonly fields: readonly FieldSchema[];
  /** In the order of the primary key, which need not be the order of `fields`. */
  readonly keyFields: readonly FieldName[];
}

/** A table definition as it stands in HTTP bodies. */
export interface TableDefinition {
  readonly fields: ReadonlyArray<readonly [name: string, type: string]>;
  readonly keyFields: readonly string[];
}

function invalid(message: string, hint?: string): CtlstoreError {
  return new CtlstoreError("invalid_schema", message, hint === undefined ? {} : { hint });
}

/** Parses field declarations. @throws CtlstoreError `invalid_schema`, `invalid_name` */
export function parseFields(fields: TableDefinition["fields"]): FieldSchema[] {
  const seen = new Set<string>();
  return fields.map(([rawName, type]) => {
    const name = parseFieldName(rawName);
    if (!isFieldType(type)) {
      throw invalid(
        `Cannot declare field ${quote(name)}: ${quote(type)} is not a type`,
        `types: ${FIELD_TYPES.join(", ")}`,
      );
    }
    if (seen.has(name)) throw invalid(`Cannot declare field ${quote(name)}: it is declared twice`);
    seen.add(name);
    return { name, type };
  });
}

/** @throws CtlstoreError `invalid_schema`, `invalid_name` */
export function parseKeyFields(rawNames: readonly string[], fields: readonly FieldSchema[]): FieldName[] {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const keyFields: FieldName[] = [];
  let keyBytes = 0;
  for (const rawName of rawNames) {
    const name = parseFieldName(rawName);
    const field = byName.get(name);
    if (field === undefined)
      throw invalid(`Cannot use ${quote(name)} as a key field: it is not among the fields`);
    if (keyFields.includes(name))
      throw invalid(`Cannot use ${quote(name)} as a key field: it is listed twice`);
    const bytes = TYPE_FACTS[field.type].keyBytes;
    if (bytes === null) {
      throw invalid(
        `Cannot use ${quote(name)} as a key field: its type is ${field.type}`,
        "key fields are of type string, integer or bytestring",
      );
    }
    keyBytes += bytes;
    keyFields.push(name);
  }
  if (keyFields.length === 0)
    throw invalid("Cannot create a table without a key: keyFields is empty; name at least one");
  if (keyFields.length > FORMAT_LIMITS.keyFields) {
    throw invalid(
      `Cannot create a table with ${keyFields.length} key fields: the limit is ${FORMAT_LIMITS.keyFields}`,
    );
  }
  if (keyBytes > FORMAT_LIMITS.keyBytes) {
    throw invalid(
      `Cannot create a table with a key of up to ${keyBytes} bytes: the limit is ${FORMAT_LIMITS.keyBytes}`,
      "a string counts 764 bytes, a bytestring 255, an integer 8",
    );
  }
  return keyFields;
}

/** Parses and checks a whole table. @throws CtlstoreError `invalid_schema`, `invalid_name` */
export function parseTableSchema(family: string, table: string, definition: TableDefinition): TableSchema {
  const fields = parseFields(definition.fields);
  const schema: TableSchema = {
    family: parseFamilyName(family),
    table: parseTableName(table),
    fields,
    keyFields: parseKeyFields(definition.keyFields, fields),
  };
  assertNameFits(schema);
  assertFieldCount(schema);
  return schema;
}

/** @throws CtlstoreError `invalid_schema` */
export function assertNameFits(schema: Pick<TableSchema, "family" | "table">): void {
  const name = ldbTableName(schema.family, schema.table);
  if (name.length <= FORMAT_LIMITS.ldbTableNameChars) return;
  throw invalid(
    `Cannot create table ${schema.family}/${schema.table}: ${quote(name)} has ${name.length} characters; the limit is ${FORMAT_LIMITS.ldbTableNameChars}`,
    "MySQL has no longer table names; shorten the family's or the table's",
  );
}

/** The table with fields added. @throws CtlstoreError `field_exists`, `invalid_schema` */
export function withAddedFields(schema: TableSchema, added: readonly FieldSchema[]): TableSchema {
  for (const field of added) {
    if (schema.fields.some((existing) => existing.name === field.name)) {
      throw new CtlstoreError(
        "field_exists",
        `Cannot add field ${quote(field.name)} to ${schema.family}/${schema.table}: it exists already`,
        { field: field.name },
      );
    }
  }
  const next = { ...schema, fields: [...schema.fields, ...added] };
  assertFieldCount(next);
  return next;
}

/** @throws CtlstoreError `invalid_schema` */
export function assertFieldCount(schema: Omit<TableSchema, "keyFields">): void {
  if (schema.fields.length > FORMAT_LIMITS.fieldsPerTable) {
    throw invalid(
      `Cannot give ${schema.family}/${schema.table} ${schema.fields.length} fields: the limit is ${FORMAT_LIMITS.fieldsPerTable}`,
    );
  }
  // MySQL counts a VARCHAR(191) of utf8mb4 as 766 bytes of its 65,535-byte row, whatever it holds.
  const rowBytes = schema.fields.reduce((sum, field) => sum + (TYPE_FACTS[field.type].keyBytes ?? 12) + 2, 0);
  if (rowBytes > 65_000) {
    throw invalid(
      `Cannot give ${schema.family}/${schema.table} so many string fields: a row could need ${rowBytes} bytes; 65000 fit`,
      "declare long or rarely used fields as text",
    );
  }
}

/** The wire form that schema routes return and `POST /tables` takes. */
export function tableToWire(schema: TableSchema): {
  family: string;
  name: string;
  fields: [string, string][];
  keyFields: string[];
} {
  return {
    family: schema.family,
    name: schema.table,
    fields: schema.fields.map((field) => [field.name, field.type]),
    keyFields: [...schema.keyFields],
  };
}

/** All families and tables at one schema version; immutable. */
export class Catalog {
  /** Goes up by one with every change; equal versions of one ctldb mean equal catalogs. */
  readonly version: bigint;
  readonly families: ReadonlySet<FamilyName>;
  readonly #tables: ReadonlyMap<LdbTableName, TableSchema>;

  constructor(version: bigint, families: Iterable<FamilyName>, tables: Iterable<TableSchema>) {
    this.version = version;
    this.families = new Set(families);
    this.#tables = new Map([...tables].map((schema) => [ldbTableName(schema.family, schema.table), schema]));
  }

  find(family: FamilyName, table: TableName): TableSchema | undefined {
    return this.#tables.get(ldbTableName(family, table));
  }

  /** @throws CtlstoreError `unknown_family`, `unknown_table` */
  table(family: FamilyName, table: TableName): TableSchema {
    const schema = this.find(family, table);
    if (schema !== undefined) return schema;
    this.assertFamily(family);
    throw new CtlstoreError(
      "unknown_table",
      `Cannot find table ${family}/${table}: the family has no such table`,
    );
  }

  /** @throws CtlstoreError `unknown_family` */
  assertFamily(family: FamilyName): void {
    if (this.families.has(family)) return;
    throw new CtlstoreError("unknown_family", `Cannot find family ${quote(family)}: it does not exist`, {
      hint: `create it with POST /families/${family}`,
    });
  }

  /** All tables, or those of one family, sorted by name. */
  tables(family?: FamilyName): TableSchema[] {
    return [...this.#tables.values()]
      .filter((schema) => family === undefined || schema.family === family)
      .sort((a, b) => (ldbTableName(a.family, a.table) < ldbTableName(b.family, b.table) ? -1 : 1));
  }
}
