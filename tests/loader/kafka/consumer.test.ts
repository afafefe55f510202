/** The real Kafka client, on Node, against brokers that speak the protocol (tests/support/kafka). */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createKafka } from "../../../loader/kafka/client.ts";
import { freePort } from "../../support/free-port.ts";
import { hasKafka, type KafkaCluster, type ProducedRecord, startKafka } from "../../support/kafka/cluster.ts";
import { buildForNode, nodeProgram } from "../../support/kafka/node-program.ts";
import { runProcess, startProcess, type TestProcess } from "../../support/process.ts";
import { isDeep } from "../../support/suite.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";

setDefaultTimeout(60_000);

const PROGRAM = join(import.meta.dir, "consumer-program.ts");

type Said = Readonly<Record<string, unknown>> & { readonly what: string };

interface Program extends TestProcess {
  /** What it has said so far of one kind, the latest first. */
  heard(what: string): Said[];
  /** Waits for it. */
  says(what: string): Promise<Said>;
}

async function run(scenario: string, cluster: KafkaCluster, argument = ""): Promise<Program> {
  const path = await buildForNode(PROGRAM);
  const child = startProcess([nodeProgram(), path, scenario, cluster.brokers, argument]);
  const heard = (what: string) =>
    child.stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Said)
      .filter((said) => said.what === what)
      .reverse();
  return Object.assign(child, {
    heard,
    async says(what: string) {
      const said = await until(() => heard(what)[0] ?? (child.running ? null : "ended"), {
        what: `"${what}" from ${scenario}`,
        deadlineMs: 40_000,
      });
      if (said === "ended") throw new Error(`${scenario} ended first: ${child.stdout}${child.stderr}`);
      return said;
    },
  });
}

const partitionsOf = (said: Said | undefined) => (said?.["partitions"] ?? []) as readonly number[];

const MANY = 4_000;
const PER_PARTITION = MANY / 8;

const many = (count: number, topic = "many"): ProducedRecord[] =>
  Array.from({ length: count }, (_, at) => ({
    topic,
    partition: at % 8,
    key: `key ${at}`,
    value: `{"at":${at},"text":"${"x".repeat(300)}"}`,
  }));

const ODD: readonly ProducedRecord[] = [
  { topic: "odd", partition: 0, key: null, value: null, timestampMs: 1_700_000_000_123 },
  { topic: "odd", partition: 0, key: "", value: "", timestampMs: 1 },
  { topic: "odd", partition: 0, key: "k", value: new Uint8Array([0, 255, 128]), headers: { a: "1", ü: "" } },
  { topic: "odd", partition: 1, key: "big", value: "b".repeat(2 * 1024 * 1024) },
  { topic: "odd", partition: 1, key: "after", value: "x" },
];

const eachPartition = <T>(value: T) => Object.fromEntries(Array.from({ length: 8 }, (_, at) => [at, value]));

