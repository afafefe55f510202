/** The tables of a module: what is read from an Executive, an LDB or a file, in the one order that a module has. */
import { CtlstoreError } from "../core/errors.ts";
import { type FieldType, TYPE_FACTS } from "../core/field-types.ts";

export interface ModuleField {
  readonly name: string;
  readonly type: FieldType;
}

export interface ModuleTable {
  readonly family: string;
  readonly table: string;
  readonly fields: readonly ModuleField[];
  /** In key order. */
  readonly keyFields: readonly string[];
}

/**
 * The same tables in the same order, wherever they came from and in whatever order their fields were added: sorted by
 * name, and in each the key's fields first, in key order, then the others by name.
 * @throws CtlstoreError `unknown_table` when there is none, `invalid_schema` when one has no key
 */
export function inModuleOrder(tables: readonly ModuleTable[]): ModuleTable[] {
  if (tables.length === 0) {
    throw new CtlstoreError(
      "unknown_table",
      "Cannot write typed readers: there is no table to write them for",
    );
  }
  const sorted = [...tables].sort((a, b) => compare(a.family, b.family) || compare(a.table, b.table));
  return sorted.map((table) => ({ ...table, fields: orderedFields(table) }));
}

function orderedFields({ family, table, fields, keyFields }: ModuleTable): ModuleField[] {
  const key = keyFields.map((name) => fields.find((field) => field.name === name));
  const known = key.filter((field) => field !== undefined && TYPE_FACTS[field.type].keyBytes !== null);
  if (key.length === 0 || known.length < key.length) {
    throw new CtlstoreError(
      "invalid_schema",
      `Cannot write a typed reader for ${family}/${table}: its key is (${keyFields.join(", ")}); it needs one of string, integer and bytestring fields`,
    );
  }
  const others = fields.filter(({ name }) => !keyFields.includes(name));
  return [...(known as ModuleField[]), ...others.sort((a, b) => compare(a.name, b.name))];
}

/** By code units, so that the order is the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
