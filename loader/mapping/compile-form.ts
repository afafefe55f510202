/**
 * How one form of image becomes fields: decided once for each list of columns and their types, then only carried out.
 *
 * Nothing is thrown here: what is wrong with a form is said when a row of it comes.
 */
import type { FieldValue } from "../../client/encode.ts";
import { isCtlstoreError, quote } from "../../core/errors.ts";
import type { FieldName } from "../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import type { ColumnRules } from "../values/column-rules.ts";
import type { ConnectType } from "../values/connect-type.ts";
import { converterFor } from "../values/convert.ts";
import { assignColumns, type HomelessColumn } from "./assign-columns.ts";
import { newField, newFieldOfConstant } from "./new-fields.ts";
import type { TablePlan } from "./plan.ts";

/** One column on its way to one field. */
export interface Feed {
  readonly column: string;
  readonly field: FieldName;
  readonly convert: (value: unknown) => FieldValue;
}

/** Types of columns, as an image has them. */
export type ColumnTypes = ReadonlyMap<string, ConnectType> | null;

export interface CompiledForm {
  readonly columnCount: number;
  readonly feeds: readonly Feed[];
  /** Those of the key, in no special order; constants are not among them. */
  readonly keyFeeds: readonly Feed[];
  /** Key fields that get no value from such an image; without one its rows are known. */
  readonly lackingKey: readonly FieldName[];
  /** Why no whole row can be made of such an image, or null. */
  readonly refusal: { readonly why: string; readonly field: string; readonly hint: string } | null;
  /** Fields that the table needs first. */
  readonly newFields: readonly FieldSchema[];
}

export function compileForm(
  plan: TablePlan,
  schema: TableSchema,
  columns: readonly string[],
  types: ColumnTypes,
): CompiledForm {
  const fields = new Map(schema.fields.map((field) => [field.name, field]));
  const { assigned, homeless, lacking } = assignColumns(plan, columns);
  const feeds: Feed[] = [];
  const refused: HomelessColumn[] = [...homeless];
  const newFields: FieldSchema[] = [];
  for (const { column, field, rules, type } of assigned) {
    const target = fields.get(field);
    const columnType = types?.get(column) ?? null;
    if (target !== undefined) {
      feeds.push({ column, field, convert: converter(target, columnType, rules) });
      continue;
    }
    const made = plan.addFields ? newField(field, type, columnType, rules) : `does not exist in the table`;
    if (typeof made === "string")
      refused.push({ column, reason: `would go to field ${quote(field)}, which ${made}` });
    else newFields.push(made);
  }
  newFields.push(...newConstants(plan, fields));
  const fed = new Set(feeds.map(({ field }) => field));
  const isConstant = (field: FieldName) => plan.fields.get(field)?.kind === "constant";
  return {
    columnCount: columns.length,
    feeds,
    keyFeeds: feeds.filter(({ field }) => schema.keyFields.includes(field)),
    lackingKey: schema.keyFields.filter((field) => !fed.has(field) && !isConstant(field)),
    refusal: refusalOf(refused[0], lacking[0]),
    newFields,
  };
}

function newConstants(plan: TablePlan, fields: ReadonlyMap<FieldName, FieldSchema>): FieldSchema[] {
  if (!plan.addFields) return [];
  return [...plan.fields].flatMap(([name, source]) =>
    source.kind === "constant" && !fields.has(name) ? [newFieldOfConstant(name, source)] : [],
  );
}

/** A column type that can never become this field is refused with the first value, like every other misfit. */
function converter(
  field: FieldSchema,
  type: ConnectType | null,
  rules: ColumnRules,
): (value: unknown) => FieldValue {
  try {
    return converterFor(field, type, rules);
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    return () => {
      throw error;
    };
  }
}

function refusalOf(
  homeless: HomelessColumn | undefined,
  lacking: { readonly field: FieldName; readonly column: string } | undefined,
): CompiledForm["refusal"] {
  if (homeless !== undefined) {
    return {
      why: `column ${quote(homeless.column)} ${homeless.reason}`,
      field: homeless.column,
      hint: "give the table that field (or the mapping addFields: true), name the column in fields, or list it in drop",
    };
  }
  if (lacking === undefined) return null;
  return {
    why: `the event has no column ${quote(lacking.column)}, which the mapping names for field ${quote(lacking.field)}`,
    field: lacking.field,
    hint: "if the origin no longer has the column, take it out of the mapping: the field is null from then on",
  };
}
