/** A loader from start to end: what it waits for, what ends it, and where it begins. */
import { describe, expect, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { until } from "../../support/until.ts";
import { codeOf, rowsOf, World } from "./world.ts";

const AWAY = new CtlstoreError("kafka_unavailable", "Cannot reach any broker");
/** Waits pass quickly, so that what is tried again is tried again soon. */
const hastyClock = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 10), signal),
};

async function withOrders(partitions = 1): Promise<World> {
  const world = await World.open();
  await world.createTable("orders");
  if (partitions > 0) world.kafka.createTopic("orders", partitions);
  return world;
}

describe("startLoader", () => {
  test("loads what is there and what comes when it has the group for itself", async () => {
    await using world = await withOrders(4);
    for (const partition of [0, 1, 2, 3])
      world.produce("orders", partition, rowsOf(partition * 100, partition * 100 + 50));
    const loader = await world.start(world.mapping(["orders"]));
    await world.untilRows("orders", 200);
    world.produce("orders", 2, rowsOf(1_000, 1_010));
    await world.untilRows("orders", 210);
    await until(() => loader.status().state === "current" && loader.status().ready, { what: "current" });
    expect(loader.status()).toMatchObject({ lagEvents: 0, lagSeconds: 0, missingTopics: [], waitingFor: [] });
    expect(loader.status().lanes.map(({ name, writer }) => [name, writer])).toEqual([
      ["orders", "loader:orders"],
    ]);
    await loader.stop();
    expect(loader.status().state).toBe("stopped");
  });

  test("goes on where its cookies are when it is started again, whatever Kafka has as committed (R30)", async () => {
    await using world = await withOrders(2);
    const mapping = world.mapping(["orders"]);
    world.produce("orders", 0, rowsOf(0, 30));
    const first = await world.start(mapping);
    await world.untilRows("orders", 30);
    await first.stop();
    world.produce("orders", 1, rowsOf(30, 60));
    await world.start(mapping);
    await world.untilRows("orders", 60);
    expect(world.ledger("orders")).toHaveLength(60);
    expect(world.kafka.committed.at(-1)).toBeDefined();
  });

  test("waits for brokers that are away at the start, and says so", async () => {
    await using world = await withOrders();
    world.kafka.away = AWAY;
    world.produce("orders", 0, rowsOf(0, 5));
    const loader = await world.start(world.mapping(["orders"]), {}, { clock: hastyClock });
    await until(() => loader.status().waitingFor[0]?.what === "find the topics", { what: "its word" });
    expect(loader.status()).toMatchObject({ state: "starting", ready: false });
    world.kafka.away = null;
    await world.untilRows("orders", 5);
    expect(loader.status().waitingFor).toEqual([]);
  });

  test("waits for brokers that go away later", async () => {
    await using world = await withOrders();
    const loader = await world.start(world.mapping(["orders"]), {}, { clock: hastyClock });
    world.produce("orders", 0, rowsOf(0, 5));
    await world.untilRows("orders", 5);
    world.kafka.away = AWAY;
    await until(() => loader.status().waitingFor.some(({ what }) => what === "fetch records"), {
      what: "its word",
    });
    world.produce("orders", 0, rowsOf(5, 9));
    world.kafka.away = null;
    await world.untilRows("orders", 9);
  });

  test("waits for an Executive that is away at the start, and ends at once when it is stopped meanwhile", async () => {
    await using world = await withOrders();
    const away = async () => {
      throw new TypeError("connection refused");
    };
    const loader = await world.start(world.mapping(["orders"]), {}, { fetch: away });
    await until(() => loader.status().waitingFor[0]?.what === "read the mapping's tables", {
      what: "its word",
    });
    await loader.stop();
    expect(loader.status().state).toBe("stopped");
  });

  test("waits for an Executive behind a proxy that says it is away, whatever the loader is about to do", async () => {
    await using world = await withOrders();
    world.produce("orders", 0, rowsOf(0, 5));
    const refused = new Set<string>();
    const fetch = async (input: string, init?: RequestInit) => {
      const what = `${init?.method ?? "GET"} ${new URL(input).pathname}`;
      if (refused.has(what)) return globalThis.fetch(input, init);
      refused.add(what);
      return new Response("<h1>Bad Gateway</h1>", { status: 502 });
    };
    await world.start(world.mapping(["orders"]), {}, { fetch, clock: hastyClock });
    await world.untilRows("orders", 5);
    expect([...refused]).toContain("GET /cookie");
    expect([...refused].some((what) => what.startsWith("POST /writers/"))).toBe(true);
  });

  test("ends with the error of the mapping when that does not fit the tables", async () => {
    await using world = await withOrders();
    const mapping = world.mapping(["orders"], { fields: { nothing: "what" }, rest: "drop" });
    const loader = await world.start(mapping);
    expect(await codeOf(loader.done)).toBe("mapping_invalid");
  });

  test("waits for a topic that does not exist, loading the others, and takes it when it comes", async () => {
    await using world = await withOrders();
    await world.createTable("carts");
    world.produce("orders", 0, rowsOf(0, 3));
    const loader = await world.start(world.mapping(["orders", "carts"]), { topicsIntervalMs: 20 });
    await world.untilRows("orders", 3);
    expect(loader.status().missingTopics).toEqual(["carts"]);
    world.kafka.createTopic("carts", 2);
    world.produce("carts", 1, rowsOf(0, 4));
    await world.untilRows("carts", 4);
    world.produce("orders", 0, rowsOf(3, 5));
    await world.untilRows("orders", 5);
    expect(loader.status().missingTopics).toEqual([]);
    expect(world.ledger("orders")).toHaveLength(5);
  });

  test("looks for topics once at a time, however long brokers do not answer", async () => {
    await using world = await withOrders();
    const consumer = world.kafka.consumer();
    const answer = consumer.partitionsOf.bind(consumer);
    let questions = 0;
    consumer.partitionsOf = (topics: readonly string[]) => {
      questions += 1;
      return questions === 1 ? answer(topics) : new Promise(() => {});
    };
    const kafka = { consumer: () => consumer, producer: () => world.kafka.producer() };
    await world.start(world.mapping(["orders"]), { topicsIntervalMs: 5 }, { kafka });
    await until(() => questions === 2, { what: "a second look" });
    for (let from = 0; from < 50; from += 10) {
      world.produce("orders", 0, rowsOf(from, from + 10));
      await world.untilRows("orders", from + 10);
    }
    expect(questions).toBe(2);
  });

  test.each(["topic", "partition"])(
    "reads partitions that are added later when a lane is a %s",
    async (lane) => {
      await using world = await withOrders(2);
      await world.start(world.mapping(["orders"], { lane }), { topicsIntervalMs: 20 });
      world.produce("orders", 1, rowsOf(0, 5));
      await world.untilRows("orders", 5);
      world.kafka.createTopic("orders", 4);
      world.produce("orders", 3, rowsOf(5, 10));
      world.kafka.group.rebalance();
      await world.untilRows("orders", 10);
      expect(world.ledger("orders")).toHaveLength(10);
    },
  );

  test("stops at an event that cannot be loaded, naming its place, when the other lanes have ended (poison)", async () => {
    await using world = await withOrders();
    await world.createTable("carts");
    world.kafka.createTopic("carts", 1);
    world.produce("carts", 0, rowsOf(0, 300));
    world.produce("orders", 0, rowsOf(0, 7));
    world.kafka.produce("orders", 0, [{ value: "{ no json" }]);
    const loader = await world.start(world.mapping(["orders", "carts"]));
    const error = await loader.done.then(
      () => null,
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: "event_malformed" });
    expect(String(error)).toContain("orders");
    expect(String(error)).toContain("7");
    expect(world.rows("orders").size).toBe(7);
    expect(world.ledger("carts")).toHaveLength(world.rows("carts").size);
    expect(loader.status().state).toBe("stopped");
  });

  test("puts it aside and goes on when dead letters have a place", async () => {
    await using world = await withOrders();
    world.kafka.produce("orders", 0, [{ value: "{ no json" }]);
    world.produce("orders", 0, rowsOf(0, 7));
    const loader = await world.start(world.mapping(["orders"]), { deadLetter: "topic:dead" });
    await world.untilRows("orders", 7);
    expect(world.kafka.sent.map(({ topic }) => topic)).toEqual(["dead"]);
    expect(loader.status().totals.deadLetters).toBe(1);
  });

  test("refuses dead letters in a topic that it reads", async () => {
    await using world = await withOrders();
    const start = world.start(world.mapping(["orders"]), { deadLetter: "topic:orders" });
    expect(await codeOf(start)).toBe("config_invalid");
  });
});

