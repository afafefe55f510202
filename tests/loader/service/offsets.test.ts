/** Lanes looked at and moved from outside: `loader offsets` and `loader seek` without their command line. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { LaneLook, type LaneLookOptions } from "../../../loader/service/positions/lane-look.ts";
import { readOffsets } from "../../../loader/service/positions/offsets.ts";
import { prepareSeek, type SeekTarget } from "../../../loader/service/positions/seek.ts";
import { ADMIN_TOKEN } from "../../server/test-app.ts";
import { codeOf, rowsOf, SECRET, World } from "./world.ts";

const signal = new AbortController().signal;

function lookAt(world: World, mapping: string, more: Partial<LaneLookOptions> = {}): LaneLook {
  return new LaneLook(
    { kafka: world.kafka },
    {
      mapping: { text: readFileSync(mapping), name: mapping },
      executive: world.executive.url,
      writer: "loader",
      secret: SECRET,
      preserveTransactions: false,
      ...more,
    },
  );
}

async function seek(look: LaneLook, partition: number, target: SeekTarget) {
  const found = await prepareSeek(look, { topic: "orders", partition }, target, signal);
  await found.apply(signal);
  return found.plan;
}

async function loaded(rows = 10): Promise<{ readonly world: World; readonly mapping: string }> {
  const world = await World.open();
  await world.createTable("orders");
  world.kafka.createTopic("orders", 2);
  const mapping = world.mapping(["orders"]);
  world.produce("orders", 0, rowsOf(0, rows));
  await (await world.start(mapping, { once: true })).done;
  return { world, mapping };
}

describe("readOffsets", () => {
  test("shows the lanes of shards that are swept, as the loader has them", async () => {
    await using world = await World.open();
    for (const topic of ["orders_1", "orders_2"]) world.kafka.createTopic(topic, 1);
    const tables = [1, 2].map((shard) => ({
      ...{ topic: `orders_${shard}`, family: "shop", table: "orders", key: ["shard", "id"] },
      ...{ create: true, fields: { shard: { constant: shard } }, vanishedRows: "sweep" },
    }));
    await using look = lookAt(world, world.mappingOf(tables));
    const { lanes } = await readOffsets(look, signal);
    expect(lanes.map(({ name }) => name)).toEqual(["orders_1", "orders_2"]);
  });

  test("shows each partition's position beside what Kafka has", async () => {
    const { world, mapping } = await loaded();
    await using _world = world;
    world.produce("orders", 0, rowsOf(10, 14));
    world.kafka.deleteRecords({ topic: "orders", partition: 0 }, 3);
    await using look = lookAt(world, mapping);
    const { lanes, missingTopics } = await readOffsets(look, signal);
    expect(missingTopics).toEqual([]);
    expect(lanes).toMatchObject([
      {
        name: "orders",
        writer: "loader:orders",
        problem: null,
        openSnapshots: [],
        partitions: [
          { topic: "orders", partition: 0, next: 10, low: 3, high: 14, lag: 4, state: "there" },
          { topic: "orders", partition: 1, next: 0, low: 0, high: 0, lag: 0, state: "there" },
        ],
      },
    ]);
  });

  test("says which events are lost, which topics are missing, and which lanes nobody has run", async () => {
    const { world } = await loaded();
    await using _world = world;
    world.produce("orders", 0, rowsOf(10, 20));
    world.kafka.deleteRecords({ topic: "orders", partition: 0 }, 15);
    world.kafka.createTopic("carts", 1);
    const mapping = world.mapping(["orders", "carts", "nothing"]);
    await using look = lookAt(world, mapping);
    const { lanes, missingTopics } = await readOffsets(look, signal);
    expect(missingTopics).toEqual(["nothing"]);
    const [carts, orders] = lanes;
    expect(carts?.problem).toContain("does not know it");
    expect(carts?.partitions[0]).toMatchObject({ next: null, lag: 0, state: "beginning" });
    expect(orders?.partitions[0]).toMatchObject({ next: 10, lag: null, state: "deleted" });
  });
});

describe("prepareSeek", () => {
  test("moves one partition of a lane, and a loader goes on there", async () => {
    const { world, mapping } = await loaded();
    await using _world = world;
    world.kafka.produce("orders", 0, [{ value: "{ no json" }]);
    world.produce("orders", 0, rowsOf(11, 13));
    expect(await codeOf((await world.start(mapping)).done)).toBe("event_malformed");
    await using look = lookAt(world, mapping);
    expect(await seek(look, 0, 11)).toMatchObject({
      lane: "orders",
      before: 10,
      after: 11,
      low: 0,
      high: 13,
    });
    await (await world.start(mapping, { once: true })).done;
    expect(world.rows("orders").size).toBe(12);
  });

  test("goes to the beginning and to the end", async () => {
    const { world, mapping } = await loaded();
    await using _world = world;
    world.produce("orders", 0, rowsOf(10, 20));
    world.kafka.deleteRecords({ topic: "orders", partition: 0 }, 4);
    await using look = lookAt(world, mapping);
    expect(await seek(look, 0, "beginning")).toMatchObject({ before: 10, after: 4 });
    expect(await seek(look, 0, "end")).toMatchObject({ before: 4, after: 20 });
    await (await world.start(mapping, { once: true })).done;
    expect(world.rows("orders").size).toBe(10);
  });

  test("changes nothing when a loader has moved the cookie meanwhile (R30)", async () => {
    const { world, mapping } = await loaded();
    await using _world = world;
    await using look = lookAt(world, mapping);
    const found = await prepareSeek(look, { topic: "orders", partition: 0 }, "beginning", signal);
    world.produce("orders", 0, rowsOf(10, 12));
    await (await world.start(mapping, { once: true })).done;
    expect(await codeOf(found.apply(signal))).toBe("cookie_conflict");
    const { lanes } = await readOffsets(look, signal);
    expect(lanes[0]?.partitions[0]?.next).toBe(12);
  });

  test("moves a running loader, which reads its cookie again at its next batch", async () => {
    const { world, mapping } = await loaded();
    await using _world = world;
    const loader = await world.start(mapping);
    world.produce("orders", 0, rowsOf(10, 12));
    await world.untilRows("orders", 12);
    await using look = lookAt(world, mapping);
    await seek(look, 0, 5);
    world.produce("orders", 0, rowsOf(12, 14));
    await world.untilRows("orders", 14);
    // 5 to 11 again, and the new ones.
    expect(world.ledger("orders")).toHaveLength(12 + 7 + 2);
    expect(loader.status().totals.conflicts).toBeGreaterThan(0);
  });

  test("refuses a place that the partition does not have, and a partition that nobody reads", async () => {
    const { world, mapping } = await loaded();
    await using _world = world;
    await using look = lookAt(world, mapping);
    for (const at of [
      { target: 11, partition: 0 },
      { target: 0, partition: 7 },
    ])
      expect(await codeOf(seek(look, at.partition, at.target))).toBe("config_invalid");
  });

  test("makes the writer of a lane that never ran when it has the admin token", async () => {
    const { world } = await loaded();
    await using _world = world;
    await world.createTable("carts");
    world.kafka.createTopic("carts", 1);
    world.produce("carts", 0, rowsOf(0, 5));
    const mapping = world.mapping(["orders", "carts"]);
    const move = async (adminToken?: string) => {
      await using look = lookAt(world, mapping, adminToken === undefined ? {} : { adminToken });
      const found = await prepareSeek(look, { topic: "carts", partition: 0 }, 3, signal);
      await found.apply(signal);
    };
    expect(await codeOf(move())).toBe("bad_credentials");
    await move(ADMIN_TOKEN);
    await (await world.start(mapping, { once: true })).done;
    expect([...world.rows("carts").keys()]).toEqual([3, 4]);
  });
});
