/**
 * A new snapshot of the origin comes in while loaders are killed: rows that it does not have are gone in the end, all
 * others are there, and rows written meanwhile too (R32).
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { unwrap } from "../../../client/index.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { changeRecord } from "../../support/debezium.ts";
import { hasKafka } from "../../support/kafka/cluster.ts";
import { LoaderWorld } from "../../support/loader/loader-world.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../../support/suite.ts";
import { grown, LoaderPool } from "./loader-pool.ts";

const ROWS = runsOf({ quick: 1_500, deep: 20_000 });
const SNAPSHOTS = runsOf({ quick: 1, deep: 10 });
const KILLS_PER_SNAPSHOT = runsOf({ quick: 3, deep: 4 });
const TIMEOUT_MS = timeoutMsOf({ quick: 60_000, deep: 900_000 });
const TOPIC = "shop.store.item";

/** The rows as they are at the origin: by id, the number of the write. */
type Rows = ReadonlyMap<number, number>;

function record(op: string, id: number, n: number, snapshot: string): KafkaRecord {
  return changeRecord({ op, topic: TOPIC, database: "store", table: "item", after: { id, n }, snapshot });
}

function snapshotOf(rows: Rows): KafkaRecord[] {
  const last = rows.size - 1;
  return [...rows].map(([id, n], i) => record("r", id, n, i === 0 ? "first" : i === last ? "last" : "true"));
}

function rowsIn(world: LoaderWorld): Rows {
  using database = new Database(world.ctldbPath, { readonly: true });
  const rows = database
    .query<{ id: number; n: number }, []>("SELECT id, n FROM shop___item ORDER BY id")
    .all();
  return new Map(rows.map(({ id, n }) => [id, n]));
}

describe.skipIf(!hasKafka)("R32", () => {
  test(
    "rows that vanished at the origin go, and no other, when loaders are killed in the middle of a snapshot",
    async () => {
      const random = seededRandom(suiteSeed());
      const below = (bound: number) => Math.floor(random() * bound);
      await using world = await LoaderWorld.start();
      unwrap(await world.client.families({ family: "shop" }).post());
      const fields: [string, string][] = [
        ["id", "integer"],
        ["n", "integer"],
      ];
      const table = world.client.families({ family: "shop" }).tables({ table: "item" });
      unwrap(await table.post({ fields, keyFields: ["id"] }));
      await world.kafka.createTopic(TOPIC, 1);
      const target = { topic: TOPIC, family: "shop", table: "item", vanishedRows: "sweep" };
      const mapping = world.mapping({ version: 1, tables: [target] });
      let number = 0;
      let rows: Rows = new Map(Array.from({ length: ROWS }, (_, id) => [id, ++number]));
      await world.produce(snapshotOf(rows));
      const first = await world.loadOnce(mapping);
      expect({ code: first.code, stderr: first.code === 0 ? "" : first.stderr }).toEqual({
        code: 0,
        stderr: "",
      });
      await using pool = new LoaderPool({ world, mapping, flags: [], random });
      for (let i = 0; i < SNAPSHOTS; i++) {
        // A third is gone, a few are new, and the binlog has more right behind the snapshot.
        const kept = [...rows.keys()].filter(() => random() < 0.67);
        const ids = [...kept, ...Array.from({ length: ROWS / 4 }, () => below(2 * ROWS))];
        rows = new Map(ids.map((id) => [id, ++number]));
        await world.produce(snapshotOf(rows));
        const later = new Map(Array.from({ length: 20 }, () => [below(2 * ROWS), ++number] as const));
        await world.produce([...later].map(([id, n]) => record("c", id, n, "false")));
        rows = new Map([...rows, ...later]);
        for (let kill = 0; kill < KILLS_PER_SNAPSHOT; kill++) {
          await pool.fill(1);
          await grown(world.ctldbUrl, below(ROWS / 3), 3_000);
          await pool.killOne();
        }
        const rest = await world.loadOnce(mapping);
        expect({ code: rest.code, stderr: rest.code === 0 ? "" : rest.stderr }).toEqual({
          code: 0,
          stderr: "",
        });
        expect(rowsIn(world)).toEqual(new Map([...rows].sort(([a], [b]) => a - b)));
      }
    },
    TIMEOUT_MS,
  );
});
