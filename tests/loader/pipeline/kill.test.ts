/**
 * Loaders as processes that are killed at any moment, frozen and replaced, while the Executive dies now and then: each
 * event takes effect once, in the order of its row, and what was one transaction stays one (R30, R31).
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
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

const EVENTS = runsOf({ quick: 2_500, deep: 50_000 });
const TIMEOUT_MS = timeoutMsOf({ quick: 120_000, deep: 1_800_000 });

interface Mode {
  readonly name: string;
  readonly tables: readonly StoryTable[];
  readonly lane: "topic" | "partition";
  readonly instances: number;
  readonly kills: number;
  readonly transactions: boolean;
  /** Some records cannot be loaded. */
  readonly withBad?: boolean;
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
    kills: runsOf({ quick: 3, deep: 80 }),
    transactions: false,
    flags: ["--keep-repeats"],
  },
  {
    name: "a lane for each of 8 partitions, two instances, repeats folded, dead letters",
    tables: [{ table: "plain", form: "envelope", partitions: 8 }],
    lane: "partition",
    instances: 2,
    kills: runsOf({ quick: 3, deep: 80 }),
    transactions: false,
    withBad: true,
    flags: [],
  },
  {
    name: "a lane for each of 64 partitions, three instances",
    tables: [{ table: "plain", form: "envelope", partitions: 64 }],
    lane: "partition",
    instances: 3,
    kills: runsOf({ quick: 1, deep: 30 }),
    transactions: false,
    flags: ["--keep-repeats"],
  },
  {
    name: "whole transactions in one lane",
    tables: [
      { table: "plain", form: "envelope", partitions: 5 },
      { table: "more", form: "envelope", partitions: 3 },
    ],
    lane: "topic",
    instances: 1,
    kills: runsOf({ quick: 3, deep: 80 }),
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
  if (random() < 0.5) await grown(world.ctldbUrl, 1 + Math.floor(random() * 100), 2_000);
  else await new Promise((resolve) => setTimeout(resolve, random() * 800));
  const dice = random();
  if (dice < 0.15) {
    pool.freezeOne();
    await pool.fill(mode.instances);
    await grown(world.ctldbUrl, 1, 3_000);
    pool.thaw();
  } else if (dice < 0.3) {
    await world.executive.kill();
    await world.executive.start();
  } else if (dice < 0.45) await pool.killAll();
  await pool.killOne();
}

/** Of the rows whose records were put aside, which a kill may have brought twice. */
function keysIn(letters: string): ReadonlySet<unknown> {
  const lines = readFileSync(letters, "utf8")
    .split("\n")
    .filter((line) => line.endsWith("}"));
  return new Set(lines.map((line) => JSON.parse(JSON.parse(line).keyText).id));
}

/** How far the cookies are from the ends of their partitions. */
async function lagsOf(world: LoaderWorld, mapping: string, mode: Mode): Promise<ReadonlySet<unknown>> {
  const flags = mode.transactions ? ["--preserve-transactions"] : [];
  const { stdout, stderr } = await world.run(
    "loader",
    "offsets",
    "--json",
    ...world.flags(mapping),
    ...flags,
  );
  if (stdout === "") throw new Error(stderr);
  const report = JSON.parse(stdout) as { lanes: { partitions: { lag: unknown }[] }[] };
  return new Set(report.lanes.flatMap(({ partitions }) => partitions.map(({ lag }) => lag)));
}

describe.skipIf(!hasKafka)("R30 R31", () => {
  test.each([...MODES])(
    "each event takes effect once when loaders are killed: $name",
    async (mode) => {
      const random = seededRandom(suiteSeed() + mode.name.length);
      await using world = await LoaderWorld.start();
      const mapping = await prepare(world, mode);
      const { tables, transactions, withBad = false } = mode;
      const letters = world.folder.file("dead-letters");
      const flags = withBad ? [...mode.flags, "--dead-letter", `file:${letters}`] : mode.flags;
      const story = new EventStory({
        tables,
        keysPerTable: Math.ceil(EVENTS / 25),
        transactions,
        withBad,
        random,
      });
      await using pool = new LoaderPool({ world, mapping, flags, random });
      const perKill = Math.ceil(EVENTS / (mode.kills + 1));
      while (pool.kills < mode.kills) {
        if (story.records < EVENTS) await world.produce(story.next(perKill));
        await disturb(pool, world, mode, random);
      }
      await pool.fill(mode.instances);
      for (const exit of await pool.stop()) expect(exit).toEqual({ code: 0, signal: null });
      const rest = await world.loadOnce(mapping, flags);
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
      if (withBad)
        expect(keysIn(letters)).toEqual(new Set(Array.from({ length: story.bad }, (_, i) => `bad ${i + 1}`)));
      expect(await lagsOf(world, mapping, mode)).toEqual(new Set([0]));
      const again = await world.loadOnce(mapping, flags);
      expect(again.code).toBe(0);
      expect(await effectsInLedger(world.ctldbUrl)).toEqual(effects);
    },
    TIMEOUT_MS,
  );

  test("two loaders of one name that share no group take the lanes from each other: each event takes effect once", async () => {
    const random = seededRandom(suiteSeed());
    await using world = await LoaderWorld.start();
    const [mode] = MODES;
    if (mode === undefined) throw new Error("there is no mode");
    const mapping = await prepare(world, mode);
    const story = new EventStory({ tables: mode.tables, keysPerTable: 100, transactions: false, random });
    await world.produce(story.next(500));
    await using one = await world.startLoader(mapping, ["--keep-repeats", "--group", "one"]);
    await using other = await world.startLoader(mapping, ["--keep-repeats", "--group", "other"]);
    await Promise.all([one.url(), other.url()]);
    const areBoth = () => one.process.running && other.process.running;
    // As long as each wins now and then, they go on; who has lost too often in a row ends.
    for (let round = 0; areBoth() && round < runsOf({ quick: 10, deep: 100 }); round++) {
      await world.produce(story.next(50));
      await grown(world.ctldbUrl, 50, 300);
    }
    for (const { process } of [one, other]) {
      if (process.running) process.signal("SIGTERM");
      const { code } = await process.exited;
      if (code !== 0)
        expect({ code, stderr: process.stderr }).toEqual({
          code: 1,
          stderr: expect.stringContaining("loader_fenced"),
        });
    }
    expect(one.process.stderr + other.process.stderr).toContain("another loader moved the cookie");
    expect((await world.loadOnce(mapping, ["--keep-repeats"])).code).toBe(0);
    expect(wrongRows(story, await effectsInLedger(world.ctldbUrl))).toEqual([]);
  }, 60_000);

  test("events that took effect twice are found: a loader of another name loads them again", async () => {
    const random = seededRandom(suiteSeed());
    await using world = await LoaderWorld.start();
    const [mode] = MODES;
    if (mode === undefined) throw new Error("there is no mode");
    const mapping = await prepare(world, mode);
    const story = new EventStory({ tables: mode.tables, keysPerTable: 20, transactions: false, random });
    await world.produce(story.next(200));
    expect((await world.loadOnce(mapping, ["--keep-repeats"])).code).toBe(0);
    expect(wrongRows(story, await effectsInLedger(world.ctldbUrl))).toEqual([]);
    expect((await world.loadOnce(mapping, ["--keep-repeats", "--writer", "another"])).code).toBe(0);
    const effects = await effectsInLedger(world.ctldbUrl);
    expect(wrongRows(story, effects)).not.toEqual([]);
    expect(wronglyFoldedRows(story, effects)).not.toEqual([]);
  }, 60_000);
});
