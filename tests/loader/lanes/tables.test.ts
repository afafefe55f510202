/** Work on tables, transactions above the limits and open snapshots, under the lane's cookie (R30, R32). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import type { SnapshotTracker } from "../../../loader/lanes/snapshot-tracker.ts";
import type { LaneHold, TableWorker } from "../../../loader/lanes/table-worker.ts";
import type { TableTask, Unit } from "../../../loader/lanes/units/unit.ts";
import type { MappedRecord, UnitMaker } from "../../../loader/lanes/units/unit-maker.ts";
import type { RowMutation } from "../../../loader/mapping/mapping.ts";
import { kafkaRecord } from "../../support/debezium.ts";
import { until } from "../../support/until.ts";
import { FaultyHttp } from "./faulty-http.ts";
import { ACCOUNT, ITEM, type LaneWorld, openLaneWorld, planOf } from "./lane-world.ts";
import { MemoryLog } from "./memory-log.ts";

let world: LaneWorld;
let log: MemoryLog;
let writers = 0;
const newPlan = (topics: Readonly<Record<string, number>> = { [ITEM]: 1 }) =>
  planOf(topics, `loader:tables:${++writers}`);
const P0 = { topic: ITEM, partition: 0 };

beforeAll(async () => {
  world = await openLaneWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  log = new MemoryLog();
});

const own = (prefix: string) =>
  world
    .rows()
    .map(({ id }) => String(id))
    .filter((id) => id.startsWith(prefix));
const removal = (id: string): RowMutation => ({
  family: "shop",
  table: "item",
  delete: true,
  values: { id },
  keyText: id,
});
const truncate = () =>
  kafkaRecord({
    value: { op: "t", before: null, after: null, source: { db: "inventory", table: "customers" }, ts_ms: 1 },
  });

/** Deletes what the test says, once it is let. */
class Worker implements TableWorker {
  readonly tasks: TableTask[] = [];
  rows: readonly string[] = [];
  before: () => Promise<void> = async () => {};
  async run(task: TableTask, hold: LaneHold): Promise<void> {
    this.tasks.push(task);
    await this.before();
    for (const id of this.rows) await hold.write([removal(id)]);
  }
}

describe("work on a table", () => {
  test("begins when everything before it has taken effect, and ends before what comes after", async () => {
    const plan = newPlan();
    const tableWorker = new Worker();
    for (let n = 0; n < 7; n++) log.upsert(P0, { id: `clear-${n}`, n });
    log.append(P0, truncate());
    log.upsert(P0, { id: "clear-after", n: 9 });
    tableWorker.before = async () => {
      tableWorker.rows = own("clear-");
    };
    const running = await world.start({ plan, log, tableWorker });
    await running.caughtUp();
    await running.stop();
    expect(tableWorker.tasks.map(({ kind }) => kind)).toEqual(["clear"]);
    expect(tableWorker.rows).toHaveLength(7);
    expect(own("clear-")).toEqual(["clear-after"]);
  });

  test("is begun again when something was away, and after a crash in its middle", async () => {
    const plan = newPlan();
    const tableWorker = new Worker();
    for (let n = 0; n < 4; n++) log.upsert(P0, { id: `again-${n}`, n });
    log.append(P0, truncate());
    let failures = 2;
    tableWorker.rows = ["again-0", "again-1"];
    tableWorker.before = async () => {
      if (failures-- > 0) throw new CtlstoreError("ctldb_unavailable", "Cannot list the keys");
    };
    const http = new FaultyHttp();
    const running = await world.start({ plan, log, http, tableWorker });
    await until(() => own("again-").length === 2, { what: "half of the rows are gone" });
    await running.crash();
    expect(tableWorker.tasks).toHaveLength(3);
    // The record that brought it has not been passed, or the work was done.
    tableWorker.rows = own("again-");
    const again = await world.start({ plan, log, tableWorker });
    await again.caughtUp();
    await again.stop();
    expect((await world.cookie(plan)).positions.get(ITEM)?.get(0)).toBe(5);
  });

  test("R30 deletes nothing when another loader has moved the cookie meanwhile", async () => {
    const plan = newPlan();
    for (let n = 0; n < 3; n++) log.upsert(P0, { id: `fenced-${n}`, n });
    log.append(P0, truncate());
    const tableWorker = new Worker();
    tableWorker.rows = ["fenced-0"];
    let isOvertaken = false;
    tableWorker.before = async () => {
      await until(() => isOvertaken, { what: "another lane has written" });
    };
    const stale = await world.start({ plan, log, tableWorker });
    await until(() => tableWorker.tasks.length === 1, { what: "the stale lane works on the table" });
    const owner = await world.start({ plan, log, tableWorker: new Worker() });
    await owner.caughtUp();
    isOvertaken = true;
    expect(await stale.done).toMatchObject({ code: "cookie_conflict" });
    await owner.stop();
    expect(own("fenced-")).toHaveLength(3);
  });
});

