/** What becomes of transactions that do not come whole, are too large, or are mixed with what belongs to none. */
import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../../core/process/logger.ts";
import type { ChangeEvent } from "../../../loader/events/change-event.ts";
import type { Observed, SnapshotTracker } from "../../../loader/lanes/snapshot-tracker.ts";
import type { TableTask, Unit } from "../../../loader/lanes/units/unit.ts";
import type { RowMutation } from "../../../loader/mapping/mapping.ts";
import {
  TransactionUnitMaker,
  type TransactionUnitMakerOptions,
} from "../../../loader/transactions/transaction-unit-maker.ts";
import { mappedAt, type RowParts, recordAt, rowEvent } from "../mapped-records.ts";
import { targetOf } from "../snapshots/snapshot-world.ts";
import { NO_SNAPSHOTS } from "./lane-run.ts";
import { mark, PARTITIONS, TRANSACTION_TOPIC, topicOf } from "./origin-log.ts";

const A0 = { topic: topicOf("a"), partition: 0 };
const A1 = { topic: topicOf("a"), partition: 1 };
const C0 = { topic: topicOf("c"), partition: 0 };
const MARKS = { topic: TRANSACTION_TOPIC, partition: 0 };

function rowOf(table: string, key: string, family = "fam"): RowMutation {
  return { family, table, delete: false, values: {}, keyText: key };
}

/** A unit maker that is fed record by record, and what came out of it in short. */
class Feed {
  readonly outcomes: string[] = [];
  readonly maker: TransactionUnitMaker;
  readonly #offsets = new Map<string, number>();

  constructor(options: Partial<TransactionUnitMakerOptions> = {}, tracker: SnapshotTracker = NO_SNAPSHOTS) {
    this.maker = new TransactionUnitMaker(
      { tracker, logger: silentLogger, meter: { transaction: (outcome) => this.outcomes.push(outcome) } },
      { transactionTopic: TRANSACTION_TOPIC, partitions: PARTITIONS, ...options },
    );
  }

  /** One change of row `key`, in a transaction when an order is given. */
  row(place: typeof A0, key: string, id: string | null = null, order = 0, parts: RowParts = {}): string[] {
    const transaction = id === null ? null : { id, order };
    return this.push(place, rowEvent({ ...parts, transaction }), [rowOf(place.topic, key)]);
  }

  begin(id: string): string[] {
    return this.push(MARKS, mark("begin", id, null));
  }

  end(id: string, counts: Readonly<Record<string, number>>): string[] {
    return this.push(MARKS, mark("end", id, new Map(Object.entries(counts))));
  }

  push(place: typeof A0, event: ChangeEvent | null, mutations: readonly RowMutation[] = []): string[] {
    const name = `${place.topic}/${place.partition}`;
    const offset = this.#offsets.get(name) ?? 0;
    this.#offsets.set(name, offset + 1);
    return this.maker.push(mappedAt({ ...place, offset }, event, mutations)).map(inShort);
  }

  tick(nowMs: number, isAtEnd = true): string[] {
    return this.maker.tick(nowMs, () => isAtEnd).map(inShort);
  }
}

/** `[x y] a/0:3` is a transaction with two rows after which partition 0 of topic a stands at 3; `(x)` is a row alone. */
function inShort(unit: Unit): string {
  const advances = unit.advances.map(
    ({ topic, partition, next }) => ` ${topic.replace("shop.db.", "")}/${partition}:${next}`,
  );
  if (unit.kind === "table") return `${unit.task.kind}${advances.join("")}`;
  const keys = unit.mutations.map(({ mutation }) => mutation.keyText).join(" ");
  return `${unit.isTransaction ? `[${keys}]` : `(${keys})`}${advances.join("")}`;
}

