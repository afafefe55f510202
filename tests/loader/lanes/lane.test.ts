/** A lane against a real Executive: what it loads, what it does when something fails, and where it stops (I3, R30, R31). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { LANE_LIMITS } from "../../../core/limits.ts";
import { schemaChange } from "../../support/debezium.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { until } from "../../support/until.ts";
import { FaultyHttp } from "./faulty-http.ts";
import { ACCOUNT, ITEM, type LaneWorld, openLaneWorld, planOf } from "./lane-world.ts";
import { MemoryLog } from "./memory-log.ts";

let world: LaneWorld;
let log: MemoryLog;
/** Each test has a writer of its own, and so a cookie. */
let writers = 0;
const newPlan = (topics: Readonly<Record<string, number>> = { [ITEM]: 1 }) =>
  planOf(topics, `loader:${++writers}`);
const P0 = { topic: ITEM, partition: 0 };

beforeAll(async () => {
  world = await openLaneWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  log = new MemoryLog();
});

const ids = () => world.rows().map(({ id }) => String(id));
const own = (prefix: string) => world.rows().filter(({ id }) => String(id).startsWith(prefix));

describe("a lane", () => {
  test("loads creates, updates and deletes, and its cookie says how far", async () => {
    const plan = newPlan({ [ITEM]: 2 });
    const P1 = { topic: ITEM, partition: 1 };
    log.upsert(P0, { id: "basic-a", n: 1 });
    log.upsert(P1, { id: "basic-b", n: 2 });
    log.upsert(P0, { id: "basic-a", n: 3, note: "größe" }, "u");
    log.remove(P1, { id: "basic-b", n: 2 });
    const running = await world.start({ plan, log });
    await running.caughtUp();
    await running.stop();
    expect(own("basic-")).toEqual([{ id: "basic-a", n: 3n, note: "größe" }]);
    const { positions } = await world.cookie(plan);
    expect(positions).toEqual(
      new Map([
        [
          ITEM,
          new Map([
            [0, 2],
            [1, 3],
          ]),
        ],
      ]),
    );
    expect(running.lane.appliedPositions()).toEqual([
      { ...P0, next: 2 },
      { ...P1, next: 3 },
    ]);
    expect(running.lane.status()).toMatchObject({ state: "stopped", why: null, waiting: 0, held: 0 });
  });

  test("goes on after a restart where its cookie is, and writes nothing again", async () => {
    const plan = newPlan();
    for (let n = 0; n < 250; n++) log.upsert(P0, { id: `restart-${n}`, n });
    const first = await world.start({ plan, log });
    await first.caughtUp();
    await first.stop();
    log.upsert(P0, { id: "restart-last", n: 999 });
    const second = await world.start({ plan, log });
    await second.caughtUp();
    await second.stop();
    expect(second.http.batches.flatMap(({ mutations }) => mutations)).toHaveLength(1);
    expect(second.lane.status().counts).toMatchObject({ records: 1, rows: 1 });
    expect(own("restart-")).toHaveLength(251);
  });

  test("keeps batches within rows, bytes and one family", async () => {
    const plan = newPlan({ [ITEM]: 1, [ACCOUNT]: 1 });
    for (let n = 0; n < 40; n++) {
      log.upsert(P0, { id: `limit-${n}`, n, note: "x".repeat(n % 10 === 0 ? 3_000 : 10) });
      log.upsert({ topic: ACCOUNT, partition: 0 }, { id: `limit-${n}`, n });
    }
    const options = { batchRows: 7, batchBytes: 4_096, lingerMs: 100 };
    const running = await world.start({ plan, log, options, chunk: () => 5 });
    await running.caughtUp();
    await running.stop();
    for (const { mutations } of running.http.batches) {
      expect(mutations.length).toBeLessThanOrEqual(7);
      expect(JSON.stringify(mutations).length).toBeLessThanOrEqual(4_096);
    }
    expect(own("limit-")).toHaveLength(40);
    expect(world.rows("bank___account")).toHaveLength(40);
  });

  test("sends the last of a batch's repeats only, and with keepRepeats all of them; the rows are the same", async () => {
    for (const keepRepeats of [false, true]) {
      const plan = newPlan();
      const prefix = `fold-${keepRepeats}`;
      const log = new MemoryLog();
      for (let n = 0; n < 90; n++) {
        const id = `${prefix}-${n % 3}`;
        if (n % 5 === 4) log.remove(P0, { id, n });
        else log.upsert(P0, { id, n });
      }
      const options = { keepRepeats, lingerMs: 300, idleCookieMs: 60_000 };
      const running = await world.start({ plan, log, options, chunk: () => 1_000 });
      await running.caughtUp();
      await running.stop();
      const { rows } = running.lane.status().counts;
      // A tombstone is a delete again: nobody can see whether its event was flattened.
      expect({ keepRepeats, rows }).toEqual({ keepRepeats, rows: keepRepeats ? 108 : 3 });
      // Repeats count where they are sent: the Executive would refuse the batch, and later transactions be cut for it.
      for (const { mutations } of running.http.batches)
        expect(mutations.length).toBeLessThanOrEqual(LANE_LIMITS.batchRows);
      // 87, 88 are the last of their rows; 89 deletes the third.
      expect(own(prefix).map(({ n }) => n)).toEqual([87n, 88n]);
    }
  });

  test("moves its cookie also past records that are about no row, without a request for each", async () => {
    const plan = newPlan();
    for (let n = 0; n < 600; n++) log.append(P0, schemaChange("ALTER TABLE x"));
    const running = await world.start({ plan, log, options: { idleCookieMs: 60_000 } });
    await until(() => running.lane.isCaughtUp, { what: "all of them are read" });
    await running.stop();
    expect((await world.cookie(plan)).positions.get(ITEM)?.get(0)).toBe(600);
    expect(running.http.batches.length).toBeLessThanOrEqual(1);
  });

  test("moves its position over offsets at the end that hold no record", async () => {
    const plan = newPlan();
    log.upsert(P0, { id: "gap", n: 1 });
    log.skip(P0, 6);
    const running = await world.start({ plan, log });
    await running.caughtUp();
    await running.stop();
    expect((await world.cookie(plan)).positions.get(ITEM)?.get(0)).toBe(7);
  });

  test("loads an event of 2 MiB whose row is small, and one whose row is too large is an event at which to stop", async () => {
    const plan = newPlan();
    const { key, value, ...rest } = log.upsert(P0, { id: "large", n: 1 });
    const padded = Buffer.concat([Buffer.from(value ?? []), Buffer.alloc(2 * 1024 * 1024, " ")]);
    log.append(P0, { ...rest, key, value: padded });
    log.upsert(P0, { id: "too-large", n: 2, note: "x".repeat(600_000) });
    const running = await world.start({ plan, log });
    expect(await running.done).toMatchObject({ code: "event_refused", details: { field: "note" } });
    expect(ids()).toContain("large");
    expect((await world.cookie(plan)).positions.get(ITEM)?.get(0)).toBe(2);
  });

  test("halves a batch that the Executive finds too large, and takes fewer rows from then on when those are too many", async () => {
    const plan = newPlan();
    // Escapes make the body six times as large as the text.
    for (let n = 0; n < 8; n++)
      log.upsert(P0, { id: `escape-${n}`, n, note: "\u0001".repeat(4_000 * (n + 1)) });
    for (let n = 0; n < 250; n++) log.upsert(P0, { id: `many-${n}`, n });
    const running = await world.start({ plan, log, options: { batchRows: 240, lingerMs: 100 } });
    await running.caughtUp();
    await running.stop();
    expect(own("escape-")).toHaveLength(8);
    expect(own("many-")).toHaveLength(250);
  });
});