/** All records of the log as one transaction, once they are there. */
class OneTransaction implements UnitMaker {
  readonly #records: MappedRecord[] = [];
  readonly #size: number;
  held = { records: 0, bytes: 0 };
  constructor(size: number) {
    this.#size = size;
  }
  push(mapped: MappedRecord): readonly Unit[] {
    this.#records.push(mapped);
    this.held = { records: this.#records.length, bytes: 0 };
    if (this.#records.length < this.#size) return [];
    const records = this.#records.splice(0);
    this.held = { records: 0, bytes: 0 };
    const mutations = records.flatMap((one) =>
      one.mutations.map((mutation) => ({ mutation, record: one.record })),
    );
    const ends = new Map(records.map(({ record }) => [record.topic, record]));
    const advances = [...ends.values()].map(({ topic, partition, offset }) => ({
      topic,
      partition,
      next: offset + 1,
    }));
    return [{ kind: "rows", mutations, advances, isTransaction: true }];
  }
  replay(): void {}
  tick(): readonly Unit[] {
    return [];
  }
}

describe("a transaction", () => {
  const start = (plan: ReturnType<typeof newPlan>, size: number, http = new FaultyHttp()) =>
    world.start({ plan, log, http, options: { batchRows: 10 }, makeUnits: () => new OneTransaction(size) });

  test("is one ledger transaction up to the limit, in neither case is any of it lost", async () => {
    for (const [size, batches] of [
      [10, 1],
      [35, 4],
    ] as const) {
      log = new MemoryLog();
      for (let n = 0; n < size; n++) log.upsert(P0, { id: `tx-${size}-${n}`, n });
      const running = await start(newPlan(), size);
      await running.caughtUp();
      await running.stop();
      expect(running.http.batches).toHaveLength(batches);
      expect(own(`tx-${size}-`)).toHaveLength(size);
    }
  });

  test("R30 above the limit is begun again from its first part after a crash, and ends with the same rows", async () => {
    const plan = newPlan();
    for (let n = 0; n < 35; n++) log.upsert(P0, { id: `part-${n % 12}`, n });
    const http = new FaultyHttp();
    http.faults.push("none", "none", "lose-request");
    const first = await start(plan, 35, http);
    await until(() => http.batches.length >= 3, { what: "two parts are written" });
    await first.crash();
    const { positions, step } = await world.cookie(plan);
    expect(positions.get(ITEM)?.get(0) ?? 0).toBe(0);
    expect(step).toBeGreaterThan(0);
    const second = await start(plan, 35);
    await second.caughtUp();
    await second.stop();
    expect((await world.cookie(plan)).step).toBe(0);
    const rows = world.rows().filter(({ id }) => String(id).startsWith("part-"));
    // The last of each row: 23 to 34.
    expect(rows.map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 12 }, (_, i) => 23 + i),
    );
  });

  test("over several families is one batch of each", async () => {
    const plan = newPlan({ [ITEM]: 1, [ACCOUNT]: 1 });
    log.upsert(P0, { id: "families", n: 1 });
    log.upsert({ topic: ACCOUNT, partition: 0 }, { id: "families", n: 2 });
    const running = await start(plan, 2);
    await running.caughtUp();
    await running.stop();
    expect(running.http.batches).toHaveLength(2);
    expect(own("families")).toHaveLength(1);
    expect(world.rows("bank___account").map(({ id }) => id)).toContain("families");
  });
});

