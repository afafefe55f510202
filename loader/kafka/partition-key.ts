/** A partition as the key of a map. */
import type { TopicPartition } from "./consumer.ts";

/** One text for a partition; topics have no slash in their names. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