describe("startLoader with --once", () => {
  test("loads up to the ends of the start and no further, without the group", async () => {
    await using world = await withOrders(3);
    for (const partition of [0, 2])
      world.produce("orders", partition, rowsOf(partition * 1_000, partition * 1_000 + 700));
    const more = setInterval(() => world.produce("orders", 0, rowsOf(90_000, 90_050)), 1);
    const loader = await world.start(world.mapping(["orders"]), { once: true });
    await loader.done;
    clearInterval(more);
    expect(world.kafka.group.has("member-1")).toBe(false);
    expect([...world.rows("orders").keys()].filter((id) => id < 90_000)).toHaveLength(1_400);
    expect(loader.status().totals.rows).toBeGreaterThanOrEqual(1_400);
    const second = await world.start(world.mapping(["orders"]), { once: true });
    await second.done;
    expect(world.rows("orders").size).toBe(1_450);
  });

  test("writes positions of records that are about no row, so that the next run does not read them", async () => {
    await using world = await withOrders();
    world.kafka.produce("orders", 0, [{ key: '{"id":1}', value: null }]);
    await (await world.start(world.mapping(["orders"]), { once: true })).done;
    const next = await world.start(world.mapping(["orders"]), { once: true });
    await next.done;
    expect(next.status().totals.records).toBe(0);
  });

  test("is done at once when the topics are empty", async () => {
    await using world = await withOrders(2);
    await (await world.start(world.mapping(["orders"]), { once: true })).done;
  });

  test("refuses a topic that does not exist", async () => {
    await using world = await withOrders(0);
    const loader = await world.start(world.mapping(["orders"]), { once: true });
    expect(await codeOf(loader.done)).toBe("kafka_topic_unknown");
  });

  test("gives up on what stays away", async () => {
    await using world = await withOrders();
    world.kafka.away = AWAY;
    const options = { once: true, oncePatienceMs: 50 };
    const loader = await world.start(world.mapping(["orders"]), options, { clock: hastyClock });
    expect(await codeOf(loader.done)).toBe("kafka_unavailable");
  });
});