describe("a changed primary key", () => {
  test("R31 takes effect as one where its parts lie in one partition, whatever the chunks", async () => {
    const plan = newPlan();
    for (let n = 0; n < 20; n++) {
      log.upsert(P0, { id: `key-${n}-old`, n: 2 * n });
      log.remove(P0, { id: `key-${n}-old`, n: 2 * n }, `key-${n}-new`);
      log.upsert(P0, { id: `key-${n}-new`, n: 2 * n + 1 });
    }
    const options = { batchRows: 3, keepRepeats: true };
    const running = await world.start({ plan, log, options, chunk: () => 1 });
    await running.caughtUp();
    await running.stop();
    for (const { mutations } of running.http.batches) {
      const olds = mutations.filter((one) => "delete" in one).map(({ values }) => String(values["id"]));
      const news = mutations.map(({ values }) => String(values["id"]));
      for (const id of olds) expect(news).toContain(id.replace("old", "new"));
    }
    expect(own("key-").map(({ n }) => n)).toHaveLength(20);
  });

  test("R31 waits for its second half without end only while there may be one", async () => {
    const plan = newPlan();
    log.upsert(P0, { id: "half-old", n: 1 });
    log.remove(P0, { id: "half-old", n: 1 }, "half-new");
    const running = await world.start({ plan, log });
    await until(() => running.lane.status().held === 2, { what: "the delete and its tombstone are held" });
    expect(running.lane.isCaughtUp).toBe(false);
    await running.stop();
    // Nothing of it was passed: it is read again.
    expect((await world.cookie(plan)).positions.get(ITEM)?.get(0)).toBe(1);
    expect(own("half-")).toHaveLength(1);
    log.upsert(P0, { id: "half-new", n: 2 });
    const again = await world.start({ plan, log });
    await again.caughtUp();
    await again.stop();
    expect(own("half-").map(({ id }) => id)).toEqual(["half-new"]);
  });
});

