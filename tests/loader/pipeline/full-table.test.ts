/** R35 the loader and a table over its hard limit: it waits, says for what, and goes on without a loss or a repeat. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { unwrap } from "../../../client/index.ts";
import type { LoaderStatus } from "../../../loader/service/status/status.ts";
import { changeRecord } from "../../support/debezium.ts";
import { hasKafka } from "../../support/kafka/cluster.ts";
import { type LoaderProcess, LoaderWorld } from "../../support/loader/loader-world.ts";
import { readWholeLedger } from "../../support/replay-ledger.ts";
import { until } from "../../support/until.ts";

const TOPIC = "shop.store.item";
const TABLE = { family: "shop", table: "item" } as const;

const record = (id: number) => {
  const after = { id, name: `item ${id}` };
  return changeRecord({ op: "c", topic: TOPIC, database: "store", table: "item", after });
};
const records = (from: number, count: number) => Array.from({ length: count }, (_, i) => record(from + i));

async function makeWorld(): Promise<{ world: LoaderWorld; mapping: string }> {
  const world = await LoaderWorld.start();
  unwrap(await world.client.families({ family: TABLE.family }).post());
  const fields: [string, string][] = [
    ["id", "integer"],
    ["name", "text"],
  ];
  const table = world.client.families({ family: TABLE.family }).tables({ table: TABLE.table });
  unwrap(await table.post({ fields, keyFields: ["id"] }));
  await world.kafka.createTopic(TOPIC, 1);
  const tables = [{ topic: TOPIC, source: "store.item", ...TABLE, fields: { id: "id", name: "name" } }];
  return { world, mapping: world.mapping({ version: 1, tables }) };
}

function rowsIn(world: LoaderWorld): number {
  using database = new Database(world.ctldbPath, { readonly: true });
  return database.query<{ rows: number }, []>("SELECT COUNT(*) AS rows FROM shop___item").get()?.rows ?? 0;
}

async function statusOf(loader: LoaderProcess): Promise<LoaderStatus> {
  return (await (await fetch(`${await loader.url()}/status`)).json()) as LoaderStatus;
}

describe.skipIf(!hasKafka)("R35 the loader", () => {
  test("waits while a table of its is full, says so, and loads each event once when the limit is raised", async () => {
    const { world, mapping } = await makeWorld();
    await using _world = world;
    await world.produce(records(0, 50));
    await using loader = await world.startLoader(mapping);
    await until(() => rowsIn(world) === 50, { what: "the first events", deadlineMs: 60_000 });
    const limit = world.client.limits.tables({ family: TABLE.family })({ table: TABLE.table });
    unwrap(await limit.post({ "max-size": 1, "warn-size": 1 }));
    const sizes = unwrap(await world.client.limits.sizes.get()).tables;
    expect(sizes.find(({ table }) => table === TABLE.table)?.state).toBe("full");

    await world.produce(records(50, 50));
    const waiting = await until(
      async () => {
        const { lanes } = await statusOf(loader);
        return lanes.find(({ state }) => state === "waiting");
      },
      { what: "the lane to wait", deadlineMs: 60_000 },
    );
    expect(waiting.why).toContain("over its hard limit");
    const metrics = await (await fetch(`${await loader.url()}/metrics`)).text();
    expect(metrics).toMatch(/^ctlstore_loader_retries_total\{reason="table-full"\} [1-9]/m);
    expect(rowsIn(world)).toBe(50);

    unwrap(await limit.post({ "max-size": 1024 * 1024, "warn-size": 1024 * 1024 }));
    await until(() => rowsIn(world) === 100, { what: "all events", deadlineMs: 60_000 });
    const { entries } = await readWholeLedger(world.ctldbUrl);
    const written = entries.filter(({ statement }) => statement.startsWith("REPLACE INTO shop___item"));
    expect(written).toHaveLength(100);
    expect(loader.process.running).toBe(true);
  }, 120_000);
});
