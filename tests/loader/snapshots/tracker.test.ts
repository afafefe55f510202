/** R32: when a snapshot of the origin begins and ends, which rows came with it, and when that is not known well enough. */
import { describe, expect, test } from "bun:test";
import { parseTableSchema } from "../../../core/schema.ts";
import type { SnapshotMark } from "../../../loader/events/change-event.ts";
import { rowEvent } from "../mapped-records.ts";
import { change, GRACE_MS, keyText, SnapshotWorld, TARGET } from "./snapshot-world.ts";

/** The rows of a whole snapshot with the marks that Debezium gives them. */
function snapshotOf(ids: readonly string[], first: SnapshotMark = "first-of-table") {
  return ids.map((id, i) => {
    const isLast = i === ids.length - 1;
    return change("read", id, isLast ? "last-of-table" : i === 0 ? first : "within");
  });
}

function keys(...ids: string[]): string[] {
  return ids.map(keyText).toSorted();
}

/** A table with rows a to e that were loaded before. */
function loaded(partitions = 1): SnapshotWorld {
  const world = new SnapshotWorld({ partitions });
  for (const id of ["a", "b", "c", "d", "e"]) world.produce(change("create", id));
  world.readAll();
  return world;
}

describe("R32 a snapshot of a topic with one partition", () => {
  test("is whole with its last row, and says which rows are not in it", () => {
    const world = loaded();
    for (const record of snapshotOf(["a", "c", "x"])) world.produce(record);
    world.readAll();
    expect(world.tasks.map(({ kind, record: { offset } }) => [kind, offset])).toEqual([["vanished", 7]]);
    expect(world.vanished()).toEqual(keys("b", "d", "e"));
    expect(world.openSnapshots).toEqual([]);
    expect(world.outcomes).toEqual(["whole"]);
  });

  test("is in the cookie from its first row on, and is whole after a restart in its middle", () => {
    const world = loaded();
    const records = snapshotOf(["a", "c", "x", "y"]);
    for (const record of records) world.produce(record);
    for (const _ of records.slice(1)) {
      world.read();
      expect(world.openSnapshots.map(({ from }) => [...from])).toEqual([[[0, 5]]]);
      world.restart();
    }
    world.readAll();
    expect(world.vanished()).toEqual(keys("b", "d", "e"));
  });

  test("that changes from the binlog cut off sweeps nothing: nobody knows which rows were still to come", () => {
    const world = loaded();
    world.produce(change("read", "a", "first"));
    world.produce(change("read", "c", "within"));
    world.produce(change("create", "new"));
    for (const record of snapshotOf(["a", "c", "x"])) world.produce(record);
    world.read();
    world.read();
    world.read();
    expect([world.tasks, world.outcomes, world.openSnapshots]).toEqual([[], ["no-end"], []]);
    world.readAll();
    expect(world.outcomes).toEqual(["no-end", "whole"]);
  });

  test("of one row, the first of all tables, has no last one: it looks like one that was cut off, and sweeps nothing", () => {
    const world = loaded();
    world.produce(change("read", "a", "first"));
    world.produce(change("update", "a"));
    world.readAll();
    expect([world.tasks, world.outcomes]).toEqual([[], ["no-end"]]);
  });

  test("keeps rows that came before its first one, as several threads of the connector may send them", () => {
    const world = loaded();
    world.produce(change("read", "b", "within"));
    for (const record of snapshotOf(["a", "c"])) world.produce(record);
    world.readAll();
    expect(world.vanished()).toEqual(keys("d", "e"));
  });

  test("with gaps is whole at the end of the partition alone: compaction removes rows that newer events follow", () => {
    for (const restarts of [false, true]) {
      const world = loaded();
      for (const record of snapshotOf(["a", "b", "c"])) world.produce(record);
      world.compacted.add("0/6");
      world.produce(change("update", "b"));
      for (let i = 0; i < 2; i++) world.read();
      if (restarts) world.restart();
      world.tick(1, () => false);
      world.readAll();
      world.tick(2, (_, askedSinceMs = 0) => askedSinceMs > 2);
      expect(world.tasks).toEqual([]);
      world.tick(3);
      expect(world.vanished()).toEqual(keys("d", "e"));
    }
  });

  test("sweeps nothing when our table was made anew with another key: its marks are of keys that are no more", () => {
    const schema = parseTableSchema("shop", "item", { fields: [["id", "integer"]], keyFields: ["id"] });
    const world = loaded();
    for (const [i, record] of snapshotOf(["a", "b", "c"]).entries())
      world.produce(i === 0 ? record : { ...record, target: { ...TARGET, schema } });
    world.readAll();
    expect([world.tasks, world.outcomes]).toEqual([[], ["key-changed"]]);
  });

  test("sweeps nothing when neither the mapping nor the topic's name says that all rows are of one table", () => {
    const shared = { ...TARGET, source: null };
    for (const [source, outcome] of [
      [{ database: "db", table: "item" }, "whole"],
      [{ database: "db", table: "item_of_shard_1" }, "several-tables"],
      [null, "several-tables"],
    ] as const) {
      const world = loaded();
      for (const [id, snapshot] of [
        ["a", "first"],
        ["c", "last-of-table"],
      ] as const) {
        const event = rowEvent({ op: "read", snapshot, source });
        world.produce({ ...change("read", id, snapshot), event, target: shared });
      }
      world.readAll();
      expect([world.outcomes, world.tasks.length]).toEqual([[outcome], outcome === "whole" ? 1 : 0]);
    }
  });

  test("of one row is known by what stands right before it", () => {
    const world = loaded();
    world.produce(change("read", "c", "last-of-table"));
    world.readAll();
    expect(world.vanished()).toEqual(keys("a", "b", "d", "e"));
  });

  test("sweeps nothing when its last row is the first one that is read: the others may have come before", () => {
    const world = loaded();
    world.restart();
    world.produce(change("read", "c", "last-of-table"));
    world.readAll();
    expect([world.tasks, world.outcomes]).toEqual([[], ["no-beginning"]]);
  });

  test("that starts over has the rows of the second time alone", () => {
    const world = loaded();
    world.produce(change("read", "a", "first"));
    world.produce(change("read", "b", "within"));
    for (const record of snapshotOf(["c", "d"], "first")) world.produce(record);
    world.readAll();
    expect(world.outcomes).toEqual(["started-over", "whole"]);
    expect(world.vanished()).toEqual(keys("a", "b", "e"));
  });

  test("keeps what it had when it was whole, whatever comes before the work begins", () => {
    const world = loaded();
    for (const record of snapshotOf(["a", "b", "c"])) world.produce(record);
    world.produce(change("delete", "a"));
    world.produce(change("read", "z", "first"));
    world.readAll();
    expect(world.vanished()).toEqual(keys("d", "e"));
  });

  test("that begins in its middle sweeps nothing: rows before may be there still", () => {
    for (const ids of [["c", "d"], ["c"]]) {
      const world = loaded();
      world.produce({ event: null, mutations: [], target: null });
      world.produce(change("read", "b", "within"));
      world.low = 6;
      for (const record of snapshotOf(ids, "within")) world.produce(record);
      world.readAll();
      expect([world.tasks, world.outcomes, world.openSnapshots]).toEqual([[], ["no-beginning"], []]);
    }
  });

  test("sweeps nothing when one of its records was put aside, or is gone from Kafka at a restart", () => {
    const withLetter = loaded();
    withLetter.produce(change("read", "a", "first"));
    withLetter.produce({ event: null, mutations: [], target: null });
    withLetter.produce(change("read", "c", "last"));
    withLetter.readAll();
    expect([withLetter.tasks, withLetter.outcomes]).toEqual([[], ["dead-letter"]]);

    const withGap = loaded();
    for (const record of snapshotOf(["a", "b", "c"])) withGap.produce(record);
    withGap.read();
    withGap.read();
    withGap.low = 6;
    withGap.restart();
    withGap.readAll();
    expect([withGap.tasks, withGap.outcomes]).toEqual([[], ["records-lost"]]);
  });

  test("is neither begun nor ended by incremental reads, reads without a mark, tombstones or heartbeats", () => {
    const world = loaded();
    world.produce(change("read", "a", "incremental"));
    world.produce(change("read", "a", "none"));
    expect(world.openSnapshots).toEqual([]);
    world.produce(change("read", "a", "first"));
    world.produce(change("read", "b", "incremental"));
    world.produce({ ...change("delete", "q"), event: rowEvent({ op: "delete", isTombstone: true }) });
    world.produce({
      event: { kind: "other", what: "heartbeat", timestampMs: 0 },
      mutations: [],
      target: null,
    });
    world.produce({ ...change("read", "z"), target: null, mutations: [] });
    world.readAll();
    expect([world.tasks.length, world.openSnapshots.length]).toEqual([0, 1]);
    world.produce(change("read", "c", "last"));
    world.readAll();
    expect(world.vanished()).toEqual(keys("d", "e"));
  });

  test("a truncation is work of its own, and nothing can have vanished after it", () => {
    const world = loaded();
    world.produce(change("read", "a", "first"));
    const event = { kind: "truncate" as const, meta: rowEvent({}).meta };
    world.produce({ event, mutations: [], target: TARGET });
    world.readAll();
    expect(world.tasks.map(({ kind }) => kind)).toEqual(["clear"]);
    expect(world.openSnapshots).toEqual([]);
  });
});

