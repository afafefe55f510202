/** Tables and fields that the loader makes: their names by the mapping, their types by the file or the event's schema. */
import { quote } from "../../core/errors.ts";
import { type FieldType, TYPE_FACTS } from "../../core/field-types.ts";
import { FORMAT_LIMITS } from "../../core/limits.ts";
import type { FieldName } from "../../core/names.ts";
import { type FieldSchema, parseTableSchema, type TableSchema, tableToWire } from "../../core/schema.ts";
import type { RowEvent } from "../events/change-event.ts";
import type { ColumnRules } from "../values/column-rules.ts";
import type { ConnectType } from "../values/connect-type.ts";
import { defaultFieldType } from "../values/default-type.ts";
import { assignColumns } from "./assign-columns.ts";
import type { FieldSource, TablePlan } from "./plan.ts";
import { eventRefused } from "./refusal.ts";

type ConstantSource = Extract<FieldSource, { kind: "constant" }>;

/** A field for a column, or why there can be none, going on from the field's name. */
export function newField(
  name: FieldName,
  declared: FieldType | null,
  columnType: ConnectType | null,
  rules: ColumnRules,
): FieldSchema | string {
  const type = declared ?? defaultFieldType(columnType, rules);
  return type === null ? "cannot be made, since the event does not tell its type" : { name, type };
}

/** A field for a constant. */
export function newFieldOfConstant(name: FieldName, { value, type }: ConstantSource): FieldSchema {
  if (type !== null) return { name, type };
  if (typeof value === "string") {
    return { name, type: [...value].length > FORMAT_LIMITS.stringChars ? "text" : "string" };
  }
  return { name, type: typeof value === "number" && !Number.isInteger(value) ? "decimal" : "integer" };
}

/**
 * The table that an event needs: a field for each column and each constant, the key of the file or of the record.
 * @throws CtlstoreError `event_refused` when the event does not tell enough for it
 */
export function newTable(plan: TablePlan, event: RowEvent): TableSchema | null {
  const { after } = event;
  if (after === null) return null;
  const { assigned, homeless, lacking } = assignColumns(plan, Object.keys(after.values));
  const keyFields = plan.key ?? keyOfRecord(plan, event);
  const fields = new Map<FieldName, FieldSchema>();
  const refuse = (column: string, reason: string) =>
    eventRefused(plan, `the table cannot be made: column ${quote(column)} ${reason}`, {
      field: column,
      hint: "events with schema tell types; else give `type` to the field in the mapping, or make the table by hand",
    });
  for (const { column, reason } of homeless) throw refuse(column, reason);
  for (const { column, field } of lacking)
    throw refuse(column, `for field ${quote(field)} is not in the event`);
  for (const { column, field, rules, type } of assigned) {
    const made = newField(field, type, after.types?.get(column) ?? null, rules);
    if (typeof made === "string") throw refuse(column, `would go to field ${quote(field)}, which ${made}`);
    fields.set(field, keyFields.includes(field) && type === null ? asKeyField(made) : made);
  }
  for (const [name, source] of plan.fields) {
    if (source.kind === "constant") fields.set(name, newFieldOfConstant(name, source));
  }
  return checked(plan, [...fields.values()], keyFields);
}

/** Only short types may be in a key. A value that does not fit is refused when it comes. */
function asKeyField({ name, type }: FieldSchema): FieldSchema {
  if (type === "text") return { name, type: "string" };
  return { name, type: type === "binary" ? "bytestring" : type };
}

function keyOfRecord(plan: TablePlan, event: RowEvent): FieldName[] {
  const columns = Object.keys(event.key?.values ?? {});
  const { assigned } = assignColumns(plan, columns);
  const keyFields = columns.flatMap((column) => assigned.find((one) => one.column === column)?.field ?? []);
  if (columns.length === 0 || keyFields.length < columns.length) {
    throw eventRefused(plan, "the table cannot be made: the record's key does not tell the key fields", {
      hint: "name them in the mapping as `key`",
    });
  }
  return keyFields;
}

/** What the Executive would refuse is refused here, with the table's own reason. */
function checked(plan: TablePlan, fields: FieldSchema[], keyFields: readonly FieldName[]): TableSchema {
  const { family, table } = plan;
  try {
    return parseTableSchema(family, table, tableToWire({ family, table, fields, keyFields }));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const keys = Object.entries(TYPE_FACTS).filter(([, { keyBytes }]) => keyBytes !== null);
    throw eventRefused(plan, `the table cannot be made: ${reason}`, {
      cause,
      hint: `key fields are of type ${keys.map(([type]) => type).join(", ")}; give \`type\` and \`key\` in the mapping, or make the table by hand`,
    });
  }
}
