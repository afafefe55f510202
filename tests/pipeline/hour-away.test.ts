/**
 * R47: the ctldb is away for an hour. Whatever arrives meanwhile, each part asks for it a bounded number of times and
 * says so in a bounded number of lines, and goes on soon after it is back. The hour is simulated: real parts, a clock of ours.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { followReflector } from "../../cli/followed-reflector.ts";
import { CtlstoreError } from "../../core/errors.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { ConnectGate } from "../../ctldb/mysql/connect-gate.ts";
import { startHeartbeat } from "../../heartbeat/start.ts";
import { Waits } from "../../loader/lanes/waits.ts";
import { Patience } from "../../loader/service/patience.ts";
import { startReflector } from "../../reflector/start.ts";
import { startSupervisor } from "../../snapshot/supervisor/start.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "../reflector/memory-ledger.ts";
import { FakeClock } from "../reflector/readiness/fake-clock.ts";
import { recordingLogger } from "../reflector/readiness/recording-logger.ts";
import { MemoryStore } from "../snapshot/memory-store.ts";
import { testSecret } from "../support/secrets.ts";
import { seededRandom, suiteSeed } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";

setDefaultTimeout(60_000);

const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

/** Lets time pass in small steps, so that everybody sees it pass. */
async function pass(clock: FakeClock, ms: number, stepMs: number, atStep = () => {}): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
    atStep();
    await clock.advance(stepMs);
  }
}

function world() {
  const random = seededRandom(suiteSeed());
  /** What an operator sees at the usual level. */
  const { logger, lines: told } = recordingLogger();
  return { clock: new FakeClock(), random, logger, told };
}

