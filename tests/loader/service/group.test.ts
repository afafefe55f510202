/** Several loaders that share lanes: whoever has a lane's anchor has the lane, and each event takes effect once (R30). */
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../core/process/clock.ts";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";
import { until } from "../../support/until.ts";
import { codeOf, rowsOf, type Started, World } from "./world.ts";

/** Every lane of every loader, by the loader's place in the list. */
function owners(loaders: readonly Started[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  loaders.forEach((loader, i) => {
    for (const { name } of loader.status().lanes) found.set(name, [...(found.get(name) ?? []), i]);
  });
  return found;
}

/** The texts of a table's rows, each of which one event wrote: none stands in the ledger twice, in any order but its own. */
function assertEachOnce(world: World, table: string, count: number): void {
  const statements = world.ledger(table);
  expect(new Set(statements).size).toBe(statements.length);
  expect(statements).toHaveLength(count);
}

describe("loaders of one group", () => {
  test("share 64 partitions that have a lane each when there are three", async () => {
    await using world = await World.open();
    await world.createTable("orders");
    world.kafka.createTopic("orders", 64);
    for (let p = 0; p < 64; p++) world.produce("orders", p, rowsOf(p * 1_000, p * 1_000 + 5));
    const mapping = world.mapping(["orders"], { lane: "partition" });
    const loaders = await Promise.all([0, 1, 2].map(() => world.start(mapping)));
    await world.untilRows("orders", 320);
    await until(() => owners(loaders).size === 64, { what: "an owner for every lane" });
    expect([...owners(loaders).values()].every((list) => list.length === 1)).toBe(true);
    expect(loaders.map((loader) => loader.status().lanes.length).sort()).toEqual([21, 21, 22]);
    for (let p = 0; p < 64; p++) world.produce("orders", p, rowsOf(p * 1_000 + 5, p * 1_000 + 10));
    await world.untilRows("orders", 640);
    assertEachOnce(world, "orders", 640);
  });

  test("give a lane of a whole topic to the one that has its lowest partition, and the others stand by", async () => {
    await using world = await World.open();
    await world.createTable("orders");
    world.kafka.createTopic("orders", 64);
    for (let p = 0; p < 64; p++) world.produce("orders", p, rowsOf(p * 1_000, p * 1_000 + 5));
    const mapping = world.mapping(["orders"]);
    const loaders = await Promise.all([0, 1, 2].map(() => world.start(mapping)));
    await world.untilRows("orders", 320);
    await until(() => loaders.filter((loader) => loader.status().state === "standby").length === 2, {
      what: "two that stand by",
    });
    expect(owners(loaders).size).toBe(1);
    assertEachOnce(world, "orders", 320);
    // The one that has it goes, and another one takes it over, at the cookie.
    const [owner = 0] = owners(loaders).get("orders") ?? [];
    await loaders[owner]?.stop();
    world.produce("orders", 63, rowsOf(100_000, 100_010));
    await world.untilRows("orders", 330);
    assertEachOnce(world, "orders", 330);
  });

  test.each([
    [1, 3],
    [4, 2],
  ])("share topics of %d partitions when there are %d, each of a lane", async (partitions, count) => {
    await using world = await World.open();
    const topics = Array.from({ length: 9 }, (_, i) => `orders${i}`);
    for (const topic of topics) {
      await world.createTable(topic);
      world.kafka.createTopic(topic, partitions);
      for (let p = 0; p < partitions; p++) world.produce(topic, p, rowsOf(p * 10, p * 10 + 2));
    }
    const mapping = world.mapping(topics);
    const loaders = await Promise.all(Array.from({ length: count }, () => world.start(mapping)));
    for (const topic of topics) await world.untilRows(topic, partitions * 2);
    await until(() => [...owners(loaders).values()].flat().length === 9, { what: "an owner for every lane" });
    // In turns where there is one partition; where there are more it hangs on the topics' names.
    for (const loader of loaders)
      expect(loader.status().lanes.length).toBeGreaterThanOrEqual(partitions === 1 ? 3 : 1);
  });

  test("load each event once, in its order, whenever the group shares anew", async () => {
    const random = seededRandom(suiteSeed());
    for (let run = 0; run < runsOf({ quick: 1, deep: 20 }); run++) await rebalanceHistory(random);
  }, 60_000);

  test("fence one that was stopped and does not know that its lanes are another's", async () => {
    await using world = await World.open();
    await world.createTable("orders");
    world.kafka.createTopic("orders", 2);
    const mapping = world.mapping(["orders"], { lane: "partition" });
    // The first one's requests are held back: as if it had been stopped in the middle of them.
    const held = new Hold();
    const zombie = await world.start(mapping, {}, { fetch: held.fetch });
    world.produce("orders", 0, rowsOf(0, 10));
    await world.untilRows("orders", 10);
    held.hold();
    world.produce("orders", 0, rowsOf(10, 20));
    await until(() => held.waiting > 0, { what: "a batch under way" });
    world.kafka.group.expel("member-1");
    world.kafka.freeze("member-1");
    const heir = await world.start(mapping);
    await world.untilRows("orders", 20);
    world.produce("orders", 1, rowsOf(20, 30));
    await world.untilRows("orders", 30);
    held.release();
    world.kafka.thaw("member-1");
    await until(() => owners([zombie, heir]).size === 2 && zombie.status().lanes.length === 1, {
      what: "a lane for each",
    });
    world.produce("orders", 0, rowsOf(30, 40));
    world.produce("orders", 1, rowsOf(40, 50));
    await world.untilRows("orders", 50);
    assertEachOnce(world, "orders", 50);
  });
});

describe("a lane whose cookie somebody else moves", () => {
  test("goes on from there, and loads nothing twice", async () => {
    await using world = await World.open();
    await world.createTable("orders");
    world.kafka.createTopic("orders", 1);
    const mapping = world.mapping(["orders"]);
    const loader = await world.start(mapping);
    world.produce("orders", 0, rowsOf(0, 10));
    await world.untilRows("orders", 10);
    // A second loader of another group: both have the lane.
    const once = await world.start(mapping, { once: true });
    await once.done;
    world.produce("orders", 0, rowsOf(10, 20));
    const other = await world.start(mapping, { once: true });
    await Promise.all([other.done, world.untilRows("orders", 20)]);
    world.produce("orders", 0, rowsOf(20, 30));
    await world.untilRows("orders", 30);
    assertEachOnce(world, "orders", 30);
    expect(loader.status().lanes[0]?.state).not.toBe("stopped");
  });

  test("stops the loader when that happens again and again (loader_fenced)", async () => {
    await using world = await World.open();
    await world.createTable("orders");
    world.kafka.createTopic("orders", 1);
    const mapping = world.mapping(["orders"]);
    world.produce("orders", 0, rowsOf(0, 1_000));
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 5), signal),
    };
    // Before each batch arrives somebody else has moved the cookie.
    const loader = await world.start(mapping, {}, { clock, fetch: world.interfering("loader:orders") });
    expect(await codeOf(loader.done)).toBe("loader_fenced");
    expect(world.rows("orders").size).toBe(0);
  });
});

