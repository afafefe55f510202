/** Mapped tables and row events as the tests of the mapping need them: made by the parts that the loader uses, without Kafka. */
import { parseTableSchema, type TableDefinition, type TableSchema } from "../../../core/schema.ts";
import type { Image, RowEvent } from "../../../loader/events/change-event.ts";
import { fitTable } from "../../../loader/mapping/fit.ts";
import { MappedTable } from "../../../loader/mapping/mapped-table.ts";
import { planMapping } from "../../../loader/mapping/plan.ts";
import { mappingInvalid, type Problem } from "../../../loader/mapping/problems.ts";
import { readMappingFile } from "../../../loader/mapping/read-file.ts";
import type { ConnectType } from "../../../loader/values/connect-type.ts";
import { jsonText } from "../../support/debezium.ts";

export const ITEM: TableDefinition = {
  fields: [
    ["id", "integer"],
    ["name", "string"],
    ["price", "decimal"],
  ],
  keyFields: ["id"],
};

/** The text of a mapping file with these tables; each goes to shop/item unless it says otherwise. */
export function mappingText(tables: readonly object[], more: object = {}): string {
  const full = tables.map((table) => ({ topic: "shop.store.item", family: "shop", table: "item", ...table }));
  return jsonText({ version: 1, tables: full, ...more });
}

export function schemaOf(definition: TableDefinition): TableSchema {
  return parseTableSchema("shop", "item", definition);
}

/** One table of a mapping that fits its schema. @throws CtlstoreError `mapping_invalid` when it does not */
export function mappedTable(spec: object = {}, definition: TableDefinition | null = ITEM): MappedTable {
  const { tables } = planMapping(readMappingFile(mappingText([spec]), "mapping.json"), "mapping.json");
  const [plan] = tables;
  if (plan === undefined) throw new Error("the mapping has no table");
  const problems: Problem[] = [];
  const { schema, constants } = fitTable(plan, definition === null ? null : schemaOf(definition), problems);
  if (problems.length > 0) throw mappingInvalid("mapping.json", problems);
  return new MappedTable(plan, schema, constants);
}

export type Types = Readonly<Record<string, ConnectType>>;

export function connectType(type: string, more: Partial<ConnectType> = {}): ConnectType {
  return { type, name: null, isOptional: true, parameters: {}, fields: null, items: null, ...more };
}

const typeMaps = new WeakMap<Types, Image["types"]>();

/** Images with the same types share one map of them, as the decoder's do. */
export function image(values: Readonly<Record<string, unknown>>, types?: Types): Image {
  if (types === undefined) return { values, types: null };
  let map = typeMaps.get(types);
  if (map === undefined) {
    map = new Map(Object.entries(types));
    typeMaps.set(types, map);
  }
  return { values, types: map };
}

export interface RowParts {
  readonly op?: RowEvent["op"];
  readonly key?: Readonly<Record<string, unknown>> | null;
  readonly before?: Readonly<Record<string, unknown>> | null;
  readonly after?: Readonly<Record<string, unknown>> | null;
  readonly types?: Types;
  readonly form?: RowEvent["form"];
  readonly source?: RowEvent["meta"]["source"];
}

/** An event of an envelope's topic; the key is `{ id }` of the row unless it is given. */
export function rowEvent(parts: RowParts): RowEvent {
  const { op = "create", before = null, after = null, types, form = "envelope" } = parts;
  const row = after ?? before;
  const key = parts.key === undefined ? row && { id: row["id"] } : parts.key;
  const toImage = (values: Readonly<Record<string, unknown>> | null) => values && image(values, types);
  return {
    kind: "row",
    op,
    meta: {
      source: parts.source === undefined ? { database: "store", schema: null, table: "item" } : parts.source,
      snapshot: "none",
      timestampMs: 0,
      transaction: null,
    },
    key: key && image(key),
    before: toImage(before),
    after: toImage(after),
    isTombstone: false,
    newKeyFollows: false,
    form,
  };
}

/** A record without value. */
export function tombstoneEvent(key: Readonly<Record<string, unknown>> | null): RowEvent {
  const { form: _, ...event } = rowEvent({ op: "delete", key });
  return { ...event, isTombstone: true };
}
