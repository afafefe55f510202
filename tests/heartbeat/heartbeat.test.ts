/** The heartbeat: one row, made anew through the write API, whatever happens to the Executive meanwhile. */
import { expect, test } from "bun:test";
import type { FetchLike } from "../../client/index.ts";
import type { Clock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics, type Metrics } from "../../core/process/metrics.ts";
import { HEARTBEAT_METRICS } from "../../heartbeat/metrics.ts";
import { HEARTBEAT_NAME, type RunningHeartbeat, startHeartbeat } from "../../heartbeat/start.ts";
import { serveHeartbeat } from "../../heartbeat/status.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp } from "../server/test-app.ts";
import { until } from "../support/until.ts";

/** A clock whose sleeps end when the test says so. */
function steppedClock() {
  const waits: { ms: number; end: () => void }[] = [];
  let nowUs = 1_000_000;
  const clock: Clock = {
    nowUs: () => nowUs,
    monotonicMs: () => nowUs / 1000,
    sleep: (ms, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waits.push({ ms, end: resolve });
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      return promise;
    },
  };
  return {
    clock,
    /** Waits until the heartbeat sleeps, ends its sleep, and tells for how long it wanted to. */
    step: async () => {
      const wait = await until(() => waits.shift(), { what: "the heartbeat to sleep" });
      nowUs += wait.ms * 1000;
      wait.end();
      return wait.ms;
    },
    forward: (ms: number) => {
      nowUs += ms * 1000;
    },
    asleep: () => until(() => waits.length > 0, { what: "the heartbeat to sleep" }),
  };
}

function start(
  app: TestApp,
  clock: Clock,
  options: { fetch?: FetchLike; isAdmin?: boolean; metrics?: Metrics } = {},
): RunningHeartbeat {
  const { fetch = (input, init) => app.app.handle(new Request(input, init)), isAdmin = true } = options;
  const measured = options.metrics === undefined ? {} : { metrics: options.metrics };
  return startHeartbeat(
    { logger: silentLogger, clock, random: () => 0.5, fetch, ...measured },
    { url: "http://localhost", secret: "s3cr3t-heartbeat", ...(isAdmin ? { adminToken: ADMIN_TOKEN } : {}) },
  );
}

const HEARTBEATS = "SELECT * FROM ctlstore___heartbeats";

async function beats(heartbeat: RunningHeartbeat, app: TestApp): Promise<void> {
  await until(
    async () => heartbeat.lastSequence !== null && heartbeat.lastSequence === (await app.headSequence()),
    {
      what: "a beat",
    },
  );
}

test("the heartbeat makes its family, table and writer, and writes one row every five seconds", async () => {
  await using app = await openTestApp();
  const { clock, step, asleep } = steppedClock();
  const heartbeat = start(app, clock);
  await asleep();
  expect(app.rows(HEARTBEATS)).toEqual([{ name: HEARTBEAT_NAME, value: 1_000_000n }]);
  expect(heartbeat.lastSequence).toBe(await app.headSequence());
  expect(await step()).toBe(5000);
  await asleep();
  expect(app.rows(HEARTBEATS)).toEqual([{ name: HEARTBEAT_NAME, value: 6_000_000n }]);
  await heartbeat.stop();
  const schema = await app.call({ method: "GET", path: "/schema/table/ctlstore/heartbeats" });
  expect(schema.json).toMatchObject({
    fields: [
      ["name", "string"],
      ["value", "integer"],
    ],
    keyFields: ["name"],
  });
});

test("the heartbeat starts again over what it made before, and needs no admin token then", async () => {
  await using app = await openTestApp();
  for (const isAdmin of [true, true, false]) {
    const { clock, asleep } = steppedClock();
    const heartbeat = start(app, clock, { isAdmin });
    await asleep();
    await beats(heartbeat, app);
    await heartbeat.stop();
  }
});

test("the heartbeat goes on after the Executive was away, waiting longer each time, and after its table was dropped", async () => {
  await using app = await openTestApp({ destructiveSchemaChanges: true });
  const { clock, step, asleep } = steppedClock();
  let isAway = false;
  const heartbeat = start(app, clock, {
    fetch: async (input, init) => {
      if (isAway) throw new TypeError("connection refused");
      return app.app.handle(new Request(input, init));
    },
  });
  await asleep();
  isAway = true;
  expect(await step()).toBe(5000);
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) waits.push(await step());
  expect(waits).toEqual([750, 1500, 3000, 6000, 12_000, 22_500, 22_500]);
  await asleep();
  isAway = false;
  await step();
  await asleep();
  await beats(heartbeat, app);
  expect((await app.call({ method: "DELETE", path: "/families/ctlstore/tables/heartbeats" })).status).toBe(
    200,
  );
  expect(await step()).toBe(5000);
  expect(await step()).toBe(750);
  await asleep();
  expect(app.rows(HEARTBEATS)).toHaveLength(1);
  await heartbeat.stop();
});

test("the heartbeat stops in the middle of a request that hangs", async () => {
  await using app = await openTestApp();
  const { clock } = steppedClock();
  const hanging = Promise.withResolvers<void>();
  const heartbeat = start(app, clock, {
    fetch: (_, init) =>
      new Promise((_resolve, reject) => {
        hanging.resolve();
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      }),
  });
  await hanging.promise;
  await heartbeat.stop();
  expect(heartbeat.lastSequence).toBeNull();
});

test("the heartbeat tells how old its last beat is, and answers, when the Executive is away or silent (R46)", async () => {
  await using app = await openTestApp();
  const { clock, step, asleep, forward } = steppedClock();
  const metrics = createMetrics();
  let isAway = false;
  const heartbeat = start(app, clock, {
    metrics,
    fetch: async (input, init) => {
      if (isAway) throw new TypeError("connection refused");
      return app.app.handle(new Request(input, init));
    },
  });
  const endpoint = await serveHeartbeat(
    heartbeat,
    { metrics, logger: silentLogger },
    { bind: "127.0.0.1:0" },
  );
  const names = HEARTBEAT_METRICS;
  const shown = async () => {
    const text = await (await fetch(`${endpoint.url}/metrics`)).text();
    const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
    return [read(names.beatsTotal), read(names.failuresTotal), read(names.ageSeconds)];
  };
  await asleep();
  expect(await shown()).toEqual([1, 0, 0]);
  expect((await fetch(`${endpoint.url}/readyz`)).status).toBe(200);
  isAway = true;
  await step();
  await asleep();
  expect(await shown()).toEqual([1, 1, 5]);
  expect((await fetch(`${endpoint.url}/readyz`)).status).toBe(503);
  expect(await (await fetch(`${endpoint.url}/status`)).json()).toMatchObject({
    state: "failing",
    reason: { code: expect.any(String) },
    lastSequence: Number(heartbeat.lastSequence),
  });
  isAway = false;
  await step();
  await asleep();
  expect((await shown()).slice(0, 2)).toEqual([2, 1]);
  expect((await fetch(`${endpoint.url}/readyz`)).status).toBe(200);
  // R20 its loop does not wake up in time.
  forward(60_000);
  expect(heartbeat.status()).toMatchObject({ state: "failing", reason: { code: "internal" } });
  await endpoint.stop();
  await heartbeat.stop();
});