/** Requests that wait until they are let go. */
class Hold {
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};
  waiting = 0;

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open();
  }

  readonly fetch = async (input: string, init?: RequestInit): Promise<Response> => {
    if (input.endsWith("/mutations")) {
      this.waiting += 1;
      await this.#gate;
    }
    return fetch(input, init);
  };
}

/** Records come while members come, go, are expelled, and the group shares anew; rows and their order are the model's. */
async function rebalanceHistory(random: () => number): Promise<void> {
  await using world = await World.open();
  await world.createTable("orders");
  await world.createTable("carts");
  world.kafka.createTopic("orders", 6);
  world.kafka.createTopic("carts", 3);
  const mapping = world.mapping(["orders", "carts"]);
  const split = world.mappingOf([
    { topic: "orders", family: "events", table: "orders", lane: "partition" },
    { topic: "carts", family: "events", table: "carts" },
  ]);
  const chosen = random() < 0.3 ? mapping : split;
  // Small batches that take a moment, so that a rebalance finds some under way.
  const slowly = async (input: string, init?: RequestInit) => {
    if (input.endsWith("/mutations") && random() < 0.3) await world.kafka.changed(5);
    return fetch(input, init);
  };
  const begin = () => world.start(chosen, { batchRows: 7 }, { fetch: slowly });
  let loaders = [await begin(), await begin()];
  const everybody = [...loaders];
  let written = 0;
  const model = new Map<number, string>();
  const idOf = new Map<number, number>();
  const pick = (n: number) => Math.floor(random() * n);
  for (let step = 0; step < 40; step++) {
    for (let i = 0; i < 20; i++) {
      const id = pick(200);
      written += 1;
      idOf.set(written, id);
      // A row is always in the same partition.
      world.produce("orders", id % 6, [{ id, what: `event ${written}` }]);
      model.set(id, `event ${written}`);
    }
    world.produce("carts", pick(3), [{ id: step, what: `cart ${step}` }]);
    const what = random();
    if (what < 0.3) world.kafka.group.rebalance();
    else if (what < 0.5) world.kafka.group.expel(`member-${1 + pick(world.kafka.consumers)}`);
    else if (what < 0.6) {
      const more = await begin();
      loaders.push(more);
      everybody.push(more);
    } else if (what < 0.7 && loaders.length > 1) {
      const [leaving] = loaders.splice(pick(loaders.length), 1);
      await leaving?.stop();
    }
    loaders = loaders.filter((loader) => loader.status().state !== "stopped");
    // Often the next thing happens in the middle of this one, and sometimes when much has been loaded.
    const enough = Math.floor(written * random() * random());
    if (random() < 0.5)
      await until(() => world.ledger("orders").length >= enough / 2, { what: "some progress" });
  }
  await until(() => sameRows(world.rows("orders"), model), { what: "the model's rows", deadlineMs: 30_000 });
  await world.untilRows("carts", 40);
  const rebalances = everybody.reduce((sum, loader) => sum + loader.status().totals.rebalances, 0);
  expect(rebalances).toBeGreaterThan(3);
  const events = world.ledger("orders").map((statement) => Number(/event (\d+)/.exec(statement)?.[1]));
  expect(new Set(events).size).toBe(events.length);
  // Of one row in their order: a later event never stands before an earlier one.
  const last = new Map<number, number>();
  for (const event of events) {
    const id = idOf.get(event) ?? -1;
    expect(event).toBeGreaterThan(last.get(id) ?? 0);
    last.set(id, event);
  }
}

function sameRows(rows: ReadonlyMap<number, string>, model: ReadonlyMap<number, string>): boolean {
  return rows.size === model.size && [...model].every(([id, what]) => rows.get(id) === what);
}
