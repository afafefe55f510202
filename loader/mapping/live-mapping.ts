/** A mapping as of one look at the tables: routes events to where their rows go. Immutable. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { EventMeta, RowEvent, TruncateEvent } from "../events/change-event.ts";
import type { MappedTable } from "./mapped-table.ts";
import type { LaneKind, Mapping, TableMapping } from "./mapping.ts";
import type { MappingPlan } from "./plan.ts";

export class LiveMapping implements Mapping {
  readonly topics: readonly string[];
  readonly transactionTopic: string | null;
  readonly families: readonly string[];
  readonly tables: readonly MappedTable[];
  readonly #plan: MappingPlan;
  readonly #byTopic: ReadonlyMap<string, readonly MappedTable[]>;

  constructor(plan: MappingPlan, tables: readonly MappedTable[]) {
    this.#plan = plan;
    this.tables = tables;
    this.transactionTopic = plan.transactionTopic;
    this.families = sortedOnce(tables.map(({ family }) => family));
    this.topics = sortedOnce(tables.map(({ topic }) => topic));
    this.#byTopic = new Map(
      this.topics.map((topic) => [topic, tables.filter((table) => table.topic === topic)]),
    );
  }

  laneOf(topic: string): LaneKind {
    return this.#plan.lanes.get(topic) ?? "topic";
  }

  target(topic: string, { meta }: RowEvent | TruncateEvent): TableMapping | "drop" {
    const tables = this.#byTopic.get(topic) ?? [];
    const [only] = tables;
    if (only?.plan.source === null && this.#plan.drop.size === 0) return only;
    const names = namesOf(meta.source);
    if (names.some((name) => this.#plan.drop.has(name))) return "drop";
    if (only?.plan.source === null) return only;
    const found = tables.find(({ plan }) => plan.source !== null && names.includes(plan.source));
    if (found !== undefined) return found;
    throw this.#unmapped(topic, names);
  }

  #unmapped(topic: string, names: readonly string[]): CtlstoreError {
    const [name] = names;
    if (name === undefined && this.#byTopic.has(topic)) {
      return new CtlstoreError(
        "event_unmapped",
        `Cannot map an event of topic ${quote(topic)}: it does not say which table it is of; the mapping asks for that`,
        {
          hint: "have flattened events tell it (add.fields: db,table), or leave `source` out where the topic has one table",
        },
      );
    }
    const of = name === undefined ? "" : ` of table ${quote(name)}`;
    return new CtlstoreError(
      "event_unmapped",
      `Cannot map an event${of} in topic ${quote(topic)}: the mapping ${this.#plan.name} neither loads nor drops it`,
      { hint: "name the table in tables, or list it in drop" },
    );
  }
}

/** The forms in which a file may name a table of the origin; the usual one first. */
function namesOf(source: EventMeta["source"]): readonly string[] {
  if (source === null) return [];
  const { database, schema, table } = source;
  const names: string[] = [];
  if (database !== null) names.push(`${database}.${table}`);
  if (schema !== null) names.push(`${schema}.${table}`);
  if (database !== null && schema !== null) names.push(`${database}.${schema}.${table}`);
  return names.length === 0 ? [table] : names;
}

function sortedOnce(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted();
}