describe("a transaction of the origin", () => {
  test("goes when its last event or its END comes, whichever is later, with the positions of all its partitions", () => {
    const feed = new Feed();
    expect(feed.begin("t1")).toEqual(["() shop.transaction/0:1"]);
    expect(feed.row(C0, "y", "t1", 2)).toEqual([]);
    expect(feed.end("t1", { "db.a": 1, "db.c": 1 })).toEqual([]);
    expect(feed.row(A0, "x", "t1", 1)).toEqual(["[x y] c/0:1 a/0:1 shop.transaction/0:2"]);
    expect(feed.row(A0, "z", "t2", 1)).toEqual([]);
    expect(feed.end("t2", { "db.a": 1 })).toEqual(["[z] a/0:2 shop.transaction/0:3"]);
    expect([feed.outcomes, feed.maker.held]).toEqual([["whole", "whole"], { records: 0, bytes: 0 }]);
  });

  test("does not wait for events of tables that are not read, and goes at once when it has no others", () => {
    const feed = new Feed();
    expect(feed.row(A0, "x", "t1", 2)).toEqual([]);
    expect(feed.end("t1", { "db.a": 1, "db.unknown": 5 })).toEqual(["[x] a/0:1 shop.transaction/0:1"]);
    expect(feed.end("t2", { "other.things": 3 })).toEqual(["[] shop.transaction/0:2"]);
  });

  test("is found by the source of its events when a router has renamed the topic", () => {
    const routed = { topic: "all-customers", partition: 0 };
    const feed = new Feed({ partitions: [routed, MARKS] });
    const source = { database: "db", table: "customers" };
    feed.row(routed, "x", "t1", 1, { source });
    feed.end("t1", { "db.customers": 1 });
    expect(feed.row(routed, "y", "t2", 1, { source })).toEqual([]);
    expect(feed.end("t2", { "db.customers": 2 })).toEqual([]);
    expect(feed.row(routed, "z", "t2", 2, { source })).toEqual([
      "[y z] all-customers/0:3 shop.transaction/0:2",
    ]);
  });

  test("lets what belongs to none keep its place in its partition, before and behind", () => {
    const feed = new Feed();
    expect(feed.row(A0, "s1")).toEqual(["(s1) a/0:1"]);
    feed.row(A0, "x", "t1", 1);
    expect(feed.row(A0, "s2")).toEqual([]);
    expect(feed.row(A1, "s3")).toEqual(["(s3) a/1:1"]);
    feed.row(A0, "y", "t1", 2);
    expect(feed.row(A0, "s4")).toEqual([]);
    expect(feed.end("t1", { "db.a": 2 })).toEqual(["[x s2 y] a/0:4 shop.transaction/0:1", "(s4) a/0:5"]);
  });

  test("has its tombstones right behind their deletes", () => {
    const feed = new Feed();
    feed.row(A0, "gone", "t1", 1, { op: "delete" });
    feed.row(A0, "echo", null, 0, { op: "delete", isTombstone: true });
    feed.row(C0, "other", "t1", 2);
    feed.row(A0, "again", "t1", 3);
    expect(feed.end("t1", { "db.a": 2, "db.c": 1 })).toEqual([
      "[gone echo other again] a/0:3 c/0:1 shop.transaction/0:1",
    ]);
  });

  test("takes a dead letter behind its events for the one that is missing", () => {
    const feed = new Feed();
    feed.row(A0, "x", "t1", 1);
    expect(feed.push(A0, null)).toEqual([]);
    expect(feed.end("t1", { "db.a": 2 })).toEqual(["[x] a/0:2 shop.transaction/0:1"]);
  });

  test("clears a table that it truncates in its place", () => {
    const record = recordAt({ ...A0, offset: 1 });
    const task: TableTask = { kind: "clear", target: targetOf(), record };
    const observed = (isTruncate: boolean): Observed => ({
      task: isTruncate ? task : null,
      openSnapshots: null,
    });
    const tracker = {
      ...NO_SNAPSHOTS,
      observe: ({ event }: { event: ChangeEvent | null }) => observed(event?.kind === "truncate"),
    };
    const feed = new Feed({}, tracker);
    feed.row(A0, "before", "t1", 1);
    feed.push(A0, { kind: "truncate", meta: rowEvent({ transaction: { id: "t1", order: 2 } }).meta });
    feed.row(A0, "after", "t1", 3);
    expect(feed.end("t1", { "db.a": 3 })).toEqual([
      "[before]",
      "clear",
      "[after] a/0:3 shop.transaction/0:1",
    ]);
  });

  test("is counted as cut when it has more rows than a batch, or rows of several families", () => {
    const feed = new Feed({ batchRows: 2 });
    for (const order of [1, 2, 3]) feed.row(A0, `k${order}`, "t1", order);
    feed.end("t1", { "db.a": 3 });
    feed.push(A0, rowEvent({ transaction: { id: "t2", order: 1 } }), [
      rowOf("a", "x"),
      rowOf("b", "y", "other"),
    ]);
    expect(feed.end("t2", { "db.a": 1 })).toEqual(["[x y] a/0:4 shop.transaction/0:2"]);
    expect(feed.outcomes).toEqual(["cut", "cut"]);
  });
});