describe.skipIf(!hasKafka)("the Kafka client", () => {
  let cluster: KafkaCluster;

  beforeAll(async () => {
    cluster = await startKafka({ brokers: 3 });
    await cluster.createTopic("odd", 2);
    await cluster.createTopic("many", 8);
    await cluster.produce([...ODD, ...many(MANY)]);
  });
  afterAll(() => cluster.stop());

  test("hands records out as they lie in the log when they are null, empty, binary or 2 MiB large", async () => {
    await using program = await run("everything", cluster);
    await program.says("done");
    expect(program.heard("partitions")[0]).toMatchObject({ counts: { odd: 2, many: 8 } });
    expect(program.heard("watermarks")[0]).toMatchObject({ low: 0, high: 2 });
    const { records, ends } = await program.says("records");
    expect(ends).toEqual({ 0: 3, 1: 2 });
    const list = records as { partition: number; offset: number }[];
    expect(list.sort((a, b) => a.partition - b.partition || a.offset - b.offset)).toMatchObject([
      { offset: 0, key: null, value: null, headers: {}, timestampMs: 1_700_000_000_123 },
      { offset: 1, key: "", value: "", bytes: 0, timestampMs: 1 },
      { offset: 2, key: "k", value: "\u0000\u00ff\u0080", headers: { a: "1", ü: "" } },
      { offset: 0, key: "big", bytes: 2 * 1024 * 1024 },
      { offset: 1, key: "after", value: "x" },
    ]);
    expect(program.stderr).toBe("");
  });

  test("reads every partition in order to its end when several brokers have them", async () => {
    await using program = await run("throughput", cluster);
    const said = await program.says("read");
    expect(said).toMatchObject({ count: MANY, isInOrder: true, ends: eachPartition(PER_PARTITION) });
  });

  test("says which topic is missing when Kafka has none of that name", async () => {
    await using program = await run("unknown", cluster, "no.such.topic");
    const failed = await program.says("failed");
    expect(failed).toMatchObject({ code: "kafka_topic_unknown" });
    expect(failed["message"]).toContain("no.such.topic");
  });

  test("loses and repeats nothing when partitions are paused, resumed and begun anew (R30)", async () => {
    await using program = await run("steering", cluster);
    const paused = await program.says("paused");
    expect(paused["duringOfPaused"]).toBe(0);
    expect(paused["offsets"]).toEqual(eachPartition(`${PER_PARTITION - 10} 10..${PER_PARTITION - 1}`));
    const anew = await program.says("anew");
    expect(anew).toMatchObject({
      dropped: 0,
      offsets: eachPartition(`${PER_PARTITION - 2} 2..${PER_PARTITION - 1}`),
    });
  });

  test("reads partitions that were paused when it begins anew (R30)", async () => {
    await using program = await run("pausedAnew", cluster);
    expect((await program.says("anew"))["offsets"]).toEqual(
      eachPartition(`${PER_PARTITION} 0..${PER_PARTITION - 1}`),
    );
  });

  test("shares partitions among the members of a group, and gives all to the one that stays", async () => {
    await using one = await run("member", cluster);
    expect(await one.says("assigned")).toMatchObject({ partitions: [0, 1, 2, 3, 4, 5, 6, 7] });
    await using two = await run("member", cluster);
    const all = () => [one, two].flatMap((member) => partitionsOf(member.heard("assigned")[0]));
    await until(() => all().length === 8 && partitionsOf(two.heard("assigned")[0]).length === 4, {
      what: "each member has half",
    });
    expect(all().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(one.heard("revoked").map(({ lost }) => lost)).toContain(false);
    // It reads what it assigned itself, of its own and of nobody's partitions.
    await until(
      () => two.heard("read").find((said) => said["records"] === MANY / 2 + 3 && said["ofOthers"] === 3),
      {
        what: "the second member reads its half and the one that it took itself",
      },
    );
    two.signal("SIGUSR2");
    await two.says("closed");
    await until(() => partitionsOf(one.heard("assigned")[0]).length === 8, {
      what: "the first member has all again",
    });
  });

  test("writes dead letters when they have headers, nulls or megabytes", async () => {
    await cluster.createTopic("dead", 1);
    await using program = await run("producer", cluster, "dead");
    expect(await program.says("sent")).toMatchObject({ aborted: "Error: stopped" });
    expect(await cluster.watermarks("dead", 0)).toEqual({ low: 0, high: 3 });
  });

  test("keeps the password to itself when its settings are wrong", async () => {
    await using program = await run("settings", cluster);
    const failed = await program.says("failed");
    expect(failed).toMatchObject({ code: "config_invalid" });
    expect(JSON.stringify(failed)).not.toContain("s3cr3t-sasl");
    expect(failed["message"]).toContain("security.protocol");
  });
});

/** It tries for ten seconds before it says so. */
describe.skipIf(!hasKafka || !isDeep)("the Kafka client without a cluster", () => {
  test("says which brokers do not answer, and why", async () => {
    const path = await buildForNode(PROGRAM);
    const port = await freePort();
    const { stdout } = await runProcess([nodeProgram(), path, "throughput", `127.0.0.1:${port}`]);
    const failed = JSON.parse(stdout) as Said;
    expect(failed).toMatchObject({ what: "failed", code: "kafka_unavailable" });
    expect(failed["message"]).toContain(`reach Kafka at 127.0.0.1:${port}`);
    expect(failed["message"]).toContain("Connection refused");
  });

  test("says that it is denied, without the password, when it cannot log in", async () => {
    await using cluster = await startKafka();
    await using program = await run("login", cluster);
    const failed = await program.says("failed");
    expect(failed).toMatchObject({ code: "kafka_denied" });
    expect(failed["message"]).toContain("authentication failure");
    expect(JSON.stringify(failed)).not.toContain("s3cr3t-sasl");
  });
});

describe("the Kafka client where it cannot be", () => {
  test("says that it needs Node when it is asked for on Bun", async () => {
    const consumer = createKafka({ brokers: "127.0.0.1:1", group: "g", settings: {} }).consumer();
    expect(await consumer.partitionsOf(["t"]).catch((error: unknown) => error)).toMatchObject({
      code: "config_invalid",
      message: "Cannot use Kafka on Bun: its client runs on Node only",
    });
    await consumer.close();
  });

  test("says how to get it when its package is not installed", async () => {
    using folder = tempFolder("no-packages");
    const program = folder.file("program.mjs");
    cpSync(await buildForNode(PROGRAM), program);
    const { stdout } = await runProcess([nodeProgram(), program, "throughput", "127.0.0.1:1"]);
    const failed = JSON.parse(stdout) as Said;
    expect(failed).toMatchObject({ what: "failed", code: "config_invalid" });
    expect(failed["message"]).toStartWith("Cannot load the Kafka client: Cannot find module");
    expect(failed["hint"]).toContain("npm rebuild");
  });
});

describe.skipIf(!hasKafka)("the Kafka client of a cluster in trouble", () => {
  test("says that events are lost when retention removed the next one (R30)", async () => {
    await using cluster = await startKafka();
    await cluster.createTopic("many", 8);
    await cluster.produce(many(MANY));
    await using program = await run("lost", cluster, "10");
    await program.says("paused");
    await cluster.deleteRecords("many", 0, 50);
    program.signal("SIGUSR2");
    const failed = await program.says("failed");
    expect(failed["code"]).toBe("events_lost");
    expect(failed["message"]).toBe(
      "Cannot read many [0] at offset 10: the oldest event that is kept is at 50",
    );
  });

  test("says that events are lost when the topic ends before the next one", async () => {
    await using cluster = await startKafka();
    await cluster.createTopic("many", 8);
    await cluster.produce(many(MANY));
    await using program = await run("beyond", cluster, String(PER_PARTITION + 1));
    const failed = await program.says("failed");
    expect(failed["code"]).toBe("events_lost");
    expect(failed["message"]).toContain(`offset ${PER_PARTITION + 1}: it ends at ${PER_PARTITION}`);
  });

  test("goes on where it was when brokers went away and came back (R30)", async () => {
    await using cluster = await startKafka({ brokers: 2 });
    await cluster.createTopic("many", 8);
    await cluster.produce(many(MANY));
    await using program = await run("outage", cluster);
    await program.says("read");
    for (const broker of [1, 2]) await cluster.stopBroker(broker);
    expect((await program.says("trouble"))["troubles"]).not.toEqual([]);
    for (const broker of [1, 2]) await cluster.startBroker(broker);
    await cluster.produce(many(80));
    expect((await program.says("again"))["offsets"]).toEqual(
      eachPartition(`10 ${PER_PARTITION}..${PER_PARTITION + 9}`),
    );
  });

  test("goes on where it was when partitions move to another broker (R30)", async () => {
    await using cluster = await startKafka({ brokers: 3 });
    await cluster.createTopic("many", 8);
    await cluster.produce(many(MANY));
    await using program = await run("moving", cluster);
    expect(await program.says("read")).toMatchObject({ count: MANY });
    for (let partition = 0; partition < 8; partition += 1) {
      await cluster.setLeader("many", partition, 1 + (partition % 2));
    }
    await cluster.produce(many(80));
    expect((await program.says("again"))["offsets"]).toEqual(
      eachPartition(`10 ${PER_PARTITION}..${PER_PARTITION + 9}`),
    );
  });
});
