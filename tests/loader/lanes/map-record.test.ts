/** From records to mutations where a topic has several tables: whose row a tombstone is about. */
import { describe, expect, test } from "bun:test";
import { parseTableSchema } from "../../../core/schema.ts";
import { createDecoder } from "../../../loader/events/decoder.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { RecordMapper } from "../../../loader/lanes/records/map-record.ts";
import { openMapping } from "../../../loader/mapping/keeper.ts";
import { changeRecord, column, envelope, kafkaRecord, tombstone } from "../../support/debezium.ts";
import { mappingText } from "../mapping/mapped.ts";

const TOPIC = "shop.everything";
const COLUMNS = { id: column("int64", { optional: false }) };

/** Decodes and maps records that lie one behind the other, as `delete item 5`, or why there is nothing. */
async function mapAll(
  tables: readonly object[],
  drop: readonly string[],
  records: readonly KafkaRecord[],
  offsets: readonly number[] = records.map((_, i) => i),
): Promise<string[]> {
  const definition = { fields: [["id", "integer"] as [string, string]], keyFields: ["id"] };
  const schemas = {
    ofFamily: async () => ["item", "counter"].map((table) => parseTableSchema("shop", table, definition)),
    ensureFamily: async () => {},
    find: async () => null,
    create: async () => {},
    addFields: async () => {},
  };
  const text = mappingText(
    tables.map((table) => ({ topic: TOPIC, ...table })),
    { drop },
  );
  const mapper = new RecordMapper(
    createDecoder(),
    await openMapping(text, schemas, { name: "mapping.json" }),
  );
  return records.map((record, i) => {
    const outcome = mapper.map({ ...record, topic: TOPIC, offset: offsets[i] ?? i });
    if (outcome.kind !== "mapped") return "needs a table";
    const [mutation] = outcome.mapped.mutations;
    if (mutation === undefined) return String(outcome.notLoaded);
    return `${mutation.delete ? "delete" : "upsert"} ${mutation.table} ${mutation.values["id"]}`;
  });
}

const removal = (table: string, id: number, isTyped = false) => {
  const deletion = changeRecord({
    op: "d",
    table,
    before: { id },
    ...(isTyped ? { columns: COLUMNS } : {}),
  });
  return [deletion, tombstone(deletion.key)];
};

describe("a tombstone in a topic of several tables", () => {
  const named = [{ source: "inventory.item" }, { source: "inventory.counter", table: "counter" }];

  test("stops nobody where the mapping names the tables, and deletes in its own one if its key says which", async () => {
    expect(await mapAll(named, [], removal("item", 5))).toEqual(["delete item 5", "tombstone"]);
    expect(await mapAll(named, [], removal("counter", 5, true))).toEqual([
      "delete counter 5",
      "delete counter 5",
    ]);
    // What compaction leaves of a delete.
    expect(await mapAll(named, [], removal("counter", 5, true).slice(1))).toEqual(["delete counter 5"]);
  });

  test("never takes the row of the same key in another table, when its own table is dropped", async () => {
    const all = [{}];
    const drop = ["inventory.audit"];
    for (const isTyped of [false, true]) {
      const records = [...removal("audit", 5, isTyped), ...removal("item", 5, isTyped)];
      const expected = ["dropped", "tombstone", "delete item 5", "delete item 5"];
      expect(await mapAll(all, drop, records)).toEqual(expected);
      expect(await mapAll(all, drop, records, [0, 2, 3, 4])).toEqual(expected);
    }
    const [deletion = changeRecord({ op: "d" }), echo = deletion] = removal("audit", 5);
    expect(await mapAll(all, drop, [deletion, ...removal("item", 6), echo])).toEqual([
      "dropped",
      "delete item 6",
      "delete item 6",
      "delete item 5",
    ]);
  });
});

describe("a truncation in a topic whose tables are not named", () => {
  const truncate = kafkaRecord({ value: envelope({ op: "t", table: "item_of_shard_1" }) });

  test("clears nothing, since the topic may have the rows of other tables, too", async () => {
    await expect(mapAll([{ onTruncate: "clear" }], [], [truncate])).rejects.toMatchObject({
      code: "event_refused",
      message: expect.stringContaining('topic "shop.everything" may have rows of several'),
    });
    const named = { onTruncate: "clear", source: "inventory.item_of_shard_1" };
    expect(await mapAll([named], [], [truncate])).toEqual(["null"]);
  });
});