describe("events that Kafka does not have any more", () => {
  async function loadedTo(world: World, mapping: string, rows: number): Promise<void> {
    world.produce("orders", 0, rowsOf(0, rows));
    await (await world.start(mapping, { once: true })).done;
  }

  test("stop the loader, which names what is there (events_lost)", async () => {
    await using world = await withOrders();
    const mapping = world.mapping(["orders"]);
    await loadedTo(world, mapping, 10);
    world.produce("orders", 0, rowsOf(10, 20));
    world.kafka.deleteRecords({ topic: "orders", partition: 0 }, 15);
    const loader = await world.start(mapping);
    const error = await loader.done.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "events_lost" });
    expect(String(error)).toContain("the next event is 10");
    expect(String(error)).toContain("kept are 15 to 19");
    expect(world.rows("orders").size).toBe(10);
  });

  test("are passed over, counted, when that is wanted", async () => {
    await using world = await withOrders();
    const mapping = world.mapping(["orders"]);
    await loadedTo(world, mapping, 10);
    world.produce("orders", 0, rowsOf(10, 20));
    world.kafka.deleteRecords({ topic: "orders", partition: 0 }, 15);
    const loader = await world.start(mapping, { lostEvents: "continue" });
    await world.untilRows("orders", 15);
    expect(loader.status().totals.lostEvents).toBe(5);
    expect([...world.rows("orders").keys()]).toContain(15);
  });

  test("are found out while the loader runs", async () => {
    await using world = await withOrders();
    const mapping = world.mapping(["orders"]);
    world.produce("orders", 0, rowsOf(0, 5));
    const loader = await world.start(mapping, { lostEvents: "continue" });
    await world.untilRows("orders", 5);
    world.kafka.away = AWAY;
    world.produce("orders", 0, rowsOf(5, 20));
    world.kafka.deleteRecords({ topic: "orders", partition: 0 }, 12);
    world.kafka.away = null;
    await until(() => world.rows("orders").has(19), { what: "the last row" });
    expect(loader.status().totals.lostEvents).toBe(7);
  });

  test("stop the loader when the topic was made anew and ends before the cookie", async () => {
    await using world = await withOrders();
    const mapping = world.mapping(["orders"]);
    await loadedTo(world, mapping, 10);
    world.kafka.deleteTopic("orders");
    world.kafka.createTopic("orders", 1);
    world.produce("orders", 0, rowsOf(50, 53));
    const loader = await world.start(mapping);
    expect(await codeOf(loader.done)).toBe("events_lost");
    const accepting = await world.start(mapping, { lostEvents: "continue" });
    await until(() => accepting.status().state === "current", { what: "current" });
    world.produce("orders", 0, rowsOf(60, 61));
    await until(() => world.rows("orders").has(60), { what: "the new row" });
    expect(world.rows("orders").has(50)).toBe(false);
  });
});
