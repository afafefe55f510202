/** Which topics of the mapping there are, and their partitions; Debezium makes a topic with its table's first event. */
import { isCtlstoreError } from "../../core/errors.ts";
import type { KafkaConsumer } from "../kafka/consumer.ts";

export interface Topics {
  /** Partitions of those that are there. */
  readonly partitions: ReadonlyMap<string, number>;
  readonly missing: readonly string[];
}

/** @throws CtlstoreError `kafka_unavailable`, `kafka_denied` */
export async function findTopics(
  consumer: KafkaConsumer,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Topics> {
  try {
    return { partitions: await consumer.partitionsOf(names, signal), missing: [] };
  } catch (error) {
    if (!isCtlstoreError(error) || error.code !== "kafka_topic_unknown") throw error;
  }
  // Which one it is, each by itself says.
  const partitions = new Map<string, number>();
  const missing: string[] = [];
  for (const name of names) {
    const count = await countOf(consumer, name, signal);
    if (count === null) missing.push(name);
    else partitions.set(name, count);
  }
  return { partitions, missing };
}

async function countOf(consumer: KafkaConsumer, name: string, signal: AbortSignal): Promise<number | null> {
  try {
    return (await consumer.partitionsOf([name], signal)).get(name) ?? null;
  } catch (error) {
    if (isCtlstoreError(error) && error.code === "kafka_topic_unknown") return null;
    throw error;
  }
}

export function sameTopics(left: Topics, right: Topics): boolean {
  return (
    left.partitions.size === right.partitions.size &&
    [...left.partitions].every(([topic, count]) => right.partitions.get(topic) === count)
  );
}