describe("a transaction that does not come whole", () => {
  test("goes as it is when everything else has been read for long enough, and those behind it follow", () => {
    const feed = new Feed({ waitMs: 60_000 });
    feed.row(A0, "x", "t1", 1);
    feed.end("t1", { "db.a": 2 });
    feed.row(C0, "y", "t2", 1);
    feed.end("t2", { "db.c": 1 });
    // Time counts only while there is nothing to be read.
    expect(feed.tick(0, false)).toEqual([]);
    expect(feed.tick(100_000)).toEqual([]);
    expect(feed.tick(159_999)).toEqual([]);
    expect(feed.tick(160_000)).toEqual(["[x] a/0:1 shop.transaction/0:1", "[y] c/0:1 shop.transaction/0:2"]);
    expect(feed.outcomes).toEqual(["incomplete", "whole"]);
  });

  test("goes as it is when partitions have been read to ends that were seen, whether their brokers were asked or not", () => {
    const feed = new Feed({ waitMs: 1_000 });
    feed.row(A0, "k", "t", 1);
    const asked: unknown[] = [];
    const isAtEnd = (_: unknown, askedSinceMs?: number) => asked.push(askedSinceMs) > 0;
    feed.maker.tick(0, isAtEnd);
    expect(feed.maker.tick(2_000, isAtEnd)).not.toEqual([]);
    expect(new Set(asked)).toEqual(new Set([undefined]));
  });

  test("goes as it is while other topics are never at their ends: what is missing cannot come from those", () => {
    const feed = new Feed({ waitMs: 60_000 });
    feed.row(C0, "y", "t1", 1);
    feed.end("t1", { "db.a": 1, "db.c": 1 });
    const isAtEnd = ({ topic }: { topic: string }) => topic === A0.topic;
    feed.maker.tick(0, isAtEnd);
    expect(feed.maker.tick(59_999, isAtEnd)).toEqual([]);
    expect(feed.maker.tick(60_000, isAtEnd)).not.toEqual([]);
    expect(feed.outcomes).toEqual(["incomplete"]);
  });

  test("goes as it is without its END when that does not come", () => {
    const feed = new Feed({ waitMs: 60_000 });
    feed.row(A0, "x", "t1", 1);
    feed.tick(0);
    expect(feed.tick(60_000)).toEqual(["[x] a/0:1"]);
    // It comes after all.
    expect(feed.end("t1", { "db.a": 1 })).toEqual([]);
    expect(feed.tick(65_000)).toEqual(["[] shop.transaction/0:1"]);
    expect(feed.outcomes).toEqual(["without-end", "repeated"]);
  });

  test("goes at once when all partitions of what is missing have come to later ones", () => {
    const feed = new Feed();
    feed.row(A0, "x", "t1", 1);
    feed.end("t1", { "db.a": 2 });
    feed.row(A0, "y", "t2", 1);
    feed.end("t2", { "db.a": 2 });
    expect(feed.tick(0, false)).toEqual([]);
    expect(feed.row(A1, "z", "t2", 2)).toEqual([]);
    expect(feed.tick(1, false)).toEqual([
      "[x] a/0:1 shop.transaction/0:1",
      "[y z] a/0:2 a/1:1 shop.transaction/0:2",
    ]);
  });

  test("goes in parts when its END is lost and it stands before one that is whole", () => {
    const feed = new Feed();
    feed.row(A0, "lost", "t0", 1);
    feed.row(A0, "x", "t1", 1);
    expect(feed.end("t1", { "db.a": 1 })).toEqual(["(lost) a/0:1", "[x] a/0:2 shop.transaction/0:1"]);
    expect(feed.outcomes).toEqual(["in-parts", "whole"]);
  });
});

