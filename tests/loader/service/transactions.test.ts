/** --preserve-transactions through the whole service; how units are made is in tests/loader/transactions. */
import { describe, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { codeOf, World } from "./world.ts";

const MARKS = "origin.transaction";

interface Change {
  readonly topic: string;
  readonly id: number;
}

/** Writes events of a transaction, each to its topic's only partition. @param before how many it had already */
function change(world: World, transaction: string, changes: readonly Change[], before = 0): void {
  changes.forEach(({ topic, id }, i) => {
    const source = { db: "origin", table: topic, snapshot: "false", ts_ms: 1 };
    const after = { id, what: transaction };
    const place = { id: transaction, total_order: before + i + 1, data_collection_order: before + i + 1 };
    world.kafka.produce(topic, 0, [
      {
        key: JSON.stringify({ id }),
        value: JSON.stringify({ before: null, after, op: "c", source, transaction: place }),
      },
    ]);
  });
}

function mark(world: World, transaction: string, changes: readonly Change[] | null): void {
  const counts = new Map<string, number>();
  for (const { topic } of changes ?? []) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  const collections = [...counts].map(([topic, count]) => ({
    data_collection: `origin.${topic}`,
    event_count: count,
  }));
  const value =
    changes === null
      ? { status: "BEGIN", id: transaction, event_count: null, data_collections: null, ts_ms: 1 }
      : {
          status: "END",
          id: transaction,
          event_count: changes.length,
          data_collections: collections,
          ts_ms: 1,
        };
  world.kafka.produce(MARKS, 0, [{ key: JSON.stringify({ id: transaction }), value: JSON.stringify(value) }]);
}

async function withOrigin(): Promise<World> {
  const world = await World.open();
  for (const topic of ["orders", "carts"]) {
    await world.createTable(topic);
    world.kafka.createTopic(topic, 1);
  }
  return world;
}

const both = [
  { topic: "orders", id: 1 },
  { topic: "carts", id: 1 },
  { topic: "orders", id: 2 },
];

describe("startLoader with --preserve-transactions", () => {
  test("has one lane, and loads a transaction when all of it has come", async () => {
    await using world = await withOrigin();
    world.kafka.createTopic(MARKS, 1);
    const mapping = world.mapping(["orders", "carts"], {}, { transactionTopic: MARKS });
    const loader = await world.start(mapping, { preserveTransactions: true, transactionWaitMs: 60_000 });
    mark(world, "t1", null);
    change(world, "t1", both.slice(0, 2));
    await until(() => loader.status().lanes[0]?.heldRecords === 2, { what: "events that wait" });
    expect(loader.status().lanes).toMatchObject([{ name: "all", writer: "loader:all" }]);
    expect(world.rows("orders").size + world.rows("carts").size).toBe(0);
    change(world, "t1", both.slice(2), 2);
    mark(world, "t1", both);
    await world.untilRows("orders", 2);
    expect(world.rows("carts").size).toBe(1);
  });

  test("--once reads on for the rest of a transaction that began before the ends", async () => {
    await using world = await withOrigin();
    world.kafka.createTopic(MARKS, 1);
    const mapping = world.mapping(["orders", "carts"], {}, { transactionTopic: MARKS });
    const options = { preserveTransactions: true, once: true, transactionWaitMs: 60_000 };
    mark(world, "t1", null);
    change(world, "t1", both);
    mark(world, "t1", both);
    mark(world, "t2", null);
    change(world, "t2", [{ topic: "orders", id: 3 }]);
    const loader = await world.start(mapping, options);
    await world.untilRows("orders", 2);
    await until(() => loader.status().lanes[0]?.heldRecords === 1, { what: "the event that waits" });
    change(world, "t2", [{ topic: "carts", id: 3 }], 1);
    mark(world, "t2", [
      { topic: "orders", id: 3 },
      { topic: "carts", id: 3 },
    ]);
    await loader.done;
    expect([world.rows("orders").size, world.rows("carts").size]).toEqual([3, 2]);
  });

  test("waits for the transaction topic when there is none yet", async () => {
    await using world = await withOrigin();
    const mapping = world.mapping(["orders", "carts"], {}, { transactionTopic: MARKS });
    const loader = await world.start(mapping, { preserveTransactions: true, topicsIntervalMs: 20 });
    await until(() => loader.status().missingTopics.includes(MARKS), { what: "its word" });
    world.kafka.createTopic(MARKS, 1);
    mark(world, "t1", null);
    change(world, "t1", both);
    mark(world, "t1", both);
    await world.untilRows("orders", 2);
  });

  test("refuses a mapping without the transaction topic, and one of several partitions", async () => {
    await using world = await withOrigin();
    const plain = await world.start(world.mapping(["orders"]), { preserveTransactions: true });
    expect(await codeOf(plain.done)).toBe("config_invalid");
    world.kafka.createTopic(MARKS, 2);
    const mapping = world.mapping(["orders"], {}, { transactionTopic: MARKS });
    const split = await world.start(mapping, { preserveTransactions: true });
    expect(await codeOf(split.done)).toBe("config_invalid");
  });
});