describe("a lane in trouble", () => {
  test("R30 writes each batch once when answers are lost, outcomes unknown, or the Executive is away", async () => {
    const plan = newPlan();
    const http = new FaultyHttp();
    http.faults.push(
      "lose-request",
      "lose-answer",
      "unknown",
      "busy",
      "lose-answer",
      "lose-answer",
      "proxy-error",
    );
    for (let n = 0; n < 60; n++) log.upsert(P0, { id: `fault-${n % 7}`, n });
    const options = { batchRows: 5, keepRepeats: true };
    const running = await world.start({ plan, log, http, options });
    await running.caughtUp();
    await running.stop();
    const written = (await world.statements()).flatMap((text) => /'fault-\d',(\d+)/.exec(text)?.[1] ?? []);
    expect(written.map(Number)).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect(running.lane.status().counts.retries).toBeGreaterThanOrEqual(3);
  });

  test("R30 recognises a batch whose reply a network lost", async () => {
    const plan = newPlan();
    await using proxy = await startFaultProxy({ port: Number(new URL(world.url).port) });
    log.upsert(P0, { id: "proxied", n: 4711 });
    proxy.set({ dropReplyOf: /mutations/ });
    const running = await world.start({ plan, log, url: `http://127.0.0.1:${proxy.port}` });
    await running.caughtUp();
    await running.stop();
    expect((await world.statements()).filter((text) => text.includes("4711"))).toHaveLength(1);
  });

  test("waits as told when it is limited, and its status says for what and until when", async () => {
    const plan = newPlan();
    const http = new FaultyHttp();
    http.faults.push({ status: 429, code: "rate_limited", headers: { "retry-after": "3600" } });
    log.upsert(P0, { id: "limited", n: 1 });
    const running = await world.start({ plan, log, http });
    const status = await until(
      () => (running.lane.status().state === "waiting" ? running.lane.status() : null),
      {
        what: "the lane waits",
      },
    );
    expect(status.why).toContain("rate_limited");
    expect((status.untilMs ?? 0) - Date.now()).toBeGreaterThan(3_000_000);
    await running.stop();
    expect(ids()).not.toContain("limited");
  });

  test("gives up what is away after its patience, if it has one", async () => {
    const plan = newPlan();
    const http = new FaultyHttp();
    http.chance = () => "busy";
    log.upsert(P0, { id: "impatient", n: 1 });
    const running = await world.start({ plan, log, http, options: { patienceMs: 300 } });
    expect(await running.done).toMatchObject({ code: "ctldb_unavailable" });
    expect(running.lane.status()).toMatchObject({
      state: "stopped",
      why: expect.stringContaining("ctldb_unavailable"),
    });
  });

  test("waits for room in a full table, and does not take the event for a bad one (R35)", async () => {
    const plan = newPlan();
    const http = new FaultyHttp();
    http.faults.push({ status: 507, code: "table_full" });
    log.upsert(P0, { id: "full", n: 1 });
    const running = await world.start({ plan, log, http });
    await running.caughtUp();
    await running.stop();
    expect(ids()).toContain("full");
  });

  test("stops for good when its credentials are refused, whatever it does with bad events", async () => {
    const plan = newPlan();
    const http = new FaultyHttp();
    http.faults.push({ status: 401, code: "bad_credentials" });
    log.upsert(P0, { id: "secret", n: 1 });
    const running = await world.start({ plan, log, http });
    expect(await running.done).toMatchObject({ code: "bad_credentials" });
  });

  test("R30 of two lanes on one cookie each event is written once, one wins, and the other changes nothing", async () => {
    const plan = newPlan();
    for (let n = 0; n < 120; n++) log.upsert(P0, { id: `race-${n}`, n });
    const options = { batchRows: 4, keepRepeats: true };
    const [one, two] = await Promise.all([
      world.start({ plan, log, options }),
      world.start({ plan, log, options }),
    ]);
    const loser = await Promise.race([
      one.done.then((error) => ({ error, winner: two })),
      two.done.then((error) => ({ error, winner: one })),
    ]);
    expect(loser.error).toMatchObject({ code: "cookie_conflict" });
    const ended = await Promise.race([loser.winner.done, loser.winner.caughtUp()]).catch((error) => error);
    // Both may lose: one by the other's last batch. Then the next one goes on.
    if (ended !== undefined) {
      const third = await world.start({ plan, log, options });
      await third.caughtUp();
      await third.stop();
    } else await loser.winner.stop();
    const written = (await world.statements()).flatMap((text) => /'race-(\d+)'/.exec(text)?.[1] ?? []);
    expect(written.map(Number)).toEqual(Array.from({ length: 120 }, (_, n) => n));
  });

  test("a cookie that is not the loader's is refused and stays as it is", async () => {
    const plan = newPlan();
    const headers = { "ctlstore-writer": plan.writer, "ctlstore-secret": "s3cr3t-writer" };
    await world.client.writers({ writer: plan.writer }).post("s3cr3t-writer");
    const body = new TextEncoder().encode("offset=17");
    await world.client.cookie.post(undefined, { headers, fetch: { body } });
    const opening = world.start({ plan, log }).catch((error) => error);
    expect(await opening).toMatchObject({ code: "cookie_foreign" });
    const stored = await world.client.cookie.get({ headers });
    expect(new TextDecoder().decode(stored.data ?? new ArrayBuffer(0))).toBe("offset=17");
  });
});
