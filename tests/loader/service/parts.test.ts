/** The small parts of the service, each by itself. */
import { describe, expect, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import { LOADER_LIMITS } from "../../../core/limits.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { createMetrics } from "../../../core/process/metrics.ts";
import { turnOfEventLoop } from "../../../core/process/turn.ts";
import type { KafkaRecord, Position } from "../../../loader/kafka/consumer.ts";
import { Commits } from "../../../loader/service/commits.ts";
import { Gate } from "../../../loader/service/gate.ts";
import { Conflicts } from "../../../loader/service/lanes/conflicts.ts";
import { type Route, Routes } from "../../../loader/service/lanes/routes.ts";
import { eventsLost, placementOf } from "../../../loader/service/lanes/start-positions.ts";
import { Patience } from "../../../loader/service/patience.ts";
import { PartitionLag } from "../../../loader/service/status/lag.ts";
import { createLoaderMeter } from "../../../loader/service/status/metrics.ts";
import type { LoaderLaneStatus, LoaderStatus } from "../../../loader/service/status/status.ts";
import { Troubles } from "../../../loader/service/troubles.ts";

class Sink {
  readonly fullness = 0;
  readonly ahead = [];
  readonly offsets: number[] = [];
  readonly ends: number[] = [];
  offer(records: readonly KafkaRecord[]): void {
    this.offsets.push(...records.map(({ offset }) => offset));
  }
  reachedEnd({ next }: Position): void {
    this.ends.push(next);
  }
}

function record(offset: number, partition = 0): KafkaRecord {
  return {
    topic: "t",
    partition,
    offset,
    key: null,
    value: null,
    headers: new Map(),
    timestampMs: offset * 1_000,
  };
}

function routeTo(sink: Sink, next: number, target: number | null = null, partition = 0): Route {
  return {
    partition: { topic: "t", partition },
    sink,
    lag: new PartitionLag(),
    target,
    next,
    isComplete: false,
  };
}

describe("Routes", () => {
  test("hands on each record once, from the position on", () => {
    const sink = new Sink();
    const routes = new Routes();
    routes.add(routeTo(sink, 5));
    const records = [3, 4, 5, 6, 6, 9].map((offset) => record(offset));
    expect(routes.handOn({ records, ends: [{ topic: "t", partition: 0, next: 10 }] })).toBe(3);
    routes.handOn({ records: [record(6), record(9), record(10)], ends: [] });
    expect(sink.offsets).toEqual([5, 6, 9, 10]);
    expect(sink.ends).toEqual([10]);
    expect(routes.positions).toEqual([{ topic: "t", partition: 0, next: 11 }]);
  });

  test("drops what is of no lane, and of one that has ended", () => {
    const sink = new Sink();
    const routes = new Routes();
    routes.add(routeTo(sink, 0));
    expect(routes.handOn({ records: [record(0, 1)], ends: [{ topic: "u", partition: 0, next: 4 }] })).toBe(0);
    routes.removeSink(sink);
    expect(routes.handOn({ records: [record(0)], ends: [] })).toBe(0);
    expect(sink.offsets).toEqual([]);
  });

  test("stops at the target when a record behind it comes, with the target as the end", () => {
    const sink = new Sink();
    const routes = new Routes();
    routes.add(routeTo(sink, 0, 3));
    routes.handOn({ records: [record(0), record(1), record(5)], ends: [] });
    routes.handOn({ records: [record(6)], ends: [{ topic: "t", partition: 0, next: 7 }] });
    expect([sink.offsets, sink.ends]).toEqual([[0, 1], [3]]);
  });

  test("stops at the target when the partition ends there, or has nothing", () => {
    const [sink, empty] = [new Sink(), new Sink()];
    const routes = new Routes();
    routes.add(routeTo(sink, 0, 2));
    routes.add(routeTo(empty, 4, 4, 1));
    routes.handOn({ records: [record(0)], ends: [{ topic: "t", partition: 0, next: 2 }] });
    expect([sink.offsets, sink.ends, empty.ends]).toEqual([[0], [2], [4]]);
    expect(routes.all.every(({ isComplete }) => isComplete)).toBe(true);
  });
});

describe("placementOf", () => {
  test.each([
    [-1, { kind: "beginning", next: 10 }],
    [9, { kind: "deleted", next: 10, events: 1 }],
    [10, { kind: "there", next: 10 }],
    [20, { kind: "there", next: 20 }],
    [21, { kind: "ahead", next: 20, events: 1 }],
  ] as const)("says of position %d in a log of 10 to 20 where to read", (next, placement) => {
    expect(placementOf({ topic: "t", partition: 0, next }, { low: 10, high: 20 })).toEqual(placement);
  });

  test("of an empty log says that nothing is kept", () => {
    const position = { topic: "t", partition: 3, next: 7 };
    const watermarks = { low: 9, high: 9 };
    const error = eventsLost(position, watermarks, { kind: "deleted", next: 9, events: 2 });
    expect(error.message).toBe(
      "Cannot go on in topic t, partition 3: the next event is 7, and Kafka has deleted it; nothing is kept",
    );
  });
});

describe("PartitionLag", () => {
  test("is not known before the end is, and nothing at the end", () => {
    const lag = new PartitionLag();
    expect(lag.at(0, 1_000)).toEqual({ events: null, seconds: null });
    lag.measured(0);
    expect(lag.at(0, 1_000)).toEqual({ events: 0, seconds: 0 });
  });

  test("counts events, and the age of the oldest that waits", () => {
    const lag = new PartitionLag();
    for (let offset = 0; offset < 10; offset++) lag.read(offset, offset * 1_000);
    lag.measured(15);
    expect(lag.at(4, 20_000)).toEqual({ events: 11, seconds: 16 });
    expect(lag.at(9, 20_000)).toEqual({ events: 6, seconds: 11 });
    // Nothing of what waits has been read: it is younger than the last that was.
    expect(lag.at(10, 20_000)).toEqual({ events: 5, seconds: 11 });
    expect(lag.at(15, 20_000)).toEqual({ events: 0, seconds: 0 });
  });

  test("is never younger than what waits, and little older, however much was read at once", () => {
    const lag = new PartitionLag();
    for (let offset = 0; offset < 100_000; offset++) lag.read(offset, offset);
    for (const applied of [1, 777, 50_000, 99_999]) {
      const { seconds } = lag.at(applied, 100_000);
      const exact = (100_000 - applied) / 1_000;
      expect(seconds).toBeGreaterThanOrEqual(exact);
      expect(seconds).toBeLessThan(exact + 2);
    }
  });
});

describe("Patience", () => {
  const away = new CtlstoreError("kafka_unavailable", "Cannot reach any broker");
  const deps = {
    clock: { ...systemClock, sleep: () => turnOfEventLoop() },
    random: () => 0.5,
    logger: silentLogger,
  };
  const backoffMs = { base: 10, max: 10 };
  const never = new AbortController().signal;

  test("tries again while it fails with what passes, and shows what it waits for", async () => {
    const patience = new Patience(deps, { backoffMs, limitMs: null });
    let attempts = 0;
    const result = await patience.untilDone("do it", never, async () => {
      attempts += 1;
      if (attempts > 1) expect(patience.waiting).toMatchObject([{ what: "do it", reason: away.message }]);
      if (attempts < 5) throw away;
      return "done";
    });
    expect([result, attempts, patience.waiting]).toEqual(["done", 5, []]);
  });

  test("gives up on what does not pass, and at its limit", async () => {
    const fails = (error: unknown, limitMs: number | null) =>
      new Patience(deps, { backoffMs, limitMs }).untilDone("do it", never, () => Promise.reject(error));
    const denied = new CtlstoreError("kafka_denied", "no");
    await expect(fails(denied, null)).rejects.toBe(denied);
    await expect(fails(away, 5)).rejects.toBe(away);
  });

  test("waits an hour at most, whatever it was told: timers end at once beyond 24 days", async () => {
    const waits: number[] = [];
    const clock = { ...systemClock, sleep: async (ms: number) => void waits.push(ms) };
    const patience = new Patience({ ...deps, clock }, { backoffMs, limitMs: null });
    const limited = new CtlstoreError("rate_limited", "not now", { retryAfterSeconds: 10 ** 9 });
    let attempts = 0;
    await patience.untilDone("do it", never, async () => {
      attempts += 1;
      if (attempts === 1) throw limited;
    });
    expect(waits).toEqual([3_600_000]);
  });

  test("shows a thing once that many wait for", async () => {
    const patience = new Patience(deps, { backoffMs, limitMs: null });
    let isAway = true;
    const attempt = async () => {
      if (isAway) throw away;
    };
    const all = Promise.all([1, 2, 3].map(() => patience.untilDone("do it", never, attempt)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(patience.waiting).toHaveLength(1);
    isAway = false;
    await all;
    expect(patience.waiting).toEqual([]);
  });
});

describe("Commits", () => {
  test("tell what has moved, and everything once in a while", () => {
    const told: number[][] = [];
    const commits = new Commits({ commit: (positions) => told.push(positions.map(({ next }) => next)) });
    const at = (...nexts: number[]) => [
      { applied: nexts.map((next, partition) => ({ topic: "t", partition, next })) },
    ];
    commits.tell(at(1, 2, 3));
    commits.tell(at(1, 2, 3));
    commits.tell(at(1, 5, 3));
    expect(told).toEqual([[1, 2, 3], [5]]);
    for (let times = 3; times <= LOADER_LIMITS.commitsPerWhole; times++) commits.tell(at(1, 5, 3));
    expect(told).toEqual([[1, 2, 3], [5], [1, 5, 3]]);
  });
});

describe("Gate", () => {
  test("lets so many in at once, and the next one when one has ended, also badly", async () => {
    const gate = new Gate(2);
    let inside = 0;
    let most = 0;
    const task = async (i: number) => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      if (i % 2 === 0) throw new Error("ended badly");
      return i;
    };
    const outcomes = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((i) => gate.run(() => task(i))));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    expect(most).toBe(2);
  });
});

describe("Troubles", () => {
  test("counts every one, and logs the same one once a minute (R47)", () => {
    let nowMs = 0;
    const logged: unknown[] = [];
    let count = 0;
    const troubles = new Troubles({
      logger: {
        ...silentLogger,
        warn: ((fields: unknown) => void logged.push(fields)) as typeof silentLogger.warn,
      },
      clock: { ...systemClock, monotonicMs: () => nowMs },
      onTrouble: () => {
        count += 1;
      },
    });
    for (; nowMs < 120_000; nowMs += 1_000) troubles.note(["broker 1 is away"]);
    expect(count).toBe(120);
    expect(logged).toHaveLength(2);
  });
});

describe("conflicts about a lane", () => {
  const { inARow, inWindow, windowMs } = LOADER_LIMITS.conflicts;
  const after = (count: number, everyMs: number, hasWon: boolean) => {
    const conflicts = new Conflicts();
    for (let i = 0; i < count; i++) conflicts.add(i * everyMs, hasWon);
    return conflicts.areTooMany;
  };

  test("are too many in a row without a batch of one's own, at whatever distance", () => {
    expect([after(inARow - 1, 1, false), after(inARow, 1, false)]).toEqual([false, true]);
    expect(after(inARow, windowMs, false)).toBe(true);
  });

  test("R30 are too many within a while, also when each was followed by a batch: two loaders would win by turns for ever", () => {
    expect([after(inWindow - 1, 1, true), after(inWindow, 1, true)]).toEqual([false, true]);
  });

  test("are borne when they are rare: handovers of a fleet that restarts now and then", () => {
    expect(after(10 * inWindow, windowMs / (inWindow - 1), true)).toBe(false);
  });
});

describe("the loader's gauges", () => {
  const laneWith = (openSnapshots: LoaderLaneStatus["openSnapshots"]): LoaderLaneStatus => ({
    name: "orders",
    writer: "loader:orders",
    state: "loading",
    why: null,
    untilMs: null,
    counts: null,
    waitingRecords: 0,
    heldRecords: 0,
    openSnapshots,
    tableWork: [],
    partitions: [],
  });

  test("are of the lanes that this instance has: a snapshot goes with its lane to another one", async () => {
    const metrics = createMetrics();
    const meter = createLoaderMeter(metrics);
    const status = (lanes: readonly LoaderLaneStatus[]): LoaderStatus => ({
      state: "loading",
      ready: false,
      waitingFor: [],
      missingTopics: [],
      lastKafkaTrouble: null,
      lagEvents: null,
      lagSeconds: null,
      eventsPerSecond: 0,
      lanes,
      totals: meter.totals,
    });
    const open = { topic: "orders", family: "shop", table: "orders" };
    meter.publish(status([laneWith([open]), laneWith([open, open])]));
    expect(await metrics.render()).toContain("ctlstore_loader_snapshots_open 3\n");
    meter.publish(status([laneWith([open])]));
    expect(await metrics.render()).toContain("ctlstore_loader_snapshots_open 1\n");
  });
});
