/** Events that cannot be loaded: where the loader stops, and what it puts aside; nothing is lost and nothing skipped silently. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { unwrap } from "../../../client/index.ts";
import { CtlstoreError, type ErrorCode } from "../../../core/errors.ts";
import type { DeadLetter, DeadLetters } from "../../../loader/dead-letters/dead-letters.ts";
import { openDeadLetters } from "../../../loader/dead-letters/open.ts";
import type { NotLoadedReason } from "../../../loader/lanes/lane-meter.ts";
import { SILENT_METER } from "../../../loader/lanes/lane-meter.ts";
import { type Columns, changeRecord, column, schemaChange } from "../../support/debezium.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { FaultyHttp } from "./faulty-http.ts";
import { ITEM, type LaneWorld, MADE, openLaneWorld, planOf } from "./lane-world.ts";
import { MemoryLog } from "./memory-log.ts";

let world: LaneWorld;
let log: MemoryLog;
let writers = 0;
const newPlan = () => planOf({ [ITEM]: 1 }, `loader:poison:${++writers}`);
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
const applied = async (plan: ReturnType<typeof newPlan>) =>
  (await world.cookie(plan)).positions.get(ITEM)?.get(0);
const utf8 = (text: string) => new TextEncoder().encode(text);

/** Kept in memory. */
class Letters implements DeadLetters {
  readonly place = "memory";
  readonly letters: DeadLetter[] = [];
  fail: CtlstoreError | null = null;
  async put(letter: DeadLetter): Promise<void> {
    if (this.fail !== null) throw this.fail;
    this.letters.push(letter);
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

const BAD: Readonly<Record<string, { readonly value: Uint8Array; readonly code: ErrorCode }>> = {
  "malformed JSON": { value: utf8('{"op": "c", '), code: "event_malformed" },
  "another format's magic byte": { value: Uint8Array.of(0, 0, 0, 0, 1, 2, 3), code: "event_malformed" },
  "bytes that are no UTF-8": { value: Uint8Array.of(0x7b, 0xff, 0x7d), code: "event_malformed" },
  "a value that its field cannot hold": {
    value: changeRecord({ op: "c", after: { id: "x", n: "many", note: null } }).value ?? new Uint8Array(),
    code: "event_refused",
  },
  "a row that the mapping does not load": {
    value:
      changeRecord({ op: "c", after: { id: "x", n: 1, note: null, color: "red" } }).value ?? new Uint8Array(),
    code: "event_refused",
  },
};

describe("an event that cannot be loaded", () => {
  test.each(Object.entries(BAD))(
    "stops the loader at its place when it is %s, and what is before it is loaded",
    async (_, bad) => {
      const plan = newPlan();
      const prefix = `stop-${writers}-`;
      for (let n = 0; n < 5; n++) log.upsert(P0, { id: `${prefix}${n}`, n });
      log.append(P0, { key: utf8('{"id":"x"}'), value: bad.value, headers: new Map(), timestampMs: null });
      log.upsert(P0, { id: `${prefix}after`, n: 9 });
      const running = await world.start({ plan, log });
      const error = await running.done;
      expect(error).toMatchObject({ code: bad.code });
      expect(String(error)).toContain(`offset 5 of topic "${ITEM}", partition 0`);
      expect(own(prefix)).toHaveLength(5);
      expect(await applied(plan)).toBe(5);
      // And again at the next start.
      expect(await (await world.start({ plan, log })).done).toMatchObject({ code: bad.code });
      expect(await applied(plan)).toBe(5);
    },
  );

  test("is put aside when the operator wants so, and the others are loaded", async () => {
    const plan = newPlan();
    const deadLetters = new Letters();
    const counted: string[] = [];
    const meter = {
      ...SILENT_METER,
      deadLetter: (topic: string, code: string) => counted.push(`${topic} ${code}`),
    };
    for (const [n, { value }] of Object.values(BAD).entries()) {
      log.upsert(P0, { id: `aside-${n}`, n });
      log.append(P0, { key: null, value, headers: new Map(), timestampMs: null });
    }
    log.upsert(P0, { id: "aside-last", n: 9 });
    const running = await world.start({ plan, log, deadLetters, meter });
    await running.caughtUp();
    await running.stop();
    expect(own("aside-")).toHaveLength(6);
    expect(deadLetters.letters.map(({ record, code }) => [record.offset, code])).toEqual(
      Object.values(BAD).map(({ code }, n) => [2 * n + 1, code]),
    );
    expect(counted).toEqual(Object.values(BAD).map(({ code }) => `${ITEM} ${code}`));
    expect(running.lane.status().counts.deadLetters).toBe(5);
    expect(await applied(plan)).toBe(11);
  });

  test("that only the Executive refuses is found in the middle of its batch, by index or by halving", async () => {
    for (const index of [{ index: 3 }, {}]) {
      const plan = newPlan();
      const prefix = `refused-${writers}-`;
      const deadLetters = new Letters();
      const log = new MemoryLog();
      for (let n = 0; n < 20; n++) log.upsert(P0, { id: `${prefix}${n}`, n });
      // An Executive with a rule of its own.
      const http = new FaultyHttp();
      http.refuse = (mutations) => {
        const at = mutations.findIndex(({ values }) => Number(values["n"]) % 7 === 3);
        if (at === -1) return null;
        const details = "index" in index ? { index: at, field: "n" } : {};
        return { status: 422, code: "invalid_value", ...details };
      };
      const running = await world.start({ plan, log, http, deadLetters, options: { lingerMs: 50 } });
      await running.caughtUp();
      await running.stop();
      expect(deadLetters.letters.map(({ record }) => record.offset)).toEqual([3, 10, 17]);
      expect(own(prefix)).toHaveLength(17);
      const stopping = await world.start({ plan: newPlan(), log, http });
      expect(await stopping.done).toMatchObject({
        code: "event_refused",
        message: expect.stringContaining("offset 3 "),
      });
      expect(await applied(stopping.lane.plan)).toBe(3);
    }
  });

  test("leaves the repeat before it in force when it is the last of its row in a folded batch", async () => {
    const plan = newPlan();
    const deadLetters = new Letters();
    const http = new FaultyHttp();
    http.refuse = (mutations) => {
      const index = mutations.findIndex(({ values }) => values["n"] === 13);
      return index === -1 ? null : { status: 422, code: "invalid_value", index };
    };
    for (const n of [11, 12, 13]) log.upsert(P0, { id: "repeat-bad", n });
    const running = await world.start({ plan, log, http, deadLetters, options: { lingerMs: 50 } });
    await running.caughtUp();
    await running.stop();
    expect(world.rows().find(({ id }) => id === "repeat-bad")).toMatchObject({ n: 12n });
    expect(deadLetters.letters.map(({ record }) => record.offset)).toEqual([2]);
  });

  test("is not passed while its letter cannot be kept: what passes is waited for, what does not stops the loader", async () => {
    const plan = newPlan();
    const deadLetters = new Letters();
    deadLetters.fail = new CtlstoreError("kafka_unavailable", "Cannot reach a broker");
    log.append(P0, { key: null, value: utf8("?"), headers: new Map(), timestampMs: null });
    log.upsert(P0, { id: "unkept", n: 1 });
    const running = await world.start({ plan, log, deadLetters });
    await until(() => running.lane.status().why?.includes("broker"), {
      what: "the lane waits for the broker",
    });
    expect(await applied(plan)).toBeUndefined();
    deadLetters.fail = new CtlstoreError("dead_letters_unavailable", "Cannot write: the disk is full");
    expect(await running.done).toMatchObject({ code: "dead_letters_unavailable" });
    expect(await applied(plan)).toBeUndefined();
    deadLetters.fail = null;
    const again = await world.start({ plan, log, deadLetters });
    await again.caughtUp();
    await again.stop();
    expect(deadLetters.letters).toHaveLength(1);
    expect(own("unkept")).toHaveLength(1);
  });

  test("is kept at least once when the loader dies between its letter and the cookie", async () => {
    using folder = tempFolder("letters");
    const path = folder.file("dead.jsonl");
    const plan = newPlan();
    const bad = (n: number) => {
      log.append(P0, { key: null, value: utf8(`bad ${n}`), headers: new Map(), timestampMs: null });
      log.upsert(P0, { id: `crash-${n}`, n });
    };
    for (let n = 0; n < 12; n++) bad(n);
    for (let life = 0; life < 5; life++) {
      await using deadLetters = await openDeadLetters({ kind: "file", path }, neverAsked);
      const http = new FaultyHttp();
      // The letters are there; the batch behind them is lost with the process, sent or not.
      http.chance = () => (life % 2 === 0 ? "lose-request" : "lose-answer");
      const running = await world.start({ plan, log, http, deadLetters, options: { batchRows: 3 } });
      const isOver = () => http.batches.length >= 1 || running.lane.isCaughtUp;
      await until(isOver, { what: "a batch is sent, or nothing is left" });
      await running.crash();
    }
    await using deadLetters = await openDeadLetters({ kind: "file", path }, neverAsked);
    const last = await world.start({ plan, log, deadLetters });
    await last.caughtUp();
    await last.stop();
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    const offsets = new Set(lines.map((line) => JSON.parse(line).offset));
    expect([...offsets].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, n) => 2 * n));
    expect(own("crash-")).toHaveLength(12);
  });
});