describe("R47 an hour without the ctldb", () => {
  test("costs an Executive one attempt a second and a line a minute when requests arrive all the time", async () => {
    const { clock, random, logger, told } = world();
    const gate = new ConnectGate({ clock, logger, random });
    let attempts = 0;
    let isThere = false;
    const connect = async () => {
      attempts += 1;
      if (!isThere) throw ctldbAway();
    };
    let refused = 0;
    let served = 0;
    const request = () =>
      void gate.pass(connect, never).then(
        () => {
          served += 1;
        },
        (error) => {
          expect(error).toBeInstanceOf(CtlstoreError);
          expect(error.code).toBe("ctldb_unavailable");
          refused += 1;
        },
      );
    await pass(clock, HOUR_MS, 50, request);
    expect(attempts).toBeLessThan(2 * 3_600);
    expect(refused).toBeGreaterThan(70_000);
    expect(told.length).toBeGreaterThan(50);
    expect(told.length).toBeLessThan(62);
    isThere = true;
    await pass(clock, 1_550, 50, request);
    expect(served).toBeGreaterThan(0);
    expect(told.at(-1)).toMatchObject({ level: "info", message: "the ctldb is there again" });
  });

  test("costs a Reflector a few hundred polls and a dozen lines", async () => {
    const { clock, random, logger, told } = world();
    using folder = tempFolder();
    const source = new MemoryLedger();
    source.append(CREATE_T, put(1, "a"));
    source.failure = ctldbAway();
    let asked = 0;
    const counted = counting(source, () => {
      asked += 1;
    });
    const deps = { source: counted, logger, clock, random, metrics: createMetrics() };
    const reflector = await startReflector(deps, { ldbFolder: folder.path });
    await pass(clock, HOUR_MS, 250);
    expect(asked).toBeGreaterThan(100);
    expect(asked).toBeLessThan(400);
    expect(told.length).toBeLessThan(20);
    source.failure = null;
    await pass(clock, 30_000, 250);
    expect(reflector.status().state).toBe("current");
    await reflector.stop();
  });

  test("costs a Reflector without an LDB no more when the store of snapshots is away too", async () => {
    const { clock, random, logger, told } = world();
    using folder = tempFolder();
    const source = new MemoryLedger();
    source.failure = ctldbAway();
    let asked = 0;
    let listed = 0;
    const counted = counting(source, () => {
      asked += 1;
    });
    const snapshots = {
      url: "s3://bucket",
      list: async () => {
        listed += 1;
        throw new CtlstoreError("snapshot_store_unavailable", "Cannot read the store: it is away");
      },
      fetch: async () => {},
    };
    const deps = { source: counted, snapshots, logger, clock, random, metrics: createMetrics() };
    const options = { ldbFolder: folder.path, bootstrap: { url: snapshots.url } };
    const reflector = await startReflector(deps, options);
    await pass(clock, HOUR_MS, 250);
    expect(listed).toBeGreaterThan(10);
    expect(listed).toBeLessThan(400);
    expect(asked).toBeLessThan(800);
    expect(told.length).toBeLessThan(40);
    await reflector.stop();
  });

  test("costs a Supervisor a line an interval, and its store nothing", async () => {
    const { clock, random, logger, told } = world();
    using folder = tempFolder();
    const source = new MemoryLedger();
    source.append(CREATE_T, put(1, "a"));
    const metrics = createMetrics();
    const reflector = await startReflector(
      { source, logger: silentLogger, clock, random, metrics },
      { ldbFolder: folder.path },
    );
    await pass(clock, 5_000, 250);
    source.failure = ctldbAway();
    await pass(clock, 60_000, 250);
    const store = new MemoryStore();
    let used = 0;
    store.before = () => {
      used += 1;
    };
    const followed = followReflector(reflector);
    const deps = { followed, store, logger, clock, random, metrics: createMetrics() };
    const intervalMs = 300_000;
    const supervisor = await startSupervisor(deps, { ldbFolder: folder.path, intervalMs });
    await pass(clock, HOUR_MS, 250);
    expect(supervisor.status().state).toBe("refused");
    expect(told.length).toBeLessThan(HOUR_MS / intervalMs + 3);
    expect(used).toBeLessThan(50);
    await supervisor.stop();
    await reflector.stop();
  });

  test("costs a heartbeat a few hundred requests and one line", async () => {
    const { clock, random, logger, told } = world();
    let sent = 0;
    const fetch = async () => {
      sent += 1;
      return Response.json(
        { error: { code: "ctldb_unavailable", message: "away" } },
        { status: 503, headers: { "retry-after": "1" } },
      );
    };
    const options = { url: "http://executive", secret: testSecret("beat"), adminToken: testSecret("admin") };
    const heartbeat = startHeartbeat({ clock, random, logger, fetch }, options);
    await pass(clock, HOUR_MS, 250);
    expect(sent).toBeGreaterThan(100);
    expect(sent).toBeLessThan(400);
    expect(told).toHaveLength(1);
    await heartbeat.stop();
  });

  test("costs each lane of a loader, and the loader, a few hundred requests and a dozen lines", async () => {
    const { clock, random, logger, told } = world();
    const stop = new AbortController();
    let asked = 0;
    let isThere = false;
    const attempt = async () => {
      asked += 1;
      if (!isThere) throw ctldbAway().with({ retryAfterSeconds: 1 });
    };
    const waits = new Waits({ clock, logger, random, onRetry: () => {} }, null);
    const patience = new Patience(
      { clock, logger, random },
      { backoffMs: { base: 500, max: 30_000 }, limitMs: null },
    );
    const both = Promise.all([
      waits.untilDone(stop.signal, attempt),
      patience.untilDone("read the tables", stop.signal, attempt),
    ]);
    await pass(clock, HOUR_MS, 250);
    expect(asked).toBeLessThan(1_000);
    expect(told.length).toBeLessThan(30);
    isThere = true;
    await pass(clock, 40_000, 250);
    await both;
  });
});

/** The same ledger, with every question counted. */
function counting(source: MemoryLedger, onQuestion: () => void): MemoryLedger {
  return new Proxy(source, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === "poll" || name === "describe") onQuestion();
        return value.apply(target, args);
      };
    },
  });
}
