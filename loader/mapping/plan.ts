/** The mapping file as the loader uses it: names parsed, defaults filled in, and its tables checked against one another. */
import { isCtlstoreError, messageOf, quote } from "../../core/errors.ts";
import type { FieldType } from "../../core/field-types.ts";
import { SNAPSHOT_WATCH_LIMITS } from "../../core/limits.ts";
import {
  type FamilyName,
  type FieldName,
  parseFamilyName,
  parseFieldName,
  parseTableName,
  type TableName,
} from "../../core/names.ts";
import { type ColumnRules, DEFAULT_COLUMN_RULES } from "../values/column-rules.ts";
import type { LaneKind, OnTruncate, VanishedRows } from "./mapping.ts";
import { mappingInvalid, type Problem, placeOf } from "./problems.ts";
import type { FieldSpec, ParsedMapping, ParsedTable } from "./read-file.ts";

/** Where a field that the file names gets its values from. */
export type FieldSource =
  | {
      readonly kind: "column";
      readonly column: string;
      readonly rules: ColumnRules;
      /** For a field that the loader makes; null leaves it to the column's type. */
      readonly type: FieldType | null;
    }
  | {
      readonly kind: "constant";
      readonly value: string | number | bigint | boolean;
      readonly type: FieldType | null;
    };

export interface TablePlan {
  /** In the file: `tables[2]`. */
  readonly place: string;
  readonly topic: string;
  /** `database.table`; null takes every event of the topic. */
  readonly source: string | null;
  readonly family: FamilyName;
  readonly table: TableName;
  /** In the file's order. */
  readonly fields: ReadonlyMap<FieldName, FieldSource>;
  readonly rest: "same-name" | "drop" | "refuse";
  /** Columns that are left out. */
  readonly drop: ReadonlySet<string>;
  /** Of columns that the file does not name. */
  readonly rules: ColumnRules;
  readonly create: boolean;
  readonly addFields: boolean;
  readonly key: readonly FieldName[] | null;
  readonly vanishedRows: VanishedRows;
  readonly sweepAtMostPercent: number;
  readonly onTruncate: OnTruncate;
}

export interface MappingPlan {
  /** Of the file, for messages. */
  readonly name: string;
  readonly transactionTopic: string | null;
  readonly tables: readonly TablePlan[];
  readonly lanes: ReadonlyMap<string, LaneKind>;
  /** Tables of the origin whose events are left out. */
  readonly drop: ReadonlySet<string>;
}

/** @throws CtlstoreError `mapping_invalid` with the places of what is wrong */
export function planMapping(file: ParsedMapping, name: string): MappingPlan {
  const problems: Problem[] = [];
  const tables = file.tables.map((table, index) => planTable(file, table, index, problems));
  const lanes = lanesOf(file.tables, problems);
  const drop = new Set(file.drop ?? []);
  problems.push(...sharedTopics(tables), ...droppedTables(tables, drop));
  const transactionTopic = file.transactionTopic ?? null;
  const mixed = tables.find(({ topic }) => topic === transactionTopic);
  if (mixed !== undefined) {
    problems.push({ place: "transactionTopic", what: `is also the topic of ${mixed.place}` });
  }
  if (problems.length > 0) throw mappingInvalid(name, problems);
  return { name, transactionTopic, tables, lanes, drop };
}

