/** Which column goes to which field, by the mapping file alone: the table's schema has its say in `compile-form.ts`. */
import { quote } from "../../core/errors.ts";
import type { FieldType } from "../../core/field-types.ts";
import { type FieldName, parseFieldName } from "../../core/names.ts";
import type { ColumnRules } from "../values/column-rules.ts";
import type { TablePlan } from "./plan.ts";

/** A column and the field that it goes to. */
export interface Assignment {
  readonly column: string;
  readonly field: FieldName;
  readonly rules: ColumnRules;
  /** What the file says of the field's type; null leaves it to the column's. */
  readonly type: FieldType | null;
}

/** A column that has no place to go: never passed over, always refused. */
export interface HomelessColumn {
  readonly column: string;
  /** Goes on from the column's name. */
  readonly reason: string;
}

export interface Assignments {
  readonly assigned: readonly Assignment[];
  readonly homeless: readonly HomelessColumn[];
  /** Fields whose column, which the file names, is not there. */
  readonly lacking: readonly { readonly field: FieldName; readonly column: string }[];
}

export function assignColumns(plan: TablePlan, columns: readonly string[]): Assignments {
  const assigned: Assignment[] = [];
  const homeless: HomelessColumn[] = [];
  const named = namedColumns(plan);
  const feeder = new Map<FieldName, string>();
  for (const [field, source] of plan.fields) {
    feeder.set(field, source.kind === "constant" ? "a constant" : `column ${quote(source.column)}`);
  }
  for (const column of columns) {
    if (plan.drop.has(column)) continue;
    const own = named.get(column);
    if (own !== undefined) {
      assigned.push(...own);
      continue;
    }
    if (plan.rest === "drop") continue;
    const place = plan.rest === "refuse" ? { reason: UNNAMED } : placeByName(column, feeder);
    if ("reason" in place) {
      homeless.push({ column, reason: place.reason });
      continue;
    }
    feeder.set(place.field, `column ${quote(column)}`);
    assigned.push({ column, field: place.field, rules: plan.rules, type: null });
  }
  return { assigned, homeless, lacking: lackingColumns(plan, new Set(columns)) };
}

const UNNAMED = "is not named in the mapping, which says to refuse such columns";

function namedColumns(plan: TablePlan): ReadonlyMap<string, readonly Assignment[]> {
  const named = new Map<string, Assignment[]>();
  for (const [field, source] of plan.fields) {
    if (source.kind === "constant") continue;
    const { column, rules, type } = source;
    named.set(column, [...(named.get(column) ?? []), { column, field, rules, type }]);
  }
  return named;
}

/** The field of the same name in lower case. */
function placeByName(
  column: string,
  feeder: ReadonlyMap<FieldName, string>,
): { readonly field: FieldName } | { readonly reason: string } {
  const field = fieldNameOf(column);
  if (field === null) return { reason: "has a name that no field can have: give it one in fields" };
  const other = feeder.get(field);
  return other === undefined
    ? { field }
    : { reason: `would go to field ${quote(field)}, which takes ${other}` };
}

function fieldNameOf(column: string): FieldName | null {
  try {
    return parseFieldName(column);
  } catch {
    return null;
  }
}

function lackingColumns(plan: TablePlan, columns: ReadonlySet<string>): Assignments["lacking"] {
  const lacking: { field: FieldName; column: string }[] = [];
  for (const [field, source] of plan.fields) {
    if (source.kind === "column" && !columns.has(source.column))
      lacking.push({ field, column: source.column });
  }
  return lacking;
}
