/** Units: how they are made of events (R31, R32), folded, and cut where no request could hold them. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { beginAt, startingPositions } from "../../../loader/lanes/records/starting-positions.ts";
import type { Observed, SnapshotTracker } from "../../../loader/lanes/snapshot-tracker.ts";
import { cutUnit, halveUnit } from "../../../loader/lanes/units/cut-unit.ts";
import { fold } from "../../../loader/lanes/units/fold.ts";
import { PlainUnitMaker } from "../../../loader/lanes/units/plain-unit-maker.ts";
import type { RowsUnit, SourcedMutation, Unit } from "../../../loader/lanes/units/unit.ts";
import type { MappedRecord } from "../../../loader/lanes/units/unit-maker.ts";
import { wireBytesOf } from "../../../loader/lanes/units/wire-size.ts";
import type { RowMutation, TableMapping } from "../../../loader/mapping/mapping.ts";
import { fastClock } from "../../client/faulty-fetch.ts";
import { suiteSeed } from "../../support/suite.ts";
import { planOf } from "./lane-world.ts";

const T = "a.topic";

function record(offset: number, partition = 0): KafkaRecord {
  return { topic: T, partition, offset, key: null, value: null, headers: new Map(), timestampMs: null };
}

function mutation(id: string, n: number, family = "shop"): RowMutation {
  return { family, table: "item", delete: false, values: { id, n }, keyText: id };
}

const sourced = (ids: readonly string[], family?: string): SourcedMutation[] =>
  ids.map((id, n) => ({ mutation: mutation(id, n, family), record: record(n) }));

interface Mapped {
  readonly partition?: number;
  readonly op?: "create" | "delete";
  readonly newKeyFollows?: boolean;
  readonly isTombstone?: boolean;
}

function mapped(
  offset: number,
  { partition = 0, op = "create", newKeyFollows = false, isTombstone = false }: Mapped = {},
): MappedRecord {
  const meta = { source: null, snapshot: "none", timestampMs: null, transaction: null } as const;
  return {
    record: record(offset, partition),
    event: { kind: "row", op, meta, key: null, before: null, after: null, isTombstone, newKeyFollows },
    target: null,
    mutations: isTombstone ? [] : [mutation(`${partition}/${offset}`, offset)],
  };
}

/** What a unit does, in short: rows and positions. */
function short(units: readonly Unit[]): string[] {
  return units.map((unit) =>
    unit.kind === "table"
      ? unit.task.kind
      : `${unit.mutations.map((one) => one.mutation.keyText).join("+")} → ${unit.advances.map(({ next }) => next)}`,
  );
}

class Tracker implements SnapshotTracker {
  next: Observed = { task: null, openSnapshots: null };
  readonly replayed: number[] = [];
  due: Observed[] = [];
  restore = () => [];
  observe({ record: { offset } }: MappedRecord, isReplay: boolean): Observed {
    if (isReplay) this.replayed.push(offset);
    const observed = this.next;
    this.next = { task: null, openSnapshots: null };
    return observed;
  }
  tick = () => this.due.splice(0);
}

const target = { family: "shop", table: "item" } as TableMapping;
const snapshot = { family: "shop", table: "item", topic: T, from: new Map([[0, 1]]) };

