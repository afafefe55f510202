/** The set of lanes with lanes that a test moves by hand: what the consumer is told, and when. */
import { describe, expect, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import { LOADER_LIMITS } from "../../../core/limits.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import type { KafkaRecord, Position, TopicPartition, Watermarks } from "../../../loader/kafka/consumer.ts";
import type { LanePlan, LaneStatus } from "../../../loader/lanes/lane-contract.ts";
import { Gate } from "../../../loader/service/gate.ts";
import { LanePlacer } from "../../../loader/service/lanes/lane-placer.ts";
import { LaneSet, type LaneSetOptions } from "../../../loader/service/lanes/lane-set.ts";
import type { ServedLane } from "../../../loader/service/lanes/served-lane.ts";
import { Patience } from "../../../loader/service/patience.ts";
import { until } from "../../support/until.ts";
import { FakeConsumer, FakeKafka } from "./fake-kafka.ts";

class HandLane implements ServedLane {
  readonly offered: number[] = [];
  fullness = 0;
  ahead: readonly TopicPartition[] = [];
  isCaughtUp = false;
  applied: Position[];
  end: (error?: unknown) => void = () => {};
  readonly #plan: LanePlan;

  constructor(plan: LanePlan, next: number) {
    this.#plan = plan;
    this.applied = plan.partitions.map((partition) => ({ ...partition, next }));
  }
  async open(): Promise<readonly Position[]> {
    return this.applied;
  }
  begin(): void {}
  offer(records: readonly KafkaRecord[]): void {
    this.offered.push(...records.map(({ offset }) => offset));
  }
  reachedEnd(): void {}
  measured(): void {}
  run(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.end = (error) => (error === undefined ? resolve() : reject(error));
      signal.addEventListener("abort", () => resolve());
    });
  }
  appliedPositions(): readonly Position[] {
    return this.applied;
  }
  status(): LaneStatus {
    const { name, writer } = this.#plan;
    const counts = { records: 0, rows: 0, batches: 0, retries: 0, deadLetters: 0 };
    const nothing = { why: null, untilMs: null, partitions: [], waiting: 0, held: 0 };
    return { name, writer, state: "loading", counts, ...nothing };
  }
}

/** What the consumer was told. */
class ToldConsumer extends FakeConsumer {
  readonly told: string[] = [];
  /** Topics whose brokers are away. */
  readonly away = new Set<string>();
  override async watermarks(partition: TopicPartition): Promise<Watermarks> {
    if (this.away.has(partition.topic)) throw new CtlstoreError("kafka_unavailable", "Cannot reach it");
    return super.watermarks(partition);
  }
  override assign(positions: readonly Position[]): void {
    this.told.push(
      `assign ${positions.map(({ topic, partition, next }) => `${topic}${partition}@${next}`).join(" ")}`,
    );
    super.assign(positions);
  }
  override pause(partitions: readonly TopicPartition[]): void {
    this.told.push(`pause ${partitions.map(({ topic, partition }) => topic + partition).join(" ")}`);
  }
  override resume(partitions: readonly TopicPartition[]): void {
    this.told.push(`resume ${partitions.map(({ topic, partition }) => topic + partition).join(" ")}`);
  }
}

function planOf(topic: string, partitions = 1): LanePlan {
  const list = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  const [anchor = { topic, partition: 0 }] = list;
  return { name: topic, writer: `loader:${topic}`, partitions: list, anchor, snapshotTables: [] };
}

function setUp(next = 0, options: LaneSetOptions = { once: null }) {
  const kafka = new FakeKafka();
  for (const topic of ["a", "b"]) {
    kafka.createTopic(topic, 2);
    kafka.produce(
      topic,
      0,
      Array.from({ length: 10 }, () => ({ value: "x" })),
    );
  }
  const consumer = new ToldConsumer(kafka, "told");
  const lanes: HandLane[] = [];
  const sleep = () => systemClock.sleep(1);
  const deps = { clock: { ...systemClock, sleep }, random: () => 0, logger: silentLogger };
  const patience = new Patience(deps, { backoffMs: { base: 1, max: 1 }, limitMs: null });
  const placer = new LanePlacer({ consumer, patience, logger: silentLogger, onLost: () => {} }, "stop");
  const makeLane = (plan: LanePlan) => {
    const lane = new HandLane(plan, next);
    lanes.push(lane);
    return lane;
  };
  const set = new LaneSet({ ...deps, makeLane, placer, patience, gate: new Gate(4) }, options);
  const untilRunning = (count: number) =>
    until(() => set.lives.filter(({ state }) => state === "running").length === count, {
      what: `${count} lanes`,
    });
  return { kafka, consumer, lanes, set, untilRunning };
}

