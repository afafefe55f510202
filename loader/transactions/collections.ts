/**
 * Which topic the events of a data collection come by.
 *
 * An END counts events by collection, as `database.table`; those of a collection that this lane does not read never come,
 * and must not be waited for. Debezium names a topic after its prefix and the collection; where a router has renamed it,
 * the first event tells.
 */
import type { ChangeEvent } from "../events/change-event.ts";
import { topicPart } from "../mapping/only-table.ts";

export class CollectionTopics {
  readonly #topics: readonly string[];
  readonly #known = new Map<string, string | null>();

  /** @param topics of change events that the lane reads */
  constructor(topics: readonly string[]) {
    this.#topics = topics;
  }

  /** Null for a collection that the lane does not read. */
  topicOf(collection: string): string | null {
    let topic = this.#known.get(collection);
    if (topic === undefined) {
      const ending = `.${topicPart(collection)}`;
      topic = this.#topics.find((name) => name.endsWith(ending)) ?? null;
      this.#known.set(collection, topic);
    }
    return topic;
  }

  learn(event: ChangeEvent, topic: string): void {
    if (event.kind !== "row" && event.kind !== "truncate") return;
    const { source } = event.meta;
    if (source === null) return;
    const { database, schema, table } = source;
    // MySQL names database and table, PostgreSQL schema and table, SQL Server all three.
    const parents = [database, schema].filter((name) => name !== null);
    for (const parent of [...parents, parents.join(".")]) this.#known.set(`${parent}.${table}`, topic);
  }
}
