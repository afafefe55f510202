/** A mapping as of one look at the tables: routes events to where their rows go. Immutable. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { EventMeta, RowEvent, TruncateEvent } from "../events/change-event.ts";
import { tableOfKey } from "../events/record-key.ts";
import type { MappedTable } from "./mapped-table.ts";
import type { LaneKind, Mapping, TableMapping } from "./mapping.ts";
import { topicPart } from "./only-table.ts";
import type { MappingPlan } from "./plan.ts";
import { eventRefused } from "./refusal.ts";

/** Where the events of one topic go. */
interface TopicRoutes {
  /** The table that takes every event of its topic, whatever table it is of; null where the file names tables. */
  readonly all: MappedTable | null;
  readonly bySource: ReadonlyMap<string, MappedTable>;
}

export class LiveMapping implements Mapping {
  readonly topics: readonly string[];
  readonly transactionTopic: string | null;
  readonly families: readonly string[];
  readonly tables: readonly MappedTable[];
  readonly #plan: MappingPlan;
  readonly #routes: ReadonlyMap<string, TopicRoutes>;

  constructor(plan: MappingPlan, tables: readonly MappedTable[]) {
    this.#plan = plan;
    this.tables = tables;
    this.transactionTopic = plan.transactionTopic;
    this.families = sortedOnce(tables.map(({ family }) => family));
    this.topics = sortedOnce(tables.map(({ topic }) => topic));
    this.#routes = routesByTopic(tables);
  }

  laneOf(topic: string): LaneKind {
    return this.#plan.lanes.get(topic) ?? "topic";
  }

  target(topic: string, event: RowEvent | TruncateEvent): TableMapping | "drop" {
    const routes = this.#routes.get(topic);
    const all = routes?.all ?? null;
    const { drop } = this.#plan;
    if (all !== null && drop.size === 0) return all;
    const names = namesOf(event.meta.source);
    if (names.some((name) => drop.has(name))) return "drop";
    if (all !== null) return all;
    const found = names.map((name) => routes?.bySource.get(name)).find((table) => table !== undefined);
    if (found !== undefined) {
      assertDeletesAreTold(found, event);
      return found;
    }
    if (routes !== undefined && event.kind === "row" && event.isTombstone) {
      // In other topics than a table's own it is the echo of a delete, which itself has said of which table it is.
      return [...routes.bySource.values()].find(isNamedAfter) ?? "drop";
    }
    throw this.#unmapped(topic, names);
  }

  #unmapped(topic: string, names: readonly string[]): CtlstoreError {
    const [name] = names;
    if (name === undefined && this.#routes.has(topic)) {
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

/**
 * Where a topic has several tables, a tombstone says which one it is of by the name of its key's schema or not at all. So
 * rows whose deletes would be nothing but that are refused: their deletes would be lost.
 */
function assertDeletesAreTold({ plan }: Pick<MappedTable, "plan">, event: RowEvent | TruncateEvent): void {
  if (event.kind !== "row" || event.form !== "flattened" || event.marksDeletes === true) return;
  if (event.op === "delete" || isNamedAfter({ plan })) return;
  const names = event.key === null ? [] : namesOf(tableOfKey(event.key));
  if (plan.source !== null && names.includes(plan.source)) return;
  throw eventRefused(
    plan,
    "a delete of it would come as a tombstone, which does not say which table it is of",
    {
      hint: "set delete.tombstone.handling.mode=rewrite, load the connector's whole envelopes, or give the table a topic of its own, which needs no `source`",
    },
  );
}

/** True for the topic that Debezium gives to the table alone. */
function isNamedAfter({ plan: { topic, source } }: Pick<MappedTable, "plan">): boolean {
  return source !== null && topic.endsWith(`.${topicPart(source)}`);
}

function routesByTopic(tables: readonly MappedTable[]): ReadonlyMap<string, TopicRoutes> {
  const routes = new Map<string, { all: MappedTable | null; readonly bySource: Map<string, MappedTable> }>();
  for (const table of tables) {
    const own = routes.get(table.topic) ?? { all: null, bySource: new Map() };
    if (table.plan.source === null) own.all = table;
    else own.bySource.set(table.plan.source, table);
    routes.set(table.topic, own);
  }
  return routes;
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
