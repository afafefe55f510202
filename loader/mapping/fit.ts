/**
 * Whether a mapping fits the live tables: everything that can be known before the first event is looked at here, so that a
 * loader that starts has a mapping that works.
 */
import type { FieldValue } from "../../client/encode.ts";
import { isCtlstoreError, quote } from "../../core/errors.ts";
import type { FieldName } from "../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import { checkValue } from "../../core/values.ts";
import type { ColumnRules } from "../values/column-rules.ts";
import { converterFor } from "../values/convert.ts";
import { keyTextOf } from "./key-text.ts";
import { newFieldOfConstant } from "./new-fields.ts";
import type { FieldSource, TablePlan } from "./plan.ts";
import { type Problem, placeOf } from "./problems.ts";

export interface FittedTable {
  readonly plan: TablePlan;
  /** Null while the table does not exist. */
  readonly schema: TableSchema | null;
  readonly constants: ReadonlyMap<FieldName, FieldValue>;
}

/** Looks at one table. Problems are added to the list; with any of its own the answer is of no use. */
export function fitTable(plan: TablePlan, schema: TableSchema | null, problems: Problem[]): FittedTable {
  const constants = new Map<FieldName, FieldValue>();
  if (schema === null) problems.push(...missingTable(plan));
  else problems.push(...wrongKey(plan, schema));
  for (const [name, source] of plan.fields) {
    const field = schema?.fields.find((one) => one.name === name);
    const place = `${plan.place}.${placeOf(["fields", name])}`;
    if (schema !== null && field === undefined && !plan.addFields) {
      problems.push({
        place,
        what: `is no field of table ${plan.family}/${plan.table}`,
        hint: "add it to the table, or say addFields: true",
      });
      continue;
    }
    if (field !== undefined) problems.push(...wrongType(place, source, field));
    if (source.kind === "column") {
      problems.push(...wrongColumn(place, source.rules, field ?? { name, type: "string" }));
      continue;
    }
    const target = field ?? newFieldOfConstant(name, source);
    const isKey = (schema?.keyFields ?? plan.key ?? []).includes(name);
    const value = constantOf(target, source.value, isKey, place, problems);
    // A field that is to be added first gets its constant then.
    if (value !== null && (field !== undefined || schema === null)) constants.set(name, value);
  }
  return { plan, schema, constants };
}

function missingTable({ place, family, table, create, rest, key, fields }: TablePlan): Problem[] {
  if (!create) {
    const hint = "make it with ctlstore create-table, or say create: true";
    return [{ place: `${place}.table`, what: `names ${family}/${table}, which does not exist`, hint }];
  }
  return rest === "same-name" ? [] : unfedKey(place, key ?? [], fields);
}

function wrongKey({ place, family, table, key, rest, fields }: TablePlan, schema: TableSchema): Problem[] {
  const live = schema.keyFields;
  if (key !== null && (key.length !== live.length || key.some((field) => !live.includes(field)))) {
    const what = `is ${key.join(", ")}; the key of ${family}/${table} is ${live.join(", ")}`;
    return [{ place: `${place}.key`, what }];
  }
  return rest === "same-name" ? [] : unfedKey(place, live, fields);
}

/** Where only named columns are taken, a key field that is not named would never get a value. */
function unfedKey(
  place: string,
  key: readonly FieldName[],
  fields: ReadonlyMap<FieldName, FieldSource>,
): Problem[] {
  return key
    .filter((field) => !fields.has(field))
    .map((field) => ({ place: `${place}.fields`, what: `says nothing about key field ${quote(field)}` }));
}

function wrongType(place: string, { type }: FieldSource, field: FieldSchema): Problem[] {
  if (type === null || type === field.type) return [];
  return [{ place: `${place}.type`, what: `is ${quote(type)}; the field is ${field.type}` }];
}

/** The type of a column, as the file may name it for events without schema. */
function wrongColumn(place: string, rules: ColumnRules, field: FieldSchema): Problem[] {
  try {
    converterFor(field, null, rules);
    return [];
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    return [{ place: `${place}.column`, what: `cannot be used: ${error.message}` }];
  }
}

function constantOf(
  field: FieldSchema,
  value: string | number | bigint | boolean,
  isKey: boolean,
  place: string,
  problems: Problem[],
): FieldValue {
  try {
    return checkValue(field, value, isKey);
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    problems.push({ place: `${place}.constant`, what: `does not fit: ${error.message}` });
    return null;
  }
}

/**
 * Two tables of the origin may share one of ours only when the key tells whose a row is: by constants that differ. Otherwise
 * one's delete would take the other's row.
 */
export function fitSharedTables(tables: readonly FittedTable[]): Problem[] {
  const problems: Problem[] = [];
  const groups = new Map<string, FittedTable[]>();
  for (const table of tables) {
    const name = `${table.plan.family}/${table.plan.table}`;
    groups.set(name, [...(groups.get(name) ?? []), table]);
  }
  for (const [name, sharing] of groups)
    if (sharing.length > 1) problems.push(...sharedProblems(name, sharing));
  return problems;
}

function sharedProblems(name: string, sharing: readonly FittedTable[]): Problem[] {
  const problems: Problem[] = [];
  const seen: FittedTable[] = [];
  for (const table of sharing) {
    const { plan, schema } = table;
    if ((schema?.keyFields ?? plan.key) === null) {
      const what = `is needed, since several tables go to ${name}, which is to be made`;
      problems.push({ place: `${plan.place}.key`, what });
      continue;
    }
    const other = seen.find((one) => !areToldApart(one, table));
    if (other !== undefined) {
      problems.push({
        place: plan.place,
        what: `goes to ${name} like ${other.plan.place}, and nothing in the key tells their rows apart`,
        hint: "give each a constant of its own for the same field of the key",
      });
    }
    seen.push(table);
  }
  return problems;
}

/** A field of the key is a constant of both, and another one. A constant and a column do not do: the column may have it, too. */
function areToldApart(one: FittedTable, other: FittedTable): boolean {
  const keyFields = one.schema?.keyFields ?? one.plan.key ?? [];
  return keyFields.some((field) => {
    const [mine, theirs] = [constantText(one, field), constantText(other, field)];
    return mine !== null && theirs !== null && mine !== theirs;
  });
}

/** A constant in the key, equal exactly for the same value. */
function constantText({ plan, schema, constants }: FittedTable, field: FieldName): string | null {
  const source = plan.fields.get(field);
  if (source?.kind !== "constant" || !constants.has(field)) return null;
  const fields = schema?.fields ?? [newFieldOfConstant(field, source)];
  const { family, table } = plan;
  return keyTextOf({ family, table, fields, keyFields: [field] }, Object.fromEntries(constants));
}
