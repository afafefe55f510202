/** The topics of a mapping beside those of a cluster, and the lanes that follow from their partitions. */
import { isCtlstoreError, messageOf } from "../../../core/errors.ts";
import type { KafkaConsumer } from "../../kafka/consumer.ts";
import { largestCookieBytes } from "../../lanes/cookie-size.ts";
import { planLanes } from "../../lanes/lane-plan.ts";
import type { Mapping } from "../mapping.ts";
import type { LaneReport, TopicReport } from "./report.ts";

export interface LaneOptions {
  readonly writer: string;
  readonly preserveTransactions: boolean;
}

export interface TopicsReport {
  readonly topics: readonly TopicReport[];
  readonly lanes: readonly LaneReport[] | null;
  readonly problems: readonly string[];
}

/** @throws CtlstoreError `kafka_unavailable`, `kafka_denied` */
export async function checkTopics(
  mapping: Mapping,
  kafka: Pick<KafkaConsumer, "partitionsOf">,
  options: LaneOptions,
  signal?: AbortSignal,
): Promise<TopicsReport> {
  const { transactionTopic } = mapping;
  const wanted =
    options.preserveTransactions && transactionTopic !== null
      ? [...mapping.topics, transactionTopic]
      : mapping.topics;
  const partitions = new Map<string, number>();
  const topics: TopicReport[] = [];
  for (const topic of wanted) {
    const count = await partitionsOf(topic, kafka, signal);
    topics.push({ topic, partitions: count });
    if (count !== null) partitions.set(topic, count);
  }
  const missing = topics.filter((one) => one.partitions === null);
  if (missing.length > 0) {
    const problems = missing.map(({ topic }) => `topic ${topic} is not in Kafka`);
    return { topics, lanes: null, problems };
  }
  return { topics, ...lanesOf(mapping, partitions, options) };
}

/** Asked for one by one, so that each missing topic is told. */
async function partitionsOf(
  topic: string,
  kafka: Pick<KafkaConsumer, "partitionsOf">,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  try {
    return (await kafka.partitionsOf([topic], signal)).get(topic) ?? null;
  } catch (error) {
    if (isCtlstoreError(error) && error.code === "kafka_topic_unknown") return null;
    throw error;
  }
}

function lanesOf(
  mapping: Mapping,
  partitions: ReadonlyMap<string, number>,
  { writer, preserveTransactions }: LaneOptions,
): Pick<TopicsReport, "lanes" | "problems"> {
  try {
    const plans = planLanes({ mapping, partitions, writer, preserveTransactions });
    const lanes = plans.map((plan) => ({
      lane: plan.name,
      writer: plan.writer,
      partitions: plan.partitions.length,
      largestCookieBytes: largestCookieBytes(plan),
    }));
    return { lanes, problems: [] };
  } catch (error) {
    if (!isCtlstoreError(error) || error.code === "config_invalid") throw error;
    const { hint } = error.details;
    return { lanes: null, problems: [hint === undefined ? messageOf(error) : `${error.message} (${hint})`] };
  }
}