describe("the plain unit maker", () => {
  const make = () => {
    const tracker = new Tracker();
    const clock = fastClock();
    return { tracker, clock, maker: new PlainUnitMaker(tracker, clock) };
  };
  const first = { op: "delete", newKeyFollows: true } as const;

  test("makes each event a unit", () => {
    const { maker } = make();
    expect(short(maker.push(mapped(7)))).toEqual(["0/7 → 8"]);
    expect(maker.held).toEqual({ records: 0, bytes: 0 });
  });

  test("R31 holds the delete of a changed key, and its tombstone, until the next record of the partition", () => {
    const { maker } = make();
    expect(maker.push(mapped(1, first))).toEqual([]);
    expect(maker.push(mapped(2, { op: "delete", isTombstone: true }))).toEqual([]);
    // Other partitions go on meanwhile.
    expect(short(maker.push(mapped(5, { partition: 1 })))).toEqual(["1/5 → 6"]);
    expect(maker.held.records).toBe(2);
    expect(short(maker.push(mapped(3)))).toEqual(["0/1+0/3 → 4"]);
    expect(maker.held.records).toBe(0);
  });

  test("R31 lets a held delete go when another one comes, and when none comes for long", async () => {
    const { maker, clock } = make();
    maker.push(mapped(1, first));
    expect(short(maker.push(mapped(2, first)))).toEqual(["0/1 → 2"]);
    await clock.sleep(4_000);
    expect(maker.tick(clock.monotonicMs(), () => true)).toEqual([]);
    await clock.sleep(2_000);
    expect(maker.tick(clock.monotonicMs(), () => false)).toEqual([]);
    expect(short(maker.tick(clock.monotonicMs(), () => true))).toEqual(["0/2 → 3"]);
    maker.push(mapped(3, first));
    await clock.sleep(61_000);
    expect(short(maker.tick(clock.monotonicMs(), () => false))).toEqual(["0/3 → 4"]);
  });

  test("R32 puts work on a table before the record that it is due by, which a crash in between brings again", () => {
    const { maker, tracker } = make();
    tracker.next = { task: { kind: "vanished", target, record: record(4) }, openSnapshots: [] };
    const units = maker.push(mapped(4));
    expect(short(units)).toEqual(["vanished", "0/4 → 5"]);
    expect(units[0]?.advances).toEqual([]);
    expect(units.map(({ openSnapshots }) => openSnapshots)).toEqual([undefined, []]);
    tracker.due = [{ task: { kind: "vanished", target, record: record(9) }, openSnapshots: [] }];
    expect(short(maker.tick(0, () => true))).toEqual(["vanished", " → "]);
  });

  test("R32 says the newest of open snapshots with the next unit that goes out, whichever partition it is of", () => {
    const { maker, tracker } = make();
    tracker.next = { task: null, openSnapshots: [snapshot] };
    maker.push(mapped(1, first));
    tracker.next = { task: null, openSnapshots: [] };
    expect(maker.push(mapped(1, { partition: 1 }))[0]?.openSnapshots).toEqual([]);
    // The held one does not bring back what was true before.
    expect(maker.push(mapped(2))[0]?.openSnapshots).toBeUndefined();
  });

  test("puts the clearing of a table, which the tracker makes of a truncation, before its position", () => {
    const { maker, tracker } = make();
    const meta = { source: null, snapshot: "none", timestampMs: null, transaction: null } as const;
    const truncate = { record: record(1), event: { kind: "truncate", meta }, target, mutations: [] } as const;
    tracker.next = { task: { kind: "clear", target, record: record(1) }, openSnapshots: null };
    expect(short(maker.push(truncate))).toEqual(["clear", " → 2"]);
  });

  test("shows records that are read again to the tracker alone", () => {
    const { maker, tracker } = make();
    maker.replay(mapped(3));
    expect(tracker.replayed).toEqual([3]);
  });
});

describe("folding", () => {
  test("leaves the rows as they would be without it, each written once at most", () => {
    const changes = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.boolean()), { maxLength: 30 });
    fc.assert(
      fc.property(changes, (list) => {
        const all = list.map(
          ([id, isDelete], n): SourcedMutation => ({
            mutation: { ...mutation(id, n), delete: isDelete },
            record: record(n),
          }),
        );
        const folded = fold(all);
        expect(applied(folded)).toEqual(applied(all));
        expect(new Set(folded.map((one) => one.mutation.keyText)).size).toBe(folded.length);
      }),
      { seed: suiteSeed() },
    );
  });

  function applied(mutations: readonly SourcedMutation[]): Map<string, unknown> {
    const rows = new Map<string, unknown>();
    for (const { mutation: one } of mutations) {
      if (one.delete) rows.delete(one.keyText);
      else rows.set(one.keyText, one.values["n"]);
    }
    return new Map([...rows].sort());
  }
});

