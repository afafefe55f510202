/** Events of a sample file, decoded and mapped as the loader would, with nothing written. */
import { isCtlstoreError } from "../../../core/errors.ts";
import type { ChangeEvent, RowEvent } from "../../events/change-event.ts";
import { createDecoder, type Decoder } from "../../events/decoder.ts";
import type { KafkaRecord } from "../../kafka/consumer.ts";
import type { MappingKeeper, RowMutation, SchemaNeed } from "../mapping.ts";
import { isOnlyTable } from "../only-table.ts";
import type { SampleReport } from "./report.ts";
import { sampleRecord } from "./sample-record.ts";

type Outcome = Omit<SampleReport, "line" | "topic">;

/** @param keeper of a mapping on tables that may be changed freely */
export async function checkSample(lines: readonly string[], keeper: MappingKeeper): Promise<SampleReport[]> {
  const { topics, transactionTopic } = keeper.current;
  const decoder = createDecoder({ transactionTopic });
  const onlyTopic = topics.length === 1 ? (topics[0] ?? null) : null;
  const reports: SampleReport[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    reports.push({ line: index + 1, ...(await checkLine(line, onlyTopic, keeper, decoder)) });
  }
  return reports;
}

async function checkLine(
  line: string,
  onlyTopic: string | null,
  keeper: MappingKeeper,
  decoder: Decoder,
): Promise<Omit<SampleReport, "line">> {
  let topic = "";
  try {
    const record = sampleRecord(line, onlyTopic);
    topic = record.topic;
    return { topic, ...(await outcomeOf(record, keeper, decoder)) };
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    const { hint } = error.details;
    const what = hint === undefined ? error.message : `${error.message} (${hint})`;
    return { topic, outcome: "refused", what, made: null, mutations: [] };
  }
}

async function outcomeOf(record: KafkaRecord, keeper: MappingKeeper, decoder: Decoder): Promise<Outcome> {
  const event = decoder.decode(record);
  if (event.kind === "truncate") {
    const target = keeper.current.target(record.topic, event);
    if (target === "drop") return { ...EMPTY, outcome: "dropped", what: "truncate" };
    const what = `truncate of ${target.family}/${target.table}: ${target.onTruncate}`;
    const isRefused = target.onTruncate === "clear" && !isOnlyTable(target, event);
    return isRefused ? { ...EMPTY, outcome: "refused", what: `${what}, ${OTHERS}` } : { ...EMPTY, what };
  }
  if (event.kind !== "row") return { ...EMPTY, what: whatOf(event) };
  const first = keeper.current.target(record.topic, event);
  if (first === "drop" && event.isTombstone) return { ...EMPTY, what: ECHO };
  if (first === "drop") return { ...EMPTY, outcome: "dropped", what: "a table that the mapping drops" };
  const need = first.schemaNeed(event);
  if (need !== null) await keeper.satisfy(need);
  return loaded(record, event, keeper, need);
}

const OTHERS = "but the topic may have rows of several tables: name the one in `source`";
const ECHO = "the echo of a delete";
const EMPTY: Outcome = { outcome: "nothing", what: "", made: null, mutations: [] };

function loaded(
  { topic, partition }: KafkaRecord,
  event: RowEvent,
  keeper: MappingKeeper,
  need: SchemaNeed | null,
): Outcome {
  const target = keeper.current.target(topic, event);
  const mutations = target === "drop" ? [] : target.toMutations(event, partition);
  const made = need === null ? null : needText(need);
  if (mutations.length === 0) {
    return { ...EMPTY, made, what: event.isTombstone ? ECHO : "no row of ours" };
  }
  return {
    outcome: "loaded",
    what: event.isTombstone ? "tombstone" : event.op,
    made,
    mutations: mutations.map(({ delete: isDelete, family, table, values }: RowMutation) => {
      return { action: isDelete ? "delete" : "upsert", family, table, values };
    }),
  };
}

function whatOf(event: Exclude<ChangeEvent, { kind: "row" | "truncate" }>): string {
  return event.kind === "transaction" ? `${event.status} of transaction ${event.id}` : event.what;
}

function needText(need: SchemaNeed): string {
  const fields = need.kind === "create-table" ? need.schema.fields : need.fields;
  const list = fields.map(({ name, type }) => `${name}:${type}`).join(" ");
  if (need.kind === "add-fields") return `fields of ${need.family}/${need.table}: ${list}`;
  const { family, table, keyFields } = need.schema;
  return `table ${family}/${table}: ${list}, key ${keyFields.join(", ")}`;
}
