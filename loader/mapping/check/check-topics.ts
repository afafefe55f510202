/** The topics of a mapping beside those of a cluster, and the lanes that follow from their partitions. */
import { type CtlstoreError, isCtlstoreError } from "../../../core/errors.ts";
import type { KafkaConsumer } from "../../kafka/consumer.ts";
import { largestCookieBytes } from "../../lanes/cookie/cookie-size.ts";
import { planLanes } from "../../lanes/lane-plan.ts";
import { assertSweepable } from "../../snapshots/sweepable.ts";
import { assertOrdered } from "../../transactions/assert-ordered.ts";
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

/** What a loader refuses when it starts is found here, too. */
function lanesOf(
  mapping: Mapping,
  partitions: ReadonlyMap<string, number>,
  { writer, preserveTransactions }: LaneOptions,
): Pick<TopicsReport, "lanes" | "problems"> {
  const { transactionTopic } = mapping;
  const problems = [
    ...problemOf(() => assertSweepable(mapping, partitions)),
    ...problemOf(() => {
      if (preserveTransactions && transactionTopic !== null)
        assertOrdered(transactionTopic, partitions.get(transactionTopic) ?? 1);
    }),
  ];
  if (problems.length > 0) return { lanes: null, problems };
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
    return { lanes: null, problems: [withHint(error)] };
  }
}

function problemOf(check: () => void): string[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    return [withHint(error)];
  }
}

function withHint({ message, details: { hint } }: CtlstoreError): string {
  return hint === undefined ? message : `${message} (${hint})`;
}
