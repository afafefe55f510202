import { describe, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { rowsOf, World } from "./world.ts";

describe("startLoader", () => {
  test("loads what is there and what comes when it has the group for itself", async () => {
    await using world = await World.open();
    await world.createTable("orders");
    world.kafka.createTopic("orders", 4);
    for (const partition of [0, 1, 2, 3])
      world.produce("orders", partition, rowsOf(partition * 100, partition * 100 + 50));
    const loader = await world.start(world.mapping(["orders"]));
    await until(() => world.rows("orders").size === 200, { what: "all rows" });
    world.produce("orders", 2, rowsOf(1_000, 1_010));
    await until(() => world.rows("orders").size === 210, { what: "new rows" });
    await until(() => loader.status().state === "current" && loader.status().ready, { what: "current" });
    expect(loader.status()).toMatchObject({ lagEvents: 0, lagSeconds: 0, missingTopics: [], waitingFor: [] });
    await loader.stop();
    expect(loader.status().state).toBe("stopped");
  });
});
