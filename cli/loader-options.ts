/** Options of the loader's commands. */
import { EXECUTIVE_LIMITS, LANE_LIMITS } from "../core/limits.ts";
import { parseWriterName } from "../core/names.ts";
import type { KafkaSettings } from "../loader/kafka/consumer.ts";
import type { LostEventsPolicy } from "../loader/service/lanes/start-positions.ts";
import { EXECUTIVE_OPTIONS } from "./executive-options.ts";
import { kafkaSetting, settingsOf } from "./kafka-settings.ts";
import { listOption, type OptionValues, option, switchOption } from "./options.ts";
import { choice, integer, text } from "./parsers.ts";
import { adminTokenOption, secretOption, statusBindOption } from "./shared-options.ts";
import { TLS_OPTIONS } from "./transport-options.ts";

const KIB = 1024;
const DEFAULT_WRITER = "loader";

/** How to reach the cluster. */
export const KAFKA_OPTIONS = {
  brokers: option({
    flag: "brokers",
    placeholder: "HOST:PORT,…",
    help: "brokers of the Kafka cluster, some of them",
    parse: brokerList,
  }),
  group: option({
    flag: "group",
    placeholder: "NAME",
    help: "consumer group that instances of this loader share; without it ctlstore-<writer>",
    parse: text,
    fallback: undefined,
  }),
  kafkaSetting: listOption({
    flag: "kafka-setting",
    placeholder: "KEY=VALUE",
    help: "a setting of librdkafka, such as security.protocol=sasl_ssl; secrets better in --kafka-settings",
    parse: kafkaSetting,
    hidden: true,
  }),
  kafkaSettings: option({
    flag: "kafka-settings",
    placeholder: "FILE",
    help: "file of such settings, a KEY=VALUE a line",
    parse: text,
    fallback: undefined,
  }),
};

/** What is loaded, and as whom. */
export const LANE_OPTIONS = {
  mapping: option({
    flag: "mapping",
    placeholder: "FILE",
    help: "which topics go to which tables (JSON; `loader check --print-schema` describes it)",
    parse: text,
  }),
  ...EXECUTIVE_OPTIONS,
  writer: option({
    flag: "writer",
    placeholder: "NAME",
    help: "what the names of its writers begin with: each lane has one, `<writer>:<topic>`",
    parse: writerPrefix,
    fallback: DEFAULT_WRITER,
  }),
  secret: secretOption,
  preserveTransactions: switchOption({
    flag: "preserve-transactions",
    help: "what one transaction changed at the origin is one ledger transaction; all topics are one lane then",
  }),
};

export const LOADER_OPTIONS = {
  ...KAFKA_OPTIONS,
  ...LANE_OPTIONS,
  adminToken: adminTokenOption,
  batchRows: option({
    flag: "batch-rows",
    placeholder: "N",
    help: "rows per batch at most; the Executive must take as many",
    parse: integer({ min: 1, max: 100_000 }),
    fallback: LANE_LIMITS.batchRows,
  }),
  batchBytes: option({
    flag: "batch-bytes",
    placeholder: "BYTES",
    help: "bytes per batch at most, as sent",
    parse: integer({ min: KIB, max: 64 * EXECUTIVE_LIMITS.requestBytes }),
    fallback: LANE_LIMITS.batchBytes,
  }),
  lingerMs: option({
    flag: "linger-ms",
    placeholder: "MS",
    help: "how long a batch waits for more rows",
    parse: integer({ min: 0, max: 60_000 }),
    fallback: LANE_LIMITS.lingerMs,
  }),
  keepRepeats: switchOption({
    flag: "keep-repeats",
    help: "write every change of a row, also when a later one of the same batch replaces it",
  }),
  deadLetter: option({
    flag: "dead-letter",
    placeholder: "PLACE",
    help:
      "put events that cannot be loaded there and go on: file:PATH (JSON lines) or topic:NAME; " +
      "without it the loader stops at the first one",
    parse: deadLetterPlace,
    fallback: undefined,
  }),
  transactionWaitMs: option({
    flag: "transaction-wait-ms",
    placeholder: "MS",
    help: "with --preserve-transactions: how long to wait for the rest of a transaction",
    parse: integer({ min: 100, max: 86_400_000 }),
    fallback: 60_000,
  }),
  lostEvents: option({
    flag: "lost-events",
    placeholder: "WHAT",
    help: "when Kafka has deleted events that were not loaded: stop, or continue with those that it has",
    parse: choice<LostEventsPolicy>(["stop", "continue"]),
    fallback: "stop" as LostEventsPolicy,
  }),
  once: switchOption({
    flag: "once",
    help: "load up to the end that each topic has now, and end; without a consumer group, so run no other loader beside it",
  }),
  bind: statusBindOption,
  ...TLS_OPTIONS,
};

/** @throws CtlstoreError `config_invalid` */
export function kafkaOf(
  options: OptionValues<typeof KAFKA_OPTIONS> & { readonly writer: string },
): KafkaSettings {
  const { brokers, group, kafkaSetting: given, kafkaSettings: file, writer } = options;
  return { brokers, group: group ?? `ctlstore-${writer}`, settings: settingsOf(file, given) };
}

function writerPrefix(value: string): string {
  const max = LANE_LIMITS.writerPrefixChars;
  if (value.length > max || /[:~]/.test(value))
    throw new Error(`it may have ${max} characters, none of them ":" or "~"`);
  return parseWriterName(value);
}

/** `host:port`, separated by commas; a port may be absent. */
function brokerList(value: string): string {
  const brokers = value.split(",").map((broker) => broker.trim());
  const isBroker = (broker: string) => /^(\[[0-9a-fA-F:.]+\]|[^\s:,[\]/@]+)(:\d{1,5})?$/.test(broker);
  if (!brokers.every(isBroker)) throw new Error("it must be HOST:PORT, several separated by commas");
  return brokers.join(",");
}

function deadLetterPlace(value: string): string {
  if (!/^(file:.|topic:[A-Za-z0-9._-]{1,249}$)/.test(value))
    throw new Error("it must be file:PATH or topic:NAME");
  return value;
}
