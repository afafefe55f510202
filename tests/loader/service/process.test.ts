/** `ctlstore loader` as real processes on Node, against brokers that speak Kafka's protocol and a real Executive. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { unwrap } from "../../../client/index.ts";
import type { LoaderStatus } from "../../../loader/service/status/status.ts";
import { hasKafka } from "../../support/kafka/cluster.ts";
import { loaderCommand } from "../../support/loader/loader-command.ts";
import { LOADER_ENVIRONMENT, type LoaderProcess, LoaderWorld } from "../../support/loader/loader-world.ts";
import { runProcess } from "../../support/process.ts";
import { until } from "../../support/until.ts";

/** A group that notices soon that a member is gone. */
const SHORT_SESSION = [
  "--kafka-setting",
  "session.timeout.ms=1500",
  "--kafka-setting",
  "heartbeat.interval.ms=200",
];

let world: LoaderWorld;
let topics = 0;

interface Topic {
  readonly name: string;
  readonly mapping: string;
  /** Flags of loaders of this topic alone: their own writers and their own group. */
  readonly flags: readonly string[];
}

async function newTopic(partitions: number, more: object = {}): Promise<Topic> {
  topics += 1;
  const name = `orders${topics}`;
  const family = world.client.families({ family: "events" });
  await family.post();
  const fields: [string, string][] = [
    ["id", "integer"],
    ["what", "string"],
  ];
  unwrap(await family.tables({ table: name }).post({ fields, keyFields: ["id"] }));
  await world.kafka.createTopic(name, partitions);
  const mapping = world.mapping({
    version: 1,
    tables: [{ topic: name, family: "events", table: name, ...more }],
  });
  return { name, mapping, flags: ["--writer", `loader${topics}`] };
}

async function produce({ name }: Topic, partition: number, from: number, to: number): Promise<void> {
  const source = { db: "origin", table: name, snapshot: "false", ts_ms: 1 };
  await world.kafka.produce(
    Array.from({ length: to - from }, (_, i) => ({
      topic: name,
      partition,
      key: JSON.stringify({ id: from + i }),
      value: JSON.stringify({
        before: null,
        after: { id: from + i, what: `row ${from + i}` },
        op: "c",
        source,
      }),
    })),
  );
}

function ask<T>(sql: string): T[] {
  using db = new Database(world.ctldbPath, { readonly: true });
  return db.query(sql).all() as T[];
}

async function untilRows({ name }: Topic, count: number): Promise<void> {
  const rows = () => ask<{ n: number }>(`SELECT count(*) AS n FROM events___${name}`)[0]?.n;
  await until(() => rows() === count, { what: `${count} rows in ${name}`, deadlineMs: 30_000 });
}

/** How often each row was written. */
function writesOf({ name }: Topic): number {
  const statements = ask<{ statement: string }>("SELECT statement FROM ctlstore_dml_ledger");
  return statements.filter(({ statement }) => statement.startsWith(`REPLACE INTO events___${name} `)).length;
}

async function statusOf(loader: LoaderProcess): Promise<LoaderStatus> {
  return (await (await fetch(`${await loader.url()}/status`)).json()) as LoaderStatus;
}

async function run(...args: readonly string[]) {
  const env = { ...LOADER_ENVIRONMENT, CTLSTORE_LOG_LEVEL: "warn" };
  return runProcess(await loaderCommand(["loader", ...args]), { env });
}