describe("R32 a snapshot of a topic with several partitions", () => {
  const at = (partition: number, timestampMs: number) => ({ partition, timestampMs });

  /** Rows a, b in partition 0 and c, d in 1 were loaded long ago; then a and c come with a snapshot. */
  function divided(): SnapshotWorld {
    const world = new SnapshotWorld({ partitions: 2, startedMs: 1_000 });
    for (const [id, partition] of [
      ["a", 0],
      ["b", 0],
      ["c", 1],
      ["d", 1],
    ] as const)
      world.produce(change("create", id), at(partition, 10));
    world.produce(change("read", "a", "first"), at(0, 100_000));
    world.produce(change("read", "c", "last"), at(1, 100_001));
    return world;
  }

  test("is whole when the others are at their ends after the time of grace, and not before", () => {
    const world = divided();
    world.readAll(1);
    world.tick(0);
    world.readAll(0);
    world.tick(GRACE_MS - 1);
    expect(world.tasks).toEqual([]);
    world.tick(GRACE_MS, () => false);
    expect(world.tasks).toEqual([]);
    // An end of before says nothing of a partition whose broker is away.
    world.tick(GRACE_MS, (_, askedSinceMs) => askedSinceMs === undefined || askedSinceMs < GRACE_MS);
    expect(world.tasks).toEqual([]);
    world.tick(GRACE_MS);
    expect(world.vanished()).toEqual(keys("b", "d"));
  });

  test("is whole without any end when the others have come to records of a later time", () => {
    const world = divided();
    world.readAll(1);
    world.tick(0, () => false);
    world.produce(change("update", "a"), at(0, 100_001 + GRACE_MS + 1));
    world.readAll(0);
    world.tick(GRACE_MS, () => false);
    expect(world.vanished()).toEqual(keys("b", "d"));
  });

  test("keeps its marks over a restart while it waits, and all of its partitions are in the cookie", () => {
    const world = divided();
    world.readAll(1);
    world.readAll(0);
    expect(world.openSnapshots.map(({ from }) => [...from].toSorted())).toEqual([
      [
        [0, 2],
        [1, 2],
      ],
    ]);
    world.tick(0);
    world.restart();
    world.tick(1_000_000);
    expect(world.tasks).toEqual([]);
    world.tick(1_000_000 + GRACE_MS);
    expect(world.vanished()).toEqual(keys("b", "d"));
  });

  test("that starts over keeps the marks: a partition may be ahead", () => {
    const world = divided();
    world.produce(change("read", "b", "first"), at(0, 200_000));
    world.produce(change("read", "d", "last"), at(1, 200_001));
    for (const partition of [1, 0]) world.readAll(partition);
    world.tick(0);
    world.tick(GRACE_MS);
    expect(world.vanished()).toEqual([]);
  });

  test("sweeps nothing when a row made after it came before its first record was seen elsewhere", () => {
    const world = new SnapshotWorld({ partitions: 2, startedMs: 1_000 });
    world.produce(change("read", "a", "first"), at(0, 100_000));
    world.produce(change("read", "b", "last"), at(0, 100_001));
    world.produce(change("create", "new"), at(1, 150_000));
    world.readAll(1);
    world.readAll(0);
    world.tick(0);
    world.tick(GRACE_MS);
    expect([world.tasks, world.outcomes]).toEqual([[], ["out-of-step"]]);
  });

  test("sweeps nothing when a partition was read before this process began, and perhaps beyond the snapshot", () => {
    for (const [startedMs, outcome] of [
      [500_000, "out-of-step"],
      [1_000, "whole"],
    ] as const) {
      const world = new SnapshotWorld({ partitions: 2, startedMs });
      world.produce(change("create", "c"), at(1, 10));
      world.readAll(1);
      world.restart();
      world.produce(change("read", "a", "first"), at(0, 100_000));
      world.produce(change("read", "b", "last"), at(0, 100_001));
      world.readAll(0);
      world.tick(0);
      world.tick(GRACE_MS);
      expect(world.outcomes).toEqual([outcome]);
    }
  });
});