describe("events that come again after the connector was killed", () => {
  test("are their transaction once more, whole, when all of it comes", () => {
    const feed = new Feed();
    feed.row(A0, "x", "t1", 1);
    feed.row(A0, "y", "t2", 1);
    feed.row(A0, "x", "t1", 1);
    feed.end("t1", { "db.a": 1, "db.c": 1 });
    feed.end("t2", { "db.a": 1 });
    feed.end("t1", { "db.a": 1, "db.c": 1 });
    expect(feed.row(C0, "z", "t1", 2)).toEqual([
      "[x z] a/0:1 c/0:1 shop.transaction/0:1",
      "[y] a/0:2 shop.transaction/0:2",
    ]);
    expect(feed.row(C0, "z", "t1", 2)).toEqual(["[x z] a/0:3 c/0:2 shop.transaction/0:3"]);
    expect(feed.outcomes).toEqual(["whole", "whole", "repeated"]);
  });

  test("never change the order of a partition, which is that of each row's changes", () => {
    const feed = new Feed();
    feed.row(A0, "k1", "t1", 1);
    feed.row(A0, "k2", "t1", 2);
    feed.row(A0, "old", "t0", 1);
    feed.row(A0, "k1", "t1", 1);
    feed.row(A0, "k2", "t1", 2);
    feed.row(A0, "k3", "t1", 3);
    expect(feed.end("t1", { "db.a": 3 })).toEqual(["[k1 k2 old k1 k2 k3] a/0:6 shop.transaction/0:1"]);
  });

  test("are not waited for when only the last of them come", () => {
    const feed = new Feed({ waitMs: 60_000 });
    feed.row(A0, "x", "t1", 1);
    feed.row(C0, "y", "t1", 2);
    feed.end("t1", { "db.a": 1, "db.c": 1 });
    feed.row(C0, "y", "t1", 2);
    feed.end("t1", { "db.a": 1, "db.c": 1 });
    expect(feed.tick(0)).toEqual([]);
    expect(feed.tick(5_000)).toEqual(["[y] c/0:2 shop.transaction/0:2"]);
  });
});

describe("I13 what is held", () => {
  test("is bounded: a transaction that is too large goes in parts, in the order of its partitions", () => {
    const feed = new Feed({ records: 3 });
    for (const order of [1, 2, 3]) expect(feed.row(A0, `k${order}`, "t1", order)).toEqual([]);
    expect(feed.row(A0, "k4", "t1", 4)).toEqual(["(k1) a/0:1", "(k2) a/0:2", "(k3) a/0:3", "(k4) a/0:4"]);
    expect(feed.row(A1, "k5", "t1", 5)).toEqual(["(k5) a/1:1"]);
    expect(feed.end("t1", { "db.a": 5 })).toEqual(["() shop.transaction/0:1"]);
    expect([feed.outcomes, feed.maker.held.records]).toEqual([["in-parts"], 0]);
  });

  test("is bounded in all, and says which partitions are ahead before that", () => {
    const feed = new Feed({ records: 10 });
    for (let n = 0; n < 10; n++) feed.row(A0, `k${n}`, `t${n}`, 1);
    expect(feed.maker.ahead).toMatchObject([A0]);
    // Not reading it is no use when the others have nothing more.
    feed.maker.tick(0, ({ topic, partition }) => topic !== A0.topic || partition !== A0.partition);
    expect(feed.maker.ahead).toEqual([]);
    feed.tick(1, false);
    expect(feed.maker.ahead).toMatchObject([A0]);
    for (let n = 10; n < 50; n++) feed.row(A0, `k${n}`, `t${n}`, 1);
    expect(feed.maker.held.records).toBe(20);
    for (let n = 0; n < 50; n++) feed.end(`t${n}`, { "db.a": 1 });
    expect(feed.maker.held).toEqual({ records: 0, bytes: 0 });
  });
});
