/** Each table of a mapping beside its live schema: which field comes from where, and what does not fit. */
import { quote } from "../../../core/errors.ts";
import type { FieldName } from "../../../core/names.ts";
import type { TableSchema } from "../../../core/schema.ts";
import { fitTable } from "../fit.ts";
import { tableName } from "../keeper.ts";
import { newFieldOfConstant } from "../new-fields.ts";
import type { FieldSource, TablePlan } from "../plan.ts";
import { type Problem, problemText } from "../problems.ts";
import type { FieldReport, TableReport } from "./report.ts";

/** @param live the schemas by `family/table`; null when nobody was asked */
export function checkTable(plan: TablePlan, live: ReadonlyMap<string, TableSchema> | null): TableReport {
  const problems: Problem[] = [];
  const schema = live?.get(tableName(plan)) ?? null;
  // Without an Executive only what the file alone can be wrong about counts.
  fitTable(live === null ? { ...plan, create: true } : plan, schema, problems);
  const fields = fieldReports(plan, schema, live !== null);
  const { place, topic, source, family, table } = plan;
  return {
    ...{ place, topic, source, family, table, fields },
    state: stateOf(plan, schema, live !== null),
    key: schema?.keyFields ?? plan.key,
    rest: restText(plan),
    warnings: warningsOf(fields),
    problems: problems.map(textWithHint),
  };
}

export function textWithHint(problem: Problem): string {
  return problem.hint === undefined ? problemText(problem) : `${problemText(problem)} (${problem.hint})`;
}

function stateOf(plan: TablePlan, schema: TableSchema | null, isAsked: boolean): TableReport["state"] {
  if (schema !== null) return "exists";
  if (!isAsked) return "unknown";
  return plan.create ? "will be made" : "missing";
}

const NOTHING = "nothing: it is null";

function fieldReports(plan: TablePlan, schema: TableSchema | null, isAsked: boolean): FieldReport[] {
  const reports: FieldReport[] = (schema?.fields ?? []).map(({ name, type }) => ({
    ...{ field: name, type, state: "exists" },
    from: sourceText(plan, name),
  }));
  for (const [name, source] of plan.fields) {
    if (schema?.fields.some((field) => field.name === name)) continue;
    const type = source.kind === "constant" ? newFieldOfConstant(name, source).type : source.type;
    reports.push({ field: name, type, state: isAsked ? "will be made" : "unknown", from: ofSource(source) });
  }
  return reports;
}

function sourceText(plan: TablePlan, field: FieldName): string {
  const source = plan.fields.get(field);
  if (source !== undefined) return ofSource(source);
  return plan.rest === "same-name" ? `column ${quote(field)}, if the event has it` : NOTHING;
}

function ofSource(source: FieldSource): string {
  return source.kind === "constant" ? `constant ${quote(source.value)}` : `column ${quote(source.column)}`;
}

function restText({ rest, drop, addFields, create }: TablePlan): string {
  const dropped = drop.size === 0 ? "" : `; left out: ${[...drop].map(quote).join(", ")}`;
  if (rest === "drop") return `other columns are left out${dropped}`;
  if (rest === "refuse") return `other columns are refused${dropped}`;
  const missing = addFields
    ? "which is added where it is missing"
    : create
      ? "which is made with the table; later ones are refused"
      : "and are refused where the table has none";
  return `other columns go to the field of the same name, ${missing}${dropped}`;
}

function warningsOf(fields: readonly FieldReport[]): string[] {
  return fields
    .filter(({ from }) => from === NOTHING)
    .map(({ field }) => `nothing feeds field ${quote(field)}`);
}
