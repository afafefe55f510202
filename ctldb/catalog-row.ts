/** A table's definition as the text that our catalog tables and schema intents hold. */
import type { FieldType } from "../core/field-types.ts";
import type { FamilyName, FieldName, TableName } from "../core/names.ts";
import type { TableSchema } from "../core/schema.ts";
import type { SchemaChange } from "./store.ts";

interface StoredDefinition {
  readonly fields: ReadonlyArray<readonly [FieldName, FieldType]>;
  readonly keyFields: readonly FieldName[];
}

/** `{"fields":[["id","string"]],"keyFields":["id"]}` */
export function encodeDefinition(schema: TableSchema): string {
  const stored: StoredDefinition = {
    fields: schema.fields.map((field) => [field.name, field.type] as const),
    keyFields: schema.keyFields,
  };
  return JSON.stringify(stored);
}

/** Trusts the text: only this file writes it, after the schema was parsed. */
export function decodeTable(family: string, table: string, definition: string): TableSchema {
  const stored = JSON.parse(definition) as StoredDefinition;
  return {
    family: family as FamilyName,
    table: table as TableName,
    fields: stored.fields.map(([name, type]) => ({ name, type })),
    keyFields: stored.keyFields,
  };
}

/** A schema change as the text of an intent. */
export function encodeChange(change: SchemaChange): string {
  return JSON.stringify(change);
}

export function decodeChange(text: string): SchemaChange {
  return JSON.parse(text) as SchemaChange;
}