describe("what is not loaded by intent", () => {
  test("is counted by reason", async () => {
    const plan = newPlan();
    const reasons: NotLoadedReason[] = [];
    const meter = {
      ...SILENT_METER,
      notLoaded: (_: string, reason: NotLoadedReason) => reasons.push(reason),
    };
    log.append(P0, schemaChange("ALTER TABLE x"));
    const running = await world.start({ plan, log, meter });
    await running.caughtUp();
    running.lane.offer(log.read({ ...P0, next: 0 }, 1));
    await until(() => reasons.length === 2, { what: "both are counted" });
    await running.stop();
    expect(reasons).toEqual(["schema-change", "repeat"]);
  });
});

describe("tables that change under a batch", () => {
  test("are looked at again, and the events mapped again, before any event is blamed", async () => {
    const plan = newPlan();
    const deadLetters = new Letters();
    const { client } = world;
    const fields: [string, string][] = [
      ["id", "string"],
      ["n", "string"],
      ["note", "text"],
    ];
    // What was an integer is a string now; the loader's mapping does not know yet.
    const item = client.families({ family: "shop" }).tables({ table: "item" });
    unwrap(await item.delete());
    unwrap(await item.post({ fields, keyFields: ["id"] }));
    log.upsert(P0, { id: "renewed", n: 1 });
    const running = await world.start({ plan, log, deadLetters });
    await running.caughtUp();
    await running.stop();
    expect(deadLetters.letters).toEqual([]);
    expect(world.rows()).toEqual([{ id: "renewed", n: "1", note: null }]);
  });
});