function planTable(file: ParsedMapping, spec: ParsedTable, index: number, problems: Problem[]): TablePlan {
  const rules = { ...DEFAULT_COLUMN_RULES, ...file.values, ...spec.values };
  const drop = new Set(spec.drop ?? []);
  const at = (...path: (string | number)[]) => placeOf(["tables", index, ...path]);
  const parsed = <T extends string>(place: string, parse: (name: string) => T, raw: string): T =>
    parseName(place, parse, raw, problems);
  const fields = new Map<FieldName, FieldSource>();
  for (const [raw, fieldSpec] of spec.fields) {
    const place = at("fields", raw);
    const field = parsed(place, parseFieldName, raw);
    const source = sourceOf(fieldSpec, rules);
    if (fields.has(field)) problems.push({ place, what: `names field ${quote(field)} again` });
    if (source.kind === "column" && drop.has(source.column)) {
      problems.push({ place, what: `takes column ${quote(source.column)}, which is also listed in drop` });
    }
    fields.set(field, source);
  }
  const key = spec.key?.map((raw, position) => parsed(at("key", position), parseFieldName, raw)) ?? null;
  if (key !== null && new Set(key).size < key.length) {
    problems.push({ place: at("key"), what: "names a field twice" });
  }
  return {
    place: at(),
    topic: spec.topic,
    source: spec.source ?? null,
    family: parsed(at("family"), parseFamilyName, spec.family),
    table: parsed(at("table"), parseTableName, spec.table),
    fields,
    rest: spec.rest ?? "same-name",
    drop,
    rules,
    create: spec.create ?? false,
    addFields: spec.addFields ?? false,
    key,
    vanishedRows: spec.vanishedRows ?? "keep",
    sweepAtMostPercent: spec.sweepAtMostPercent ?? SNAPSHOT_WATCH_LIMITS.sweep.atMostPercent,
    onTruncate: spec.onTruncate ?? "stop",
  };
}

/** A name that breaks the rules is a problem; the plan is then thrown away, so what it holds does not matter. */
function parseName<T extends string>(
  place: string,
  parse: (name: string) => T,
  raw: string,
  problems: Problem[],
): T {
  try {
    return parse(raw);
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    problems.push({ place, what: `cannot be used: ${messageOf(error)}` });
    return raw as T;
  }
}

function sourceOf(spec: FieldSpec, rules: ColumnRules): FieldSource {
  if (typeof spec === "string") return { kind: "column", column: spec, rules, type: null };
  if ("constant" in spec) return { kind: "constant", value: spec.constant, type: spec.type ?? null };
  const { from, type, ...own } = spec;
  return { kind: "column", column: from, rules: { ...rules, ...own }, type: type ?? null };
}

/** Which partitions share a cookie is a question of the topic, so its tables must agree. */
function lanesOf(tables: readonly ParsedTable[], problems: Problem[]): ReadonlyMap<string, LaneKind> {
  const said = new Map<string, LaneKind>();
  tables.forEach(({ topic, lane }, index) => {
    if (lane === undefined) return;
    const before = said.get(topic);
    if (before !== undefined && before !== lane) {
      const what = `is ${quote(lane)}; another table of topic ${quote(topic)} has ${quote(before)}`;
      problems.push({ place: placeOf(["tables", index, "lane"]), what });
    }
    said.set(topic, lane);
  });
  return new Map(tables.map(({ topic }) => [topic, said.get(topic) ?? "topic"]));
}

/** One table of the origin goes to one table of ours; where a topic has several, each says which it is. */
function sharedTopics(tables: readonly TablePlan[]): Problem[] {
  const counts = new Map<string, number>();
  for (const { topic } of tables) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  const problems: Problem[] = [];
  const placeByOrigin = new Map<string, string>();
  for (const { place, topic, source } of tables) {
    if (counts.get(topic) === 1) continue;
    if (source === null) {
      const what = `is missing; topic ${quote(topic)} has several tables here, so each must say which it is`;
      problems.push({ place: `${place}.source`, what });
      continue;
    }
    const origin = `${topic} ${source}`;
    const other = placeByOrigin.get(origin);
    if (other === undefined) placeByOrigin.set(origin, place);
    else problems.push({ place, what: `is about the same table of the origin as ${other}` });
  }
  return problems;
}

function droppedTables(tables: readonly TablePlan[], drop: ReadonlySet<string>): Problem[] {
  return tables
    .filter(({ source }) => source !== null && drop.has(source))
    .map(({ place }) => ({ place: `${place}.source`, what: "is also listed in drop" }));
}
