/** `ctlstore loader check`: a mapping beside the live tables, the topics and a sample of events. Writes nothing. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { MAPPING_LIMITS } from "../../core/limits.ts";
import type { SchemaStore } from "../../loader/mapping/schema-store.ts";
import { checkLines } from "../check-answer.ts";
import { command } from "../command.ts";
import { EXECUTIVE_FILE_OPTIONS, EXECUTIVE_OPTIONS, reachExecutive, sentBy } from "../executive-options.ts";
import { CommandFailure } from "../failure.ts";
import { readGivenFile } from "../given-file.ts";
import { KAFKA_OPTIONS, kafkaOf, LANE_OPTIONS } from "../loader-options.ts";
import { type Option, type OptionValues, option, switchOption } from "../options.ts";
import { text } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { jsonOption, optionalAdminTokenOption } from "../shared-options.ts";

const OPTIONS = {
  mapping: { ...LANE_OPTIONS.mapping, fallback: undefined } as Option<string | undefined>,
  executive: {
    ...EXECUTIVE_OPTIONS.executive,
    help: "where the Executive listens; without it the file alone is checked",
    fallback: undefined,
  } as Option<string | undefined>,
  ...EXECUTIVE_FILE_OPTIONS,
  adminToken: optionalAdminTokenOption,
  brokers: {
    ...KAFKA_OPTIONS.brokers,
    help: "brokers of the Kafka cluster; without it topics and lanes are not looked at",
    fallback: undefined,
  } as Option<string | undefined>,
  kafkaSetting: KAFKA_OPTIONS.kafkaSetting,
  kafkaSettings: KAFKA_OPTIONS.kafkaSettings,
  writer: LANE_OPTIONS.writer,
  preserveTransactions: LANE_OPTIONS.preserveTransactions,
  sample: option({
    flag: "sample",
    placeholder: "FILE",
    help: "events to decode and map: a JSON object a line with topic, key and value, as kcat -J prints them",
    parse: text,
    fallback: undefined,
  }),
  printSchema: switchOption({
    flag: "print-schema",
    help: "print the mapping file's JSON schema, for editors",
  }),
  json: jsonOption,
};

export const loaderCheckCommand = command({
  name: "loader check",
  summary: "check a mapping against the live tables without writing anything",
  details:
    "Says for each table whether it exists, where each field comes from, and what does not fit. With --brokers also whether " +
    "the topics exist, and how large the cookie of each lane may get; with --sample what becomes of events. Exits 0 when " +
    "there is no problem, 1 when there is one.",
  options: OPTIONS,
  examples: [
    "loader check --mapping mapping.json",
    "loader check --mapping mapping.json --executive http://executive:3000 --admin-token @data/admin-token",
    "loader check --mapping mapping.json --executive http://executive:3000 --admin-token @data/admin-token --brokers kafka:9092",
    "loader check --mapping mapping.json --sample events.jsonl --json",
    "loader check --print-schema > mapping.schema.json",
  ],
  async run(context, options) {
    if (options.printSchema) {
      const { mappingJsonSchema } = await import("../../loader/mapping/json-schema.ts");
      context.out(JSON.stringify(mappingJsonSchema(), null, 2));
      return;
    }
    const { brokers, mapping, sample, writer, preserveTransactions } = options;
    if (mapping === undefined) throw missing("--mapping", "it is what is checked");
    if (brokers !== undefined && typeof Bun !== "undefined") {
      const { runOnNode } = await import("../on-node.ts");
      return runOnNode(process.argv.slice(2), context);
    }
    const signal = context.stopSignal();
    const { checkMapping } = await import("../../loader/mapping/check/check-mapping.ts");
    const kafka =
      brokers === undefined ? null : await consumerOf(kafkaOf({ ...options, brokers, group: undefined }));
    try {
      const deps = { schemas: await schemasOf(options), kafka };
      const report = await checkMapping(readGivenFile("mapping", mapping), deps, {
        name: mapping,
        ...{ writer, preserveTransactions, signal },
        sample: sample === undefined ? null : sampleLines(sample),
      });
      if (options.json) context.out(jsonText(report));
      else for (const line of checkLines(report)) context.out(line);
      if (!report.ok) throw new CommandFailure(`the mapping ${mapping} has problems`);
    } finally {
      await kafka?.close();
    }
  },
});

async function consumerOf(
  settings: Parameters<typeof import("../../loader/kafka/client.ts").createKafka>[0],
) {
  const { createKafka } = await import("../../loader/kafka/client.ts");
  return createKafka(settings).consumer();
}

/** Null without an Executive. */
async function schemasOf({
  executive,
  adminToken,
  ...files
}: OptionValues<typeof OPTIONS>): Promise<SchemaStore | null> {
  if (executive === undefined) return null;
  if (adminToken === undefined)
    throw missing("--admin-token", "the Executive shows its tables to nobody else");
  const { executiveSchemas } = await import("../../loader/mapping/schema-store.ts");
  const way = await reachExecutive({ ...files, executive });
  return executiveSchemas({ url: way.url, adminToken, ...sentBy(way) });
}

function sampleLines(path: string): string[] {
  const lines = new TextDecoder().decode(readGivenFile("sample", path)).split(/\r?\n/);
  const { sampleLines: limit } = MAPPING_LIMITS;
  if (lines.length <= limit + 1) return lines;
  throw new CtlstoreError(
    "config_invalid",
    `Cannot use ${quote(path)} for --sample: it has ${lines.length} lines; the limit is ${limit}`,
  );
}

function missing(flag: string, reason: string): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot check a mapping without ${flag}: ${reason}`);
}
