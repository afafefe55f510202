/**
 * Whether a topic is known to have the events of one table of the origin only: before rows are deleted because the origin has
 * emptied the table, or because its snapshot does not have them.
 */
import type { RowEvent, TruncateEvent } from "../events/change-event.ts";
import type { TableMapping } from "./mapping.ts";

/**
 * True where the mapping names the table, or the topic has the name that Debezium gives to that table's own. A router may have
 * put several tables, such as those of shards, into any other.
 */
export function isOnlyTable(
  { source: named = null, topic }: TableMapping,
  { meta: { source } }: RowEvent | TruncateEvent,
): boolean {
  if (named !== null) return true;
  const parent = source?.schema ?? source?.database ?? null;
  if (source === null || parent === null) return false;
  return topic.endsWith(`.${topicPart(parent)}.${topicPart(source.table)}`);
}

/** Debezium puts an underscore for what a topic's name cannot have. */
export function topicPart(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, "_");
}