describe("a table that the loader makes", () => {
  const columns = { id: column("string", { optional: false }), n: column("int64") };
  const place = { topic: MADE, partition: 0 };
  const made = (id: string, n: number, more: Columns = {}) => {
    const values = Object.fromEntries(Object.keys(more).map((name) => [name, n]));
    log.append(
      place,
      changeRecord({ op: "c", after: { id, n, ...values }, columns: { ...columns, ...more } }),
    );
  };

  test("is made for the first event, gets new fields, and is made again when somebody drops it under a batch", async () => {
    const plan = planOf({ [MADE]: 1 }, `loader:poison:${++writers}`);
    made("a", 1);
    made("b", 2, { size: column("int32") });
    const running = await world.start({ plan, log });
    await running.caughtUp();
    expect(world.rows("made___item")).toEqual([
      { id: "a", n: 1n, size: null },
      { id: "b", n: 2n, size: 2n },
    ]);
    unwrap(await world.client.families({ family: "made" }).tables({ table: "item" }).delete());
    made("c", 3, { size: column("int32") });
    await running.caughtUp();
    await running.stop();
    expect(world.rows("made___item")).toEqual([{ id: "c", n: 3n, size: 3n }]);
  });
});

const neverAsked = (): never => {
  throw new Error("no producer is needed");
};
