/** `ctlstore loader` as a real process on Node, against brokers that speak Kafka's protocol and a real Executive. */

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { unwrap } from "../../../client/index.ts";
import { hasKafka } from "../../support/kafka/cluster.ts";
import { LoaderWorld } from "../../support/loader/loader-world.ts";
import { until } from "../../support/until.ts";

async function createTable(world: LoaderWorld, table: string): Promise<void> {
  const family = world.client.families({ family: "events" });
  await family.post();
  const fields: [string, string][] = [
    ["id", "integer"],
    ["what", "string"],
  ];
  unwrap(await family.tables({ table }).post({ fields, keyFields: ["id"] }));
}

function mappingOf(world: LoaderWorld, topic: string, more: object = {}): string {
  return world.mapping({ version: 1, tables: [{ topic, family: "events", table: topic, ...more }] });
}

async function produce(
  world: LoaderWorld,
  topic: string,
  partition: number,
  from: number,
  to: number,
): Promise<void> {
  await world.kafka.produce(
    Array.from({ length: to - from }, (_, i) => ({
      topic,
      partition,
      key: JSON.stringify({ id: from + i }),
      value: JSON.stringify({
        before: null,
        after: { id: from + i, what: `row ${from + i}` },
        op: "c",
        source: { db: "origin", table: topic, snapshot: "false", ts_ms: 1 },
        ts_ms: 1,
      }),
    })),
  );
}

function countRows(world: LoaderWorld, table: string): number {
  using db = new Database(world.ctldbPath, { readonly: true });
  return (db.query(`SELECT count(*) AS n FROM events___${table}`).get() as { n: number }).n;
}

describe.skipIf(!hasKafka)("ctlstore loader", () => {
  test("loads, answers, ends with 0 at SIGTERM, and goes on where it was", async () => {
    await using world = await LoaderWorld.start();
    await createTable(world, "orders");
    await world.kafka.createTopic("orders", 2);
    await produce(world, "orders", 0, 0, 100);
    const mapping = mappingOf(world, "orders");
    await using loader = await world.startLoader(mapping);
    const url = await loader.url();
    await until(() => countRows(world, "orders") === 100, { what: "rows" });
    await until(async () => (await fetch(`${url}/readyz`)).status === 200, { what: "ready" });
    const status = (await (await fetch(`${url}/status`)).json()) as {
      lanes: { name: string; writer: string }[];
    };
    console.log(JSON.stringify(status));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    console.log(
      metrics
        .split("\n")
        .filter((l) => !l.startsWith("#"))
        .join("\n"),
    );
    loader.process.signal("SIGTERM");
    expect(await loader.process.exited).toEqual({ code: 0, signal: null });
    console.log(loader.process.stderr);
    await produce(world, "orders", 1, 100, 150);
    const once = await world.loadOnce(mapping);
    console.log(once);
    expect(once).toMatchObject({ code: 0 });
    expect(countRows(world, "orders")).toBe(150);
  });
});
