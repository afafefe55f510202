/** Two ages and a flag: right at the moment at which they are asked for, also while everything stands still (R20). */
import { describe, expect, test } from "bun:test";
import { BEGIN_MARKER } from "../../core/ledger/statements.ts";
import { type Clock, systemClock } from "../../core/process/clock.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { REFLECTOR_METRICS } from "../../reflector/metrics.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { QUICK, reflect } from "./harness.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "./memory-ledger.ts";

const SOON = { pollStuckMs: 30, legacyGapGraceMs: 20 };

function oneRow(): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"));
  return ledger;
}

/** A clock that can be set, and on which pauses between polls never end while `hangs`. */
function oddClock() {
  const state = { hangs: false, aheadUs: 0, aheadMs: 0 };
  const clock: Clock = {
    nowUs: () => systemClock.nowUs() + state.aheadUs,
    monotonicMs: () => systemClock.monotonicMs() + state.aheadMs,
    sleep: (ms, signal) =>
      state.hangs && ms < 2 * QUICK_POLL_MS
        ? new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)))
        : systemClock.sleep(ms, signal),
  };
  return Object.assign(state, { clock });
}

const QUICK_POLL_MS = QUICK.pollIntervalMs ?? 0;

/** A clock that goes on by the pauses between polls and by nothing else: on it a slow machine loses no time. */
function pausesOnly(): Clock {
  let nowMs = 0;
  return {
    ...systemClock,
    monotonicMs: () => nowMs,
    sleep: async (ms, signal) => {
      await systemClock.sleep(ms, signal);
      if (ms < 2 * QUICK_POLL_MS) nowMs += ms;
    },
  };
}

async function numbersOf(url: string | null): Promise<{ lag: number; pollAge: number; stuck: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  const { lagSeconds, pollAgeSeconds, stuck } = REFLECTOR_METRICS;
  return { lag: read(lagSeconds), pollAge: read(pollAgeSeconds), stuck: read(stuck) };
}

describe("the ages that a Reflector tells", () => {
  test("R20 are those of the moment, also of a status that nothing renews, when the ledger hangs", async () => {
    using folder = tempFolder();
    const ledger = oneRow();
    const odd = oddClock();
    await using reflector = await reflect(
      ledger,
      folder.path,
      { bind: "127.0.0.1:0", pollTimeoutMs: 3_600_000 },
      { clock: odd.clock },
    );
    await reflector.reaches("current");
    const startedMs = performance.now();
    const fresh = await numbersOf(reflector.url);
    expect(fresh.stuck).toBe(0);
    ledger.hangs = true;
    await reflector.reaches("current"); // for all that it knows
    odd.aheadUs += 100_250_000;
    odd.aheadMs += 100_250;
    const later = await numbersOf(reflector.url);
    expect(later.stuck).toBe(1);
    const mostSeconds = 100.25 + (performance.now() - startedMs) / 1000 + 1;
    expect(later.lag - fresh.lag).toBeWithin(100.25, mostSeconds);
    expect(later.pollAge).toBeWithin(100.25, mostSeconds);
    // The machine's clock is set back: only the age that compares two machines' clocks follows.
    odd.aheadUs -= 3_600_000_000;
    const setBack = await numbersOf(reflector.url);
    expect(setBack.pollAge).toBeWithin(later.pollAge, later.pollAge + 60);
    expect(setBack.lag).toBeLessThan(later.lag - 3_500);
    expect(reflector.status()).toMatchObject({ stuck: true, state: "stuck" });
  });

  test("grow from the start, and are not those of fresh data, when nothing is known", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.failure = ctldbAway();
    const odd = oddClock();
    await using reflector = await reflect(ledger, folder.path, { bind: "127.0.0.1:0" }, { clock: odd.clock });
    await reflector.reaches("stuck");
    odd.aheadMs += 50_000;
    const { lag, pollAge, stuck } = await numbersOf(reflector.url);
    expect(lag).toBeGreaterThanOrEqual(50);
    expect(pollAge).toBeGreaterThanOrEqual(50);
    expect(stuck).toBe(1);
    expect(reflector.status()).toMatchObject({ lagSeconds: null, pollAgeSeconds: null });
  });

  test("are as of that moment also where another part of the process answers", async () => {
    using folder = tempFolder();
    const metrics = createMetrics();
    const odd = oddClock();
    await using reflector = await reflect(oneRow(), folder.path, {}, { metrics, clock: odd.clock });
    await reflector.reaches("current");
    const lag = async () =>
      Number(/^ctlstore_reflector_lag_seconds (\S+)$/m.exec(await metrics.render())?.[1] ?? Number.NaN);
    const before = await lag();
    odd.aheadUs += 7_000_000;
    expect((await lag()) - before).toBeWithin(7, 20);
  });
});

describe("the flag that a Reflector is stuck", () => {
  test("R20 is raised when its loop hangs in a pause, and lowered when it goes on", async () => {
    using folder = tempFolder();
    const ledger = oneRow();
    const odd = oddClock();
    await using reflector = await reflect(ledger, folder.path, SOON, { clock: odd.clock });
    expect((await reflector.reaches("current")).stuck).toBe(false);
    odd.hangs = true;
    const { reason, stuck } = await reflector.reaches("stuck", "internal");
    expect(reason?.message).toContain("has got nowhere for ");
    expect(stuck).toBe(true);
  });

  test("is raised when a ledger transaction has a beginning and no end", async () => {
    using folder = tempFolder();
    const ledger = oneRow();
    await using reflector = await reflect(ledger, folder.path, SOON);
    await reflector.reaches("current");
    ledger.append(BEGIN_MARKER, put(2, "b"));
    const { reason, sequence } = await reflector.reaches("stuck", "ledger_malformed");
    expect(reason).toMatchObject({ sequence: 4n });
    expect<bigint>(sequence).toBe(2n);
    ledger.append("--- COMMIT");
    expect((await reflector.reaches("current")).stuck).toBe(false);
  });

  test("is not raised while a gap may still be filled, nor between polls that are far apart (D8)", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger({ epoch: null });
    ledger.appendUnattested(CREATE_T);
    const options = { pollStuckMs: 30, legacyGapGraceMs: 300 };
    await using reflector = await reflect(ledger, folder.path, options, { clock: pausesOnly() });
    await reflector.reaches("current");
    ledger.appendAt(3n, put(3, "c"), false);
    let raised = false;
    await until(
      () => {
        raised ||= reflector.status().stuck;
        return reflector.status().sequence === 3n;
      },
      { what: "the gap to be passed", intervalMs: 1 },
    );
    expect(raised).toBe(false);
  });

  test.each([
    ["an entry of the ledger is missing", "diverged"],
    ["the ctldb is away", "stuck"],
  ] as const)("is raised when %s", async (_, state) => {
    using folder = tempFolder();
    const ledger = oneRow();
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    if (state === "stuck") ledger.failure = ctldbAway();
    else ledger.appendAt(ledger.head + 2n, put(2, "b"));
    const status = await reflector.reaches(state);
    expect(status.stuck).toBe(true);
  });
});
