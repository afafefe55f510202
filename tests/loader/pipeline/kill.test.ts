/**
 * Loaders as processes that are killed at any moment, frozen and replaced, while the Executive dies now and then: each
 * event takes effect once, in the order of its row, and what was one transaction stays one (R30, R31).
 */
import { describe, expect, test } from "bun:test";
import { unwrap } from "../../../client/index.ts";
import { hasKafka } from "../../support/kafka/cluster.ts";
import { LoaderWorld } from "../../support/loader/loader-world.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../../support/suite.ts";
import { EventStory, STORY_FAMILY, type StoryTable, TRANSACTION_TOPIC, topicOf } from "./event-story.ts";
import { grown, LoaderPool } from "./loader-pool.ts";
import {
  digestOfStory,
  digestOfTable,
  effectsInLedger,
  tornTransactions,
  wronglyFoldedRows,
  wrongRows,
} from "./story-check.ts";

const EVENTS = runsOf({ quick: 3_000, deep: 50_000 });
const TIMEOUT_MS = timeoutMsOf({ quick: 120_000, deep: 1_800_000 });

interface Mode {
  readonly name: string;
  readonly tables: readonly StoryTable[];
  readonly lane: "topic" | "partition";
  readonly instances: number;
  readonly kills: number;
  readonly transactions: boolean;
  readonly flags: readonly string[];
}

const MODES: readonly Mode[] = [
  {
    name: "a lane for each topic, two instances",
    tables: [
      { table: "plain", form: "envelope", partitions: 8 },
      { table: "flat", form: "flattened", partitions: 4 },
    ],
    lane: "topic",
    instances: 2,
    kills: runsOf({ quick: 4, deep: 80 }),
    transactions: false,
    flags: ["--keep-repeats"],
  },
  {
    name: "a lane for each of 8 partitions, two instances, repeats folded",
    tables: [{ table: "plain", form: "envelope", partitions: 8 }],
    lane: "partition",
    instances: 2,
    kills: runsOf({ quick: 4, deep: 80 }),
    transactions: false,
    flags: [],
  },
  {
    name: "whole transactions in one lane",
    tables: [
      { table: "plain", form: "envelope", partitions: 5 },
      { table: "more", form: "envelope", partitions: 3 },
    ],
    lane: "topic",
    instances: 1,
    kills: runsOf({ quick: 4, deep: 80 }),
    transactions: true,
    flags: ["--keep-repeats", "--preserve-transactions"],
  },
];

async function prepare(world: LoaderWorld, mode: Mode): Promise<string> {
  unwrap(await world.client.families({ family: STORY_FAMILY }).post());
  const fields: [string, string][] = [
    ["id", "string"],
    ["n", "integer"],
    ["note", "text"],
  ];
  for (const table of mode.tables) {
    const shape = { fields, keyFields: ["id"] };
    unwrap(await world.client.families({ family: STORY_FAMILY }).tables({ table: table.table }).post(shape));
    await world.kafka.createTopic(topicOf(table), table.partitions);
  }
  if (mode.transactions) await world.kafka.createTopic(TRANSACTION_TOPIC, 1);
  return world.mapping({
    version: 1,
    ...(mode.transactions ? { transactionTopic: TRANSACTION_TOPIC } : {}),
    tables: mode.tables.map((table) => ({
      topic: topicOf(table),
      family: STORY_FAMILY,
      table: table.table,
      lane: mode.lane,
    })),
  });
}

/** One thing that happens to the loaders or the Executive. */
async function disturb(
  pool: LoaderPool,
  world: LoaderWorld,
  mode: Mode,
  random: () => number,
): Promise<void> {
  await pool.fill(mode.instances);
  // Half of the time when it has written something, else wherever it is by then: starting, joining the group, reading.
  if (random() < 0.5) await grown(world.ctldbUrl, 1 + Math.floor(random() * 200), 5_000);
  else await new Promise((resolve) => setTimeout(resolve, random() * 800));
  const dice = random();
  if (dice < 0.15) {
    pool.freezeOne();
    await pool.fill(mode.instances);
    await grown(world.ctldbUrl, 1, 5_000);
    pool.thaw();
  } else if (dice < 0.3) {
    await world.executive.kill();
    await world.executive.start();
  } else if (dice < 0.45) await pool.killAll();
  await pool.killOne();
}

describe.skipIf(!hasKafka)("R30 R31", () => {
  test.each([...MODES])(
    "each event takes effect once when loaders are killed: $name",
    async (mode) => {
      const random = seededRandom(suiteSeed() + mode.name.length);
      await using world = await LoaderWorld.start();
      const mapping = await prepare(world, mode);
      const { tables, transactions } = mode;
      const story = new EventStory({ tables, keysPerTable: Math.ceil(EVENTS / 25), transactions, random });
      await using pool = new LoaderPool({ world, mapping, flags: mode.flags, random });
      const perKill = Math.ceil(EVENTS / (mode.kills + 1));
      while (pool.kills < mode.kills) {
        if (story.records < EVENTS) await world.produce(story.next(perKill));
        await disturb(pool, world, mode, random);
      }
      await pool.fill(mode.instances);
      for (const exit of await pool.stop()) expect(exit).toEqual({ code: 0, signal: null });
      const rest = await world.loadOnce(mapping, mode.flags);
      expect({ code: rest.code, stderr: rest.code === 0 ? "" : rest.stderr }).toEqual({
        code: 0,
        stderr: "",
      });

      const effects = await effectsInLedger(world.ctldbUrl);
      expect(
        mode.flags.includes("--keep-repeats") ? wrongRows(story, effects) : wronglyFoldedRows(story, effects),
      ).toEqual([]);
      if (transactions) expect(tornTransactions(story, effects)).toEqual([]);
      for (const { table } of tables)
        expect(digestOfTable(world.ctldbPath, table)).toBe(digestOfStory(story, table));
      const again = await world.loadOnce(mapping, mode.flags);
      expect(again.code).toBe(0);
      expect(await effectsInLedger(world.ctldbUrl)).toEqual(effects);
    },
    TIMEOUT_MS,
  );
});