async function fetchInto({ consumer, set }: { consumer: FakeConsumer; set: LaneSet }): Promise<void> {
  set.handOn(await consumer.fetch(0));
}

describe("LaneSet", () => {
  test("hands nothing to a lane that was fetched before its place was told (R30)", async () => {
    const all = setUp(2);
    all.set.own([planOf("a")]);
    await all.untilRunning(1);
    all.set.applyTo(all.consumer);
    const early = await all.consumer.fetch(0);
    all.set.reopenAll();
    await until(() => all.lanes.length === 2 && all.set.lives[0]?.state === "running", {
      what: "the new lane",
    });
    // Fetched for the lane before: of its place in the log, not of the new one's.
    all.set.handOn({ records: early.records.slice(4), ends: [] });
    expect(all.lanes[1]?.offered).toEqual([]);
    all.set.applyTo(all.consumer);
    await fetchInto(all);
    expect(all.lanes[1]?.offered).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("keeps the places of the other lanes when one begins anew", async () => {
    const all = setUp();
    all.set.own([planOf("a"), planOf("b")]);
    await all.untilRunning(2);
    all.set.applyTo(all.consumer);
    await fetchInto(all);
    all.lanes[0]?.end(new CtlstoreError("cookie_conflict", "moved"));
    await until(() => all.lanes.length === 3, { what: "the new lane" });
    await all.untilRunning(2);
    all.set.applyTo(all.consumer);
    expect(all.consumer.told.at(-1)).toBe("assign b0@10 a0@0");
  });

  test("begins a lane anew when its partitions have become more, and ends one that it is not to have", async () => {
    const all = setUp();
    all.set.own([planOf("a"), planOf("b")]);
    await all.untilRunning(2);
    all.set.own([planOf("a", 2)]);
    await all.untilRunning(1);
    expect(all.lanes).toHaveLength(3);
    all.set.applyTo(all.consumer);
    expect(all.consumer.told).toEqual(["assign a0@0 a1@0"]);
  });

  test("begins the lanes whose brokers are there while many wait for others that are not", async () => {
    const all = setUp();
    const topics = Array.from({ length: 3 * LOADER_LIMITS.watermarksAtOnce }, (_, n) => `away${n}`);
    for (const topic of topics) {
      all.kafka.createTopic(topic, 1);
      all.consumer.away.add(topic);
    }
    all.set.own([...topics, "a"].map((topic) => planOf(topic)));
    await all.untilRunning(1);
    expect(all.set.lives.find(({ state }) => state === "running")?.plan.name).toBe("a");
    all.consumer.away.clear();
    await all.untilRunning(topics.length + 1);
  });

  test("fails with what a lane fails with", async () => {
    const all = setUp();
    all.set.own([planOf("a")]);
    await all.untilRunning(1);
    const poison = new CtlstoreError("event_refused", "no");
    all.lanes[0]?.end(poison);
    await expect(all.set.failed).rejects.toBe(poison);
  });
});

describe("LaneSet with full lanes", () => {
  test("waits for a while when all are full, and pauses them when that takes too long", async () => {
    const all = setUp();
    all.set.own([planOf("a")]);
    await all.untilRunning(1);
    all.set.applyTo(all.consumer);
    const [lane] = all.lanes;
    if (lane === undefined) throw new Error("no lane");
    lane.fullness = 1;
    expect(all.set.balance(all.consumer, false)).toBe(false);
    expect(all.consumer.told.slice(1)).toEqual([]);
    expect(all.set.balance(all.consumer, true)).toBe(false);
    lane.fullness = 0.7;
    all.set.balance(all.consumer, false);
    lane.fullness = 0.4;
    expect(all.set.balance(all.consumer, false)).toBe(true);
    expect(all.consumer.told.slice(1)).toEqual(["pause a0", "resume a0"]);
  });

  test("pauses one that is several times full while another has room, and partitions that are ahead of their lane's", async () => {
    const all = setUp();
    all.set.own([planOf("a"), planOf("b", 2)]);
    await all.untilRunning(2);
    all.set.applyTo(all.consumer);
    const [first, second] = all.lanes;
    if (first === undefined || second === undefined) throw new Error("no lanes");
    first.fullness = 2;
    expect(all.set.balance(all.consumer, false)).toBe(true);
    first.fullness = 3;
    second.ahead = [{ topic: "b", partition: 1 }];
    expect(all.set.balance(all.consumer, false)).toBe(true);
    first.fullness = 0;
    second.ahead = [];
    all.set.balance(all.consumer, false);
    expect(all.consumer.told.slice(1)).toEqual(["pause a0 b1", "resume a0 b1"]);
  });

  test("pauses every full lane when many are, however little each is beyond that: memory is shared (I13)", async () => {
    const all = setUp();
    const topics = Array.from({ length: LOADER_LIMITS.fullLanes }, (_, n) => `many${n}`);
    for (const topic of topics) all.kafka.createTopic(topic, 1);
    all.set.own([planOf("a"), ...topics.map((topic) => planOf(topic))]);
    await all.untilRunning(topics.length + 1);
    all.set.applyTo(all.consumer);
    const [idle, ...busy] = all.lanes;
    for (const lane of busy.slice(1)) lane.fullness = 1;
    expect(all.set.balance(all.consumer, false)).toBe(true);
    expect(all.consumer.told.slice(1)).toEqual([]);
    for (const lane of busy) lane.fullness = 1.1;
    expect(all.set.balance(all.consumer, false)).toBe(true);
    expect(all.consumer.told.slice(1)).toEqual([`pause ${topics.map((topic) => `${topic}0`).join(" ")}`]);
    expect(idle?.fullness).toBe(0);
  });
});

describe("LaneSet of lanes that have caught up", () => {
  test("knows it by the ends that there were at first, also when there is always more", async () => {
    const all = setUp();
    all.set.own([planOf("a")]);
    await all.untilRunning(1);
    all.set.applyTo(all.consumer);
    const [lane] = all.lanes;
    if (lane === undefined) throw new Error("no lane");
    lane.applied = [{ topic: "a", partition: 0, next: 9 }];
    expect(all.set.haveCaughtUpOnce).toBe(false);
    all.kafka.produce("a", 0, [{ value: "x" }]);
    lane.applied = [{ topic: "a", partition: 0, next: 10 }];
    expect(all.set.haveCaughtUpOnce).toBe(true);
    // And stays so, whatever comes.
    lane.applied = [{ topic: "a", partition: 0, next: 5 }];
    expect(all.set.haveCaughtUpOnce).toBe(true);
  });
});

describe("LaneSet in a run that ends by itself", () => {
  test("is done when its lanes have caught up", async () => {
    const all = setUp(0, { once: "to-ends" });
    all.set.own([planOf("a")]);
    expect(all.set.areDone).toBe(false);
    await all.untilRunning(1);
    expect(all.set.areDone).toBe(false);
    const [lane] = all.lanes;
    if (lane !== undefined) lane.isCaughtUp = true;
    expect(all.set.areDone).toBe(true);
  });

  test("past the ends is done when the cookies are, however much comes meanwhile", async () => {
    const all = setUp(0, { once: "past-ends" });
    all.set.own([planOf("a")]);
    await all.untilRunning(1);
    all.set.applyTo(all.consumer);
    const [lane] = all.lanes;
    if (lane === undefined) throw new Error("no lane");
    lane.applied = [{ topic: "a", partition: 0, next: 9 }];
    expect(all.set.areDone).toBe(false);
    all.kafka.produce("a", 0, [{ value: "x" }]);
    lane.applied = [{ topic: "a", partition: 0, next: 10 }];
    expect(all.set.areDone).toBe(true);
  });
});
