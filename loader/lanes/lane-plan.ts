/**
 * Which partitions share a writer and its cookie.
 *
 * The writer's name says which lane it is: nobody else's cookie can be taken for this lane's, and the same mapping gives the
 * same names after every restart. Topics have neither ":" nor "~" in their names, so no two lanes get the same one.
 */
import { createHash } from "node:crypto";
import { CtlstoreError, quote } from "../../core/errors.ts";
import { FORMAT_LIMITS, LANE_LIMITS } from "../../core/limits.ts";
import { parseWriterName } from "../../core/names.ts";
import type { TopicPartition } from "../kafka/consumer.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { largestCookieBytes } from "./cookie/cookie-size.ts";
import type { LanePlan, LaneTable } from "./lane-contract.ts";

export interface LaneSources {
  readonly mapping: Mapping;
  /** The number of partitions of each topic, the transaction topic's included when transactions are preserved. */
  readonly partitions: ReadonlyMap<string, number>;
  /** The loader's name: what the names of all its writers begin with. */
  readonly writer: string;
  readonly preserveTransactions: boolean;
}

/**
 * All lanes of a loader, sorted by name.
 *
 * @throws CtlstoreError `config_invalid` (the writer's name), `kafka_topic_unknown`, `mapping_invalid`: a lane with more
 *   partitions than a cookie holds, or tables whose lanes must not be split
 */
export function planLanes(sources: LaneSources): LanePlan[] {
  assertWriterPrefix(sources.writer);
  const plans = sources.preserveTransactions
    ? [planOfAll(sources)]
    : sources.mapping.topics.flatMap((topic) => plansOfTopic(topic, sources));
  for (const plan of plans) assertCookieFits(plan);
  return plans;
}

function planOfAll(sources: LaneSources): LanePlan {
  const { mapping, writer } = sources;
  const { transactionTopic } = mapping;
  const topics = [...new Set([...mapping.topics, ...(transactionTopic === null ? [] : [transactionTopic])])];
  const partitions = topics.sort().flatMap((topic) => partitionsOf(topic, sources));
  const anchorTopic = transactionTopic ?? partitions[0]?.topic ?? "";
  const snapshotTables = mapping.topics.flatMap((topic) => snapshotTablesOf(topic, mapping));
  return {
    name: "all",
    writer: writerName(writer, "all", ""),
    partitions,
    anchor: { topic: anchorTopic, partition: 0 },
    snapshotTables,
  };
}

function plansOfTopic(topic: string, sources: LaneSources): LanePlan[] {
  const { mapping, writer } = sources;
  const partitions = partitionsOf(topic, sources);
  const snapshotTables = snapshotTablesOf(topic, mapping);
  if (mapping.laneOf(topic) === "topic") {
    const anchor = anchorOf(partitions);
    if (anchor === null) return [];
    return [{ name: topic, writer: writerName(writer, topic, ""), partitions, anchor, snapshotTables }];
  }
  if (partitions.length > 1) assertMayBeSplit(topic, mapping);
  return partitions.map((anchor) => ({
    name: `${topic}:${anchor.partition}`,
    writer: writerName(writer, topic, `:${anchor.partition}`),
    partitions: [anchor],
    anchor,
    snapshotTables,
  }));
}

/**
 * One partition of a topic, the same for every instance. Chosen by hash: were it the lowest one, the group's strategy would
 * give those of all topics to few instances, and the others would stand by.
 */
function anchorOf(partitions: readonly TopicPartition[]): TopicPartition | null {
  const hashed = partitions.map((place) => {
    const hash = createHash("sha256").update(`${place.topic}:${place.partition}`).digest("hex");
    return { place, hash };
  });
  hashed.sort((a, b) => (a.hash < b.hash ? -1 : 1));
  return hashed[0]?.place ?? null;
}

function partitionsOf(topic: string, { partitions }: LaneSources): TopicPartition[] {
  const count = partitions.get(topic);
  if (count === undefined)
    throw new CtlstoreError(
      "kafka_topic_unknown",
      `Cannot load topic ${quote(topic)}: Kafka has no such topic`,
    );
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }));
}

function snapshotTablesOf(topic: string, { tables }: Mapping): LaneTable[] {
  return tables
    .filter((table) => table.topic === topic && table.vanishedRows !== "keep")
    .map(({ family, table }) => ({ topic, family, table }));
}

/** A lane of one partition sees some of a table's rows only, and would take the others for vanished. */
function assertMayBeSplit(topic: string, { tables }: Mapping): void {
  const whole = tables.find(
    (table) => table.topic === topic && (table.vanishedRows !== "keep" || table.onTruncate === "clear"),
  );
  if (whole === undefined) return;
  throw new CtlstoreError(
    "mapping_invalid",
    `Cannot give each partition of topic ${quote(topic)} its own lane: table ${whole.family}/${whole.table} is to be swept, reported or cleared as a whole`,
    { hint: 'leave "lane" at "topic" for it, or keep vanished rows and do not clear on truncate' },
  );
}

function assertWriterPrefix(writer: string): void {
  parseWriterName(writer);
  if (writer.length <= LANE_LIMITS.writerPrefixChars && !/[:~]/.test(writer)) return;
  throw new CtlstoreError(
    "config_invalid",
    `Cannot name the writers of the lanes after ${quote(writer)}: it may have ${LANE_LIMITS.writerPrefixChars} characters, none of them ":" or "~"`,
    { hint: "--writer" },
  );
}

/** Digits of the hash that stands for the part of a long topic name that was cut off. */
const HASH_DIGITS = 12;

/** `writer:topic`, or with a cut topic `writer:beginning~hash`: names that differ stay different. */
function writerName(writer: string, topic: string, suffix: string): string {
  const whole = `${writer}:${topic}${suffix}`;
  const { max } = FORMAT_LIMITS.writerNameChars;
  if (whole.length <= max) return whole;
  const hash = createHash("sha256").update(topic).digest("hex").slice(0, HASH_DIGITS);
  const room = max - writer.length - suffix.length - HASH_DIGITS - 2;
  return `${writer}:${topic.slice(0, room)}~${hash}${suffix}`;
}

function assertCookieFits(plan: LanePlan): void {
  const bytes = largestCookieBytes(plan);
  if (bytes <= FORMAT_LIMITS.cookieBytes) return;
  throw new CtlstoreError(
    "mapping_invalid",
    `Cannot keep the positions of lane ${quote(plan.name)} in one cookie: its ${plan.partitions.length} partitions may need ${bytes} bytes; ${FORMAT_LIMITS.cookieBytes} fit`,
    { hint: 'give the topic "lane": "partition" in the mapping, or load its topics with several loaders' },
  );
}