describe("a unit that no request can hold", () => {
  const limits = { rows: 3, bytes: 1_000, records: 10 };
  const unitOf = (mutations: readonly SourcedMutation[]): RowsUnit => ({
    kind: "rows",
    mutations,
    advances: [{ topic: T, partition: 0, next: 9 }],
    isTransaction: true,
    openSnapshots: [snapshot],
  });

  test("is cut, in order, and moves its positions with the last part only", () => {
    const parts = cutUnit(unitOf(sourced(["a", "b", "a", "c", "d", "e"])), limits);
    expect(parts.map((part) => part.mutations.map((one) => one.mutation.keyText).join(""))).toEqual([
      "abac",
      "de",
    ]);
    expect(parts.map(({ advances }) => advances.length)).toEqual([0, 1]);
    expect(parts.map(({ openSnapshots }) => openSnapshots?.length)).toEqual([undefined, 1]);
    expect(parts.every(({ isTransaction }) => isTransaction)).toBe(true);
  });

  test("is cut by family, each with its own order", () => {
    const mixed = [...sourced(["a", "b"]), ...sourced(["x"], "bank"), ...sourced(["c"])];
    const parts = cutUnit(unitOf(mixed), limits);
    expect(parts.map((part) => part.mutations.map((one) => one.mutation.keyText).join(""))).toEqual([
      "abc",
      "x",
    ]);
  });

  test("stays whole when it fits, and a mutation that is too large alone stands alone", () => {
    const small = unitOf(sourced(["a", "b", "c"]));
    expect(cutUnit(small, limits)).toEqual([small]);
    const large = { ...mutation("big", 1), values: { id: "x".repeat(2_000) } };
    const parts = cutUnit(
      unitOf([...sourced(["a"]), { mutation: large, record: record(1) }, ...sourced(["b"])]),
      limits,
    );
    expect(parts.map(({ mutations }) => mutations.length)).toEqual([1, 1, 1]);
    expect(halveUnit(unitOf(sourced(["a", "b", "c"]))).map(({ mutations }) => mutations.length)).toEqual([
      2, 1,
    ]);
  });
});

test("the size of a mutation on the wire is what JSON makes of it, within a few percent, escapes of short texts aside", () => {
  const values = {
    id: "größe 😀",
    n: 9007199254740993n,
    x: 1.5e-7,
    empty: null,
    yes: true,
    bytes: new Uint8Array(5_000),
    long: '"'.repeat(5_000),
  };
  const bytes = wireBytesOf({ ...mutation("a", 1), values });
  const encoded = {
    table: "item",
    values: { ...values, n: String(values.n), bytes: btoa("\0".repeat(5_000)) },
  };
  const real = Buffer.byteLength(JSON.stringify(encoded));
  expect(bytes).toBeGreaterThanOrEqual(real);
  expect(bytes).toBeLessThan(real * 1.02);
});

describe("where a lane begins", () => {
  const plan = planOf({ [T]: 3 });
  const state = {
    positions: new Map([
      [
        T,
        new Map([
          [0, 10],
          [1, 20],
        ]),
      ],
    ]),
    openSnapshots: [{ ...snapshot, from: new Map([[0, 4]]) }],
    step: 3,
  };
  const reading = (read: number, replayedUntil = 0) => {
    return {
      topic: T,
      partition: 0,
      offered: read,
      read,
      replayedUntil,
      end: null,
      measured: null,
      readTimestampMs: null,
    };
  };

  test("is the cookie's position, or earlier for an open snapshot, or the beginning of a partition that it does not know", () => {
    expect(startingPositions(plan, state, [{ topic: T, partition: 0, next: 4 }])).toEqual([
      { position: { topic: T, partition: 0, next: 4 }, replayedUntil: 10 },
      { position: { topic: T, partition: 1, next: 20 }, replayedUntil: 20 },
      { position: { topic: T, partition: 2, next: -1 }, replayedUntil: 0 },
    ]);
  });

  test("R32 forgets a snapshot whose first records are gone, and loses nothing else by that", () => {
    const begun = beginAt({ topic: T, partition: 0, next: 7 }, reading(4, 10), state);
    expect(begun.forgotten).toHaveLength(1);
    expect(begun.state).toEqual({ ...state, openSnapshots: [] });
  });

  test("R32 forgets the snapshots of a topic where events of any partition are lost: they may have been rows of those", () => {
    const lost = beginAt({ topic: T, partition: 1, next: 25 }, reading(20, 20), state);
    expect([lost.forgotten.length, lost.state.openSnapshots]).toEqual([1, []]);
    const unknown = beginAt({ topic: T, partition: 2, next: 3 }, reading(0), state);
    expect(unknown.forgotten).toHaveLength(1);
    expect(beginAt({ topic: T, partition: 2, next: 0 }, reading(0), state).forgotten).toEqual([]);
  });

  test("is elsewhere where events were lost and the operator goes on without them, also before the cookie's position", () => {
    for (const next of [15, 2]) {
      const at = reading(4, 10);
      const begun = beginAt({ topic: T, partition: 0, next }, at, state);
      expect(begun.state.positions.get(T)?.get(0)).toBe(next);
      expect(begun.state.openSnapshots).toEqual([]);
      expect(at).toMatchObject({ read: next, offered: next, replayedUntil: 0 });
    }
  });
});
