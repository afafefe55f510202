/** When a batch goes out: full, due, or closed by what cannot join it. */
import { describe, expect, test } from "bun:test";
import { LANE_LIMITS } from "../../../core/limits.ts";
import type { Clock } from "../../../core/process/clock.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { BatchQueue, type Work } from "../../../loader/lanes/batches/batch-queue.ts";
import type { RowsUnit } from "../../../loader/lanes/units/unit.ts";
import type { TableMapping } from "../../../loader/mapping/mapping.ts";

const record: KafkaRecord = {
  topic: "a",
  partition: 0,
  offset: 0,
  key: null,
  value: null,
  headers: new Map(),
  timestampMs: null,
};

function unit(next: number, ids: readonly string[] = [], family = "shop"): RowsUnit {
  return {
    kind: "rows",
    mutations: ids.map((id) => ({
      mutation: { family, table: "item", delete: false, values: { id }, keyText: id },
      record,
    })),
    advances: [{ topic: "a", partition: 0, next }],
    isTransaction: false,
  };
}

/** On a clock that moves when the test says so. */
function queueOf(rows = 3) {
  let nowMs = 0;
  const clock: Clock = {
    nowUs: () => nowMs * 1_000,
    monotonicMs: () => nowMs,
    sleep: (_, signal) => new Promise((_resolve, reject) => signal?.addEventListener("abort", reject)),
  };
  const more = { isThere: false };
  const limits = { rows, bytes: 10_000, records: 100 };
  const options = { limits, lingerMs: 20, idleCookieMs: 5_000, hasMore: () => more.isThere };
  const queue = new BatchQueue(clock, options);
  const never = new AbortController().signal;
  let taken: Work | null = null;
  return {
    queue,
    more,
    take: () => void queue.take(never).then((work) => (taken = work)),
    /** What was taken so far, when nothing else can happen any more. */
    async taken(atMs = nowMs): Promise<Work | null> {
      nowMs = atMs;
      queue.noMore();
      await new Promise((resolve) => setImmediate(resolve));
      return taken;
    },
  };
}

const ids = (work: Work | null) =>
  work?.kind === "batch"
    ? work.units.flatMap(({ mutations }) => mutations.map((one) => one.mutation.keyText))
    : work;

describe("a batch", () => {
  test("goes out when it is full, or when it has waited for its time", async () => {
    const { queue, take, taken } = queueOf();
    take();
    queue.add(unit(1, ["a"]));
    expect(await taken(19)).toBeNull();
    expect(ids(await taken(20))).toEqual(["a"]);
    for (const id of ["b", "c", "d", "e"]) queue.add(unit(2, [id]));
    take();
    expect(ids(await taken())).toEqual(["b", "c", "d"]);
  });

  test("waits longer for records that are in memory already, but not without end", async () => {
    const { queue, more, take, taken } = queueOf();
    more.isThere = true;
    take();
    queue.add(unit(1, ["a"]));
    expect(await taken(100)).toBeNull();
    queue.add(unit(2, ["b"]));
    more.isThere = false;
    expect(ids(await taken())).toEqual(["a", "b"]);
    more.isThere = true;
    take();
    queue.add(unit(3, ["c"]));
    expect(ids(await taken(100 + 19 + LANE_LIMITS.fillMs))).toEqual(["a", "b"]);
    expect(ids(await taken(100 + 20 + LANE_LIMITS.fillMs))).toEqual(["c"]);
  });

  test("has one family, and ends before work on a table and before an event that cannot be loaded", () => {
    const { queue } = queueOf();
    queue.add(unit(1, ["a"]));
    queue.add(unit(2, ["b"], "bank"));
    queue.add(unit(3));
    const target = { family: "bank", table: "item" } as TableMapping;
    queue.add({ kind: "table", task: { kind: "clear", target, record }, advances: [] });
    queue.add(unit(4, ["c"]));
    queue.fail(new Error("an event"));
    expect(queue.hasRoom).toBe(false);
    const all = Array.from({ length: 6 }, () => queue.takeNow());
    expect(all.map((work) => ids(work))).toEqual([
      ["a"],
      ["b"],
      expect.objectContaining({ kind: "table" }),
      ["c"],
      expect.objectContaining({ kind: "failure" }),
      null,
    ]);
    // The position of the record without rows went with the batch before it.
    const second = all[1];
    expect(second?.kind === "batch" && second.units[0]?.advances[0]?.next).toBe(3);
  });

  test("never cuts a unit that fits a batch by itself", () => {
    const { queue } = queueOf();
    queue.add(unit(1, ["a", "b"]));
    queue.add(unit(2, ["c", "d"]));
    expect(ids(queue.takeNow())).toEqual(["a", "b"]);
    expect(ids(queue.takeNow())).toEqual(["c", "d"]);
  });

  test("counts a row once, however often it changes", () => {
    const { queue } = queueOf();
    for (let n = 1; n <= 20; n++) queue.add(unit(n, [n % 2 === 0 ? "a" : "b"]));
    expect(ids(queue.takeNow())).toHaveLength(20);
  });
});