describe.skipIf(!hasKafka)("ctlstore loader", () => {
  beforeAll(async () => {
    world = await LoaderWorld.start();
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  test("loads, answers, ends with 0 at SIGTERM, and goes on where it was", async () => {
    const topic = await newTopic(2);
    await produce(topic, 0, 0, 100);
    await using loader = await world.startLoader(topic.mapping, topic.flags);
    const url = await loader.url();
    await untilRows(topic, 100);
    await until(async () => (await fetch(`${url}/readyz`)).status === 200, { what: "ready" });
    await until(async () => (await statusOf(loader)).state === "current", { what: "current" });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await statusOf(loader)).toMatchObject({
      state: "current",
      lagEvents: 0,
      lanes: [{ name: topic.name, writer: `loader1:${topic.name}`, state: "loading", why: null }],
      totals: { records: 100, rows: 100 },
    });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const line of [
      'ctlstore_loader_state{state="current"} 1',
      `ctlstore_loader_position{topic="${topic.name}",partition="0"} 100`,
      `ctlstore_loader_lag_events{topic="${topic.name}",partition="1"} 0`,
      `ctlstore_loader_records_total{topic="${topic.name}"} 100`,
      "ctlstore_loader_rows_total 100",
    ])
      expect(metrics).toContain(`${line}\n`);
    loader.process.signal("SIGTERM");
    expect(await loader.process.exited).toEqual({ code: 0, signal: null });

    await produce(topic, 1, 100, 150);
    const once = await world.loadOnce(topic.mapping, topic.flags);
    expect(once.code).toBe(0);
    expect(once.stdout).toMatch(/^loaded up to the end: 50 records, 50 rows in \d+ batches in \d+\.\d s\n$/);
    const again = await world.loadOnce(topic.mapping, [...topic.flags, "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ records: 0, rows: 0, deadLetters: 0, lostEvents: 0 });
    expect(writesOf(topic)).toBe(150);
  }, 60_000);

  test("shares 8 partitions with another instance, and takes over what a killed one had (R30)", async () => {
    const topic = await newTopic(8, { lane: "partition" });
    const flags = [...topic.flags, ...SHORT_SESSION];
    await using survivor = await world.startLoader(topic.mapping, flags);
    const victim = await world.startLoader(topic.mapping, flags);
    const lanes = async () => [
      (await statusOf(survivor)).lanes.length,
      (await statusOf(victim)).lanes.length,
    ];
    await until(async () => (await lanes()).every((count) => count === 4), {
      what: "four each",
      deadlineMs: 30_000,
    });
    for (let p = 0; p < 8; p++) await produce(topic, p, p * 100, p * 100 + 50);
    await untilRows(topic, 400);
    await victim.process.kill();
    for (let p = 0; p < 8; p++) await produce(topic, p, p * 100 + 50, p * 100 + 100);
    await untilRows(topic, 800);
    expect(writesOf(topic)).toBe(800);
    expect((await statusOf(survivor)).lanes).toHaveLength(8);
  }, 60_000);

  test("goes on by itself when the broker was away, and says so meanwhile", async () => {
    const topic = await newTopic(2);
    await produce(topic, 0, 0, 10);
    await using loader = await world.startLoader(topic.mapping, [...topic.flags, ...SHORT_SESSION]);
    await untilRows(topic, 10);
    await world.kafka.stopBroker(1);
    await until(async () => (await statusOf(loader)).lastKafkaTrouble !== null, { what: "its word" });
    await world.kafka.startBroker(1);
    await produce(topic, 1, 10, 20);
    await untilRows(topic, 20);
    expect(writesOf(topic)).toBe(20);
  }, 60_000);

  test.each([
    ["stop", 1],
    ["continue", 0],
  ])(
    "finds out that Kafka deleted events while it was stopped: --lost-events %s",
    async (policy, code) => {
      const topic = await newTopic(1);
      await produce(topic, 0, 0, 5);
      await using loader = await world.startLoader(topic.mapping, [...topic.flags, "--lost-events", policy]);
      await untilRows(topic, 5);
      loader.process.signal("SIGSTOP");
      await produce(topic, 0, 5, 20);
      await world.kafka.deleteRecords(topic.name, 0, 15);
      loader.process.signal("SIGCONT");
      if (policy === "continue") {
        await untilRows(topic, 10);
        expect((await statusOf(loader)).totals.lostEvents).toBe(10);
        loader.process.signal("SIGTERM");
      }
      expect(await loader.process.exited).toEqual({ code, signal: null });
      if (policy === "stop") expect(loader.process.stderr).toContain("[events_lost]");
      expect(writesOf(topic)).toBe(policy === "stop" ? 5 : 10);
    },
    60_000,
  );

  test("ends with 1 at an event that cannot be loaded, and goes on after `loader seek`", async () => {
    const topic = await newTopic(1);
    await produce(topic, 0, 0, 3);
    await world.kafka.produce([{ topic: topic.name, partition: 0, key: null, value: "{ no json" }]);
    await produce(topic, 0, 3, 5);
    const stopped = await world.loadOnce(topic.mapping, topic.flags);
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain("[event_malformed]");
    expect(stopped.stderr).toContain(topic.name);

    const common = [...world.flags(topic.mapping), ...topic.flags];
    const offsets = await run("offsets", ...common);
    expect(offsets).toMatchObject({ code: 0, stderr: "" });
    expect(offsets.stdout).toContain(`${topic.name}  0          3     0    6     3    there`);
    const asked = await run("seek", topic.name, "0", "4", ...common);
    expect(asked).toMatchObject({ code: 1, stderr: "ctlstore: nothing was changed; add --yes to do it\n" });
    expect(asked.stdout).toContain("would move from 3 to 4 (Kafka has 0 to 6)");
    const moved = await run("seek", topic.name, "0", "4", "--yes", "--json", ...common);
    expect(JSON.parse(moved.stdout)).toMatchObject({ before: 3, after: 4, changed: true });
    expect(await world.loadOnce(topic.mapping, topic.flags)).toMatchObject({ code: 0 });
    await untilRows(topic, 5);
  }, 60_000);

  test("ends with 2 and names the flag when an option is wrong", async () => {
    const { mapping } = await newTopic(1);
    const given = world.flags(mapping);
    const cases: readonly (readonly [readonly string[], string])[] = [
      [["--kafka-setting", "enable.auto.commit=true"], 'Cannot set "enable.auto.commit" of Kafka'],
      [["--kafka-setting", "no.such.setting=1"], "no.such.setting"],
      [["--kafka-settings", "/nowhere/kafka.properties"], '"/nowhere/kafka.properties" for --kafka-settings'],
      [["--mapping", "/nowhere/mapping.json"], '"/nowhere/mapping.json" for --mapping'],
      [["--preserve-transactions"], "--preserve-transactions"],
      [["--writer", "a:b"], "--writer"],
    ];
    for (const [flags, text] of cases) {
      const { code, stderr } = await run(...given, ...flags);
      expect([flags, code]).toEqual([flags, 2]);
      expect(stderr).toContain(text);
    }
  }, 60_000);
});
