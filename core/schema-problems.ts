/** All that is wrong with a definition, where `schema.ts` stops at the first: for whoever asks before a change is made. */
import { CtlstoreError } from "./errors.ts";
import { parseFamilyName, parseTableName } from "./names.ts";
import {
  assertFieldCount,
  assertNameFits,
  type FieldSchema,
  parseFields,
  parseKeyFields,
  type TableDefinition,
  type TableSchema,
} from "./schema.ts";

/** What was understood, and what was not: without problems there is a value. */
export interface Checked<Value> {
  readonly value: Value | null;
  readonly problems: readonly CtlstoreError[];
}

/** Runs checks one after the other and keeps what they throw. */
export class ProblemList {
  readonly problems: CtlstoreError[] = [];

  /** Null when it threw. */
  try<Value>(check: () => Value): Value | null {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof CtlstoreError)) throw error;
      this.problems.push(error);
      return null;
    }
  }

  checked<Value>(value: Value | null): Checked<Value> {
    return { value: this.problems.length === 0 ? value : null, problems: this.problems };
  }
}

/** What one parser makes of it. */
export function check<Value>(parse: () => Value): Checked<Value> {
  const list = new ProblemList();
  return { value: list.try(parse), problems: list.problems };
}

/** As `parseTableSchema`. */
export function checkTable(
  rawFamily: string,
  rawTable: string,
  definition: TableDefinition,
): Checked<TableSchema> {
  const list = new ProblemList();
  const family = list.try(() => parseFamilyName(rawFamily));
  const table = list.try(() => parseTableName(rawTable));
  if (family !== null && table !== null) list.try(() => assertNameFits({ family, table }));
  const { value: fields, problems } = checkFields(definition.fields);
  list.problems.push(...problems);
  const keyFields = fields === null ? null : list.try(() => parseKeyFields(definition.keyFields, fields));
  if (family === null || table === null || fields === null) return list.checked<TableSchema>(null);
  list.try(() => assertFieldCount({ family, table, fields }));
  return list.checked(keyFields === null ? null : { family, table, fields, keyFields });
}

/** As `parseFields`. */
export function checkFields(declarations: TableDefinition["fields"]): Checked<readonly FieldSchema[]> {
  const list = new ProblemList();
  const fields = new Map<string, FieldSchema>();
  for (const declaration of declarations) {
    for (const field of list.try(() => parseFields([declaration])) ?? []) {
      if (fields.has(field.name)) list.try(() => parseFields([declaration, declaration]));
      fields.set(field.name, field);
    }
  }
  return list.checked([...fields.values()]);
}
