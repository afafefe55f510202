/** Looks at a mapping from all sides that are there: the file, the live tables, the topics, a sample of events. Writes nothing. */
import { isCtlstoreError } from "../../../core/errors.ts";
import type { TableSchema } from "../../../core/schema.ts";
import type { KafkaConsumer } from "../../kafka/consumer.ts";
import { fitSharedTables, fitTable } from "../fit.ts";
import { liveSchemas, openMapping, tableName } from "../keeper.ts";
import { mappingAsOf } from "../mapping-as-of.ts";
import { type MappingPlan, planMapping } from "../plan.ts";
import { problemsOf } from "../problems.ts";
import { readMappingFile } from "../read-file.ts";
import type { SchemaStore } from "../schema-store.ts";
import { checkSample } from "./check-sample.ts";
import { checkTable, textWithHint } from "./check-tables.ts";
import { checkTopics, type LaneOptions, type TopicsReport } from "./check-topics.ts";
import { DrySchemas } from "./dry-schemas.ts";
import type { MappingReport, SampleReport, TableReport } from "./report.ts";

export interface CheckDeps {
  /** Null looks at no tables. */
  readonly schemas: Pick<SchemaStore, "ofFamily"> | null;
  /** Null looks at no topics. */
  readonly kafka: Pick<KafkaConsumer, "partitionsOf"> | null;
}

export interface CheckOptions extends LaneOptions {
  /** Of the file, for messages. */
  readonly name: string;
  /** Lines of a sample file (`sample-record.ts`); null for none. */
  readonly sample: readonly string[] | null;
  readonly signal?: AbortSignal;
}

/**
 * Checks a mapping. Everything that is wrong with it is in the report; what cannot be looked at is thrown.
 *
 * @throws CtlstoreError `config_invalid` (the writer's name), or what the Executive or Kafka says
 */
export async function checkMapping(
  text: string | Uint8Array,
  { schemas, kafka }: CheckDeps,
  options: CheckOptions,
): Promise<MappingReport> {
  const plan = planOrProblems(text, options.name);
  if (Array.isArray(plan)) {
    return { ok: false, problems: plan, tables: [], topics: null, lanes: null, sample: null };
  }
  const live = schemas === null ? null : await liveSchemas(plan.tables, schemas, options.signal);
  const tables = plan.tables.map((table) => checkTable(table, live));
  const problems = [...sharingProblems(plan, live, tables)];
  const about =
    kafka === null
      ? NO_TOPICS
      : await checkTopics(mappingAsOf(plan, live ?? undefined), kafka, options, options.signal);
  const isFit = problems.length === 0 && tables.every((table) => table.problems.length === 0);
  problems.push(...about.problems);
  const sample =
    options.sample === null || !isFit ? null : await sampleReports(text, plan, live, options.sample);
  if (sample === "no tables") problems.push("the sample needs tables: give --executive, or say create: true");
  const lines = sample === "no tables" ? null : sample;
  const ok = isFit && problems.length === 0 && (lines ?? []).every(({ outcome }) => outcome !== "refused");
  return {
    ok,
    problems,
    tables: withSample(tables, lines),
    topics: about.topics,
    lanes: about.lanes,
    sample: lines,
  };
}

const NO_TOPICS: { readonly topics: null } & Pick<TopicsReport, "lanes" | "problems"> = {
  topics: null,
  lanes: null,
  problems: [],
};

function planOrProblems(text: string | Uint8Array, name: string): MappingPlan | string[] {
  try {
    return planMapping(readMappingFile(text, name), name);
  } catch (error) {
    const problems = problemsOf(error);
    if (problems !== null) return problems.map(textWithHint);
    // Text that is no JSON at all.
    if (isCtlstoreError(error) && error.code === "mapping_invalid") return [error.message];
    throw error;
  }
}

/** Looked at only where each table fits by itself. */
function sharingProblems(
  plan: MappingPlan,
  live: ReadonlyMap<string, TableSchema> | null,
  tables: readonly TableReport[],
): string[] {
  if (live === null || tables.some(({ problems }) => problems.length > 0)) return [];
  const fitted = plan.tables.map((table) => fitTable(table, live.get(tableName(table)) ?? null, []));
  return fitSharedTables(fitted).map(textWithHint);
}

async function sampleReports(
  text: string | Uint8Array,
  plan: MappingPlan,
  live: ReadonlyMap<string, TableSchema> | null,
  lines: readonly string[],
): Promise<SampleReport[] | "no tables"> {
  if (live === null && plan.tables.some(({ create }) => !create)) return "no tables";
  const keeper = await openMapping(text, new DrySchemas(live?.values() ?? []), { name: plan.name });
  return checkSample(lines, keeper);
}

/** Fields of tables in the sample that no row of it had a column for. */
function withSample(tables: readonly TableReport[], sample: readonly SampleReport[] | null): TableReport[] {
  const fed = new Map<string, Set<string>>();
  for (const { action, family, table, values } of (sample ?? []).flatMap(({ mutations }) => mutations)) {
    if (action === "delete") continue;
    const fields = fed.get(`${family}/${table}`) ?? new Set();
    for (const field of Object.keys(values)) fields.add(field);
    fed.set(`${family}/${table}`, fields);
  }
  return tables.map((report) => {
    const fields = fed.get(`${report.family}/${report.table}`);
    if (fields === undefined) return report;
    const unfed = report.fields.filter(({ field }) => !fields.has(field));
    const warnings = unfed.map(
      ({ field }) => `no row of the sample has a column for field ${JSON.stringify(field)}`,
    );
    return { ...report, warnings: [...report.warnings, ...warnings] };
  });
}