describe("an open snapshot", () => {
  test("R32 is in the cookie, and its records are read again after a restart without being written again", async () => {
    const plan = { ...newPlan(), snapshotTables: [{ topic: ITEM, family: "shop", table: "item" }] };
    const seen: { offset: number; isReplay: boolean }[] = [];
    const tracker: SnapshotTracker = {
      restore: ({ openSnapshots }) =>
        openSnapshots.flatMap(({ topic, from }) =>
          [...from].map(([partition, next]) => ({ topic, partition, next })),
        ),
      observe: ({ record: { offset } }, isReplay) => {
        seen.push({ offset, isReplay });
        const open = { family: "shop", table: "item", topic: ITEM, from: new Map([[0, 2]]) };
        return { task: null, openSnapshots: !isReplay && offset === 2 ? [open] : null };
      },
      tick: () => [],
    };
    for (let n = 0; n < 6; n++) log.upsert(P0, { id: `snap-${n}`, n }, "r");
    // The position is behind a gap, where the records that are read again end before it.
    log.skip(P0, 3);
    const first = await world.start({ plan, log, tracker });
    await first.caughtUp();
    await first.stop();
    expect((await world.cookie(plan)).openSnapshots).toEqual([
      { family: "shop", table: "item", topic: ITEM, from: new Map([[0, 2]]) },
    ]);
    seen.length = 0;
    const idle = await world.start({ plan, log, tracker });
    await idle.caughtUp();
    await idle.stop();
    expect(idle.lane.status().counts.batches).toBe(0);
    seen.length = 0;
    log.upsert(P0, { id: "snap-new", n: 9 });
    const second = await world.start({ plan, log, tracker });
    await second.caughtUp();
    await second.stop();
    expect(seen).toEqual([
      ...[2, 3, 4, 5].map((offset) => ({ offset, isReplay: true })),
      { offset: 9, isReplay: false },
    ]);
    expect(second.lane.status().counts.rows).toBe(1);
  });

  test("is not waited for in vain when the topic is shorter than the cookie says: that is events lost", async () => {
    const plan = { ...newPlan(), snapshotTables: [{ topic: ITEM, family: "shop", table: "item" }] };
    const tracker: SnapshotTracker = {
      restore: ({ openSnapshots }) => openSnapshots.map(() => ({ ...P0, next: 0 })),
      observe: (_, isReplay) => {
        const open = { family: "shop", table: "item", topic: ITEM, from: new Map([[0, 0]]) };
        return { task: null, openSnapshots: isReplay ? null : [open] };
      },
      tick: () => [],
    };
    for (let n = 0; n < 5; n++) log.upsert(P0, { id: `shrunk-${n}`, n }, "r");
    const first = await world.start({ plan, log, tracker });
    await first.caughtUp();
    await first.stop();
    log = new MemoryLog();
    log.upsert(P0, { id: "shrunk-0", n: 0 }, "r");
    const second = await world.start({ plan, log, tracker });
    expect(await second.done).toMatchObject({ code: "events_lost" });
  });
});

describe("the intake", () => {
  test("I13 is full at its bounds, and goes on when there is room again", async () => {
    const plan = newPlan();
    const http = new FaultyHttp();
    http.chance = () => "busy";
    for (let n = 0; n < 400; n++) log.upsert(P0, { id: `intake-${n}`, n });
    const options = { intakeRecords: 20, batchRows: 5 };
    const running = await world.start({ plan, log, http, options, chunk: () => 10 });
    await until(() => running.lane.isFull, { what: "the intake is full" });
    await until(() => http.batches.length > 2, { what: "the Executive was asked several times" });
    // One batch under way, one waiting, and the intake.
    expect(running.lane.status().waiting).toBeLessThanOrEqual(30);
    expect(running.lane.status().partitions[0]?.read).toBeLessThanOrEqual(40);
    http.chance = () => "none";
    await running.caughtUp();
    await running.stop();
    expect(own("intake-")).toHaveLength(400);
  });
});
