/** When a host is ready, and when it is healthy. */
import { describe, expect, test } from "bun:test";
import type { ErrorCode } from "../../../core/errors.ts";
import { ReadinessRule } from "../../../reflector/readiness/readiness.ts";
import type { BootstrapStatus, Readiness } from "../../../reflector/state.ts";
import { FakeClock } from "./fake-clock.ts";
import { observed } from "./observed.ts";

const OPTIONS = { lagSeconds: 60, withoutCtldbSeconds: 30 };

const DOWNLOADING: BootstrapStatus = {
  cause: "empty",
  phase: "downloading",
  sequence: null,
  bytes: 1,
  totalBytes: 2,
  failedAttempts: 0,
  failure: null,
};

type Changes = Parameters<typeof observed>[0];

/** A rule on a clock of its own, and what it says of one status after the other. */
function judge() {
  const clock = new FakeClock();
  const rule = new ReadinessRule(clock, OPTIONS);
  return {
    clock,
    now: (changes: Changes): Readiness => rule.observe(observed(changes)),
    /** As now, after some seconds. */
    async after(seconds: number, changes: Changes): Promise<Readiness> {
      await clock.advance(seconds * 1000);
      return rule.observe(observed(changes));
    },
    /** A poll that was answered this moment, after which nothing was left to apply. */
    current: (changes: Changes = {}): Readiness =>
      rule.observe(observed({ state: "current", lastPollAtUs: clock.nowUs(), ...changes })),
  };
}

const AWAY = { state: "stuck", reason: "ctldb_unavailable" } as const;

describe("a host becomes ready", () => {
  test("when everything in the ledger has been applied, however old its last entry is", () => {
    const { now, current } = judge();
    expect(now({})).toMatchObject({ ready: false, healthy: false });
    expect(current({ lagSeconds: 1e7 })).toMatchObject({ ready: true, healthy: true, lagSeconds: 0 });
  });

  test.each([
    [60, true],
    [60.1, false],
  ])("when it is catching up and its last entry is %p seconds old: %p", (lagSeconds, ready) => {
    expect(judge().now({ state: "catching-up", lagSeconds })).toMatchObject({ ready, healthy: ready });
  });

  test("D20 when it was filled in an earlier life and the ctldb has not answered for the grace period", async () => {
    const { now, after } = judge();
    expect(now({}).ready).toBeFalse();
    expect((await after(1, AWAY)).ready).toBeFalse();
    expect((await after(28.9, AWAY)).ready).toBeFalse();
    expect(await after(0.1, AWAY)).toMatchObject({ ready: true, healthy: false });
  });

  test.each<[ErrorCode, boolean]>([
    ["ctldb_unavailable", true],
    ["overloaded", true],
    ["ctldb_incompatible", true],
    ["ledger_behind", true],
    ["statement_refused", true],
    ["ldb_disk_full", true],
    ["ldb_unavailable", false],
    ["snapshot_store_unavailable", false],
    ["snapshot_mismatch", false],
  ])("when filled before and held up by %s: %p", async (reason, ready) => {
    const { now, after } = judge();
    now({});
    expect((await after(300, { state: "stuck", reason })).ready).toBe(ready);
  });

  test("never when its LDB is empty, whatever the state", async () => {
    const empty = { sequence: 0, lagSeconds: null } as const;
    const { current, after } = judge();
    expect(current(empty)).toMatchObject({ ready: false, healthy: false });
    expect((await after(300, { ...empty, ...AWAY })).ready).toBeFalse();
    expect(
      (await after(300, { ...empty, state: "bootstrapping", bootstrap: DOWNLOADING })).ready,
    ).toBeFalse();
  });

  test("I14 never when it diverged before, since its data may be of another history", async () => {
    const { now, after } = judge();
    now({});
    const diverged = { state: "diverged", reason: "ledger_epoch_mismatch" } as const;
    expect((await after(1, { ...diverged, lagSeconds: 1 })).ready).toBeFalse();
    expect((await after(300, diverged)).ready).toBeFalse();
  });

  test("never while a snapshot is on its way to replace what it has", async () => {
    const { now, after } = judge();
    now({});
    const fetching = { state: "bootstrapping", bootstrap: DOWNLOADING } as const;
    expect((await after(300, { ...fetching, lagSeconds: 5 })).ready).toBeFalse();
  });

  test("not without the ctldb when its data came from a snapshot in this life", async () => {
    const { now, after } = judge();
    now({ sequence: 0, state: "bootstrapping", bootstrap: DOWNLOADING });
    expect((await after(5, { bootstrap: null })).ready).toBeFalse();
    expect((await after(300, AWAY)).ready).toBeFalse();
  });

  test("not without the ctldb when it was filled from the ledger in this life", async () => {
    const { now, after, clock } = judge();
    now({ sequence: 0 });
    await after(5, { state: "catching-up", sequence: 3, lastPollAtUs: clock.nowUs() });
    expect((await after(300, { ...AWAY, sequence: 3 })).ready).toBeFalse();
  });

  test("not within a grace period that progress interrupted", async () => {
    const { now, after } = judge();
    now({});
    await after(29, AWAY);
    await after(0.5, { state: "catching-up" });
    expect((await after(0.6, AWAY)).ready).toBeFalse();
    expect((await after(29.9, AWAY)).ready).toBeFalse();
    expect((await after(0.2, AWAY)).ready).toBeTrue();
  });

  test("although the LDB opens after the first look", async () => {
    const { now, after } = judge();
    now({ sequence: 0, lagSeconds: null });
    await after(1, {});
    expect((await after(30, AWAY)).ready).toBeTrue();
  });
});

describe("a host that is ready", () => {
  test("I15 stays so when the ctldb is away for days, and is unhealthy meanwhile", async () => {
    const { current, after } = judge();
    const { readySinceUs } = current();
    expect(await after(59, AWAY)).toMatchObject({ ready: true, healthy: true, lagSeconds: 59 });
    expect(await after(2, AWAY)).toMatchObject({ ready: true, healthy: false, lagSeconds: 61 });
    expect(await after(86_400, AWAY)).toMatchObject({ ready: true, healthy: false, readySinceUs });
  });

  test("stays so and is unhealthy at once when the ledger turns out to be another", () => {
    const { current, now } = judge();
    current();
    expect(now({ state: "diverged", reason: "ledger_hash_mismatch" })).toMatchObject({
      ready: true,
      healthy: false,
    });
  });

  test("R36 is so no longer when its LDB is empty", () => {
    const { current } = judge();
    expect(current().ready).toBeTrue();
    expect(current({ sequence: 0 })).toMatchObject({ ready: false, healthy: false, readySinceUs: null });
  });
});

describe("health", () => {
  test("comes back at half of the threshold only, so that it does not flicker", async () => {
    const { current, now, after } = judge();
    current();
    expect((await after(70, { state: "catching-up", lagSeconds: 70 })).healthy).toBeFalse();
    expect(now({ state: "catching-up", lagSeconds: 59 }).healthy).toBeFalse();
    expect(now({ state: "catching-up", lagSeconds: 31 }).healthy).toBeFalse();
    expect(now({ state: "catching-up", lagSeconds: 30 }).healthy).toBeTrue();
    expect(now({ state: "catching-up", lagSeconds: 59 }).healthy).toBeTrue();
  });

  test("is lost when the state says current and the ledger has not answered for longer than the threshold", async () => {
    const { current, after, clock } = judge();
    current();
    const lastPollAtUs = clock.nowUs();
    expect((await after(50, { state: "current", lastPollAtUs })).healthy).toBeTrue();
    expect(await after(11, { state: "current", lastPollAtUs })).toMatchObject({
      ready: true,
      healthy: false,
    });
  });
});

describe("lag", () => {
  test("is the time since the LDB held everything when a quiet ledger's ctldb goes away", async () => {
    const { current, after } = judge();
    current({ lagSeconds: 1e6 });
    expect(await after(5, { ...AWAY, lagSeconds: 1e6 })).toMatchObject({ healthy: true, lagSeconds: 5 });
  });

  test("is the age of the last entry when that is less", async () => {
    const { current, after } = judge();
    current();
    expect(await after(100, { state: "catching-up", lagSeconds: 3 })).toMatchObject({ lagSeconds: 3 });
  });

  test("is unknown when nothing was ever applied or asked", () => {
    expect(judge().now({ lagSeconds: null }).lagSeconds).toBeNull();
  });

  test("is unknown when the last entry is from the future, as on a host whose clock is not set yet", () => {
    const { now, current } = judge();
    expect(now({ lagSeconds: -61 })).toMatchObject({ ready: false, lagSeconds: null });
    expect(now({ lagSeconds: -59 })).toMatchObject({ ready: true, lagSeconds: 0 });
    expect(current({ lagSeconds: -1e9 })).toMatchObject({ ready: true, lagSeconds: 0 });
  });

  test.each([
    ["an older sequence", { sequence: 6 }],
    ["another epoch", { epoch: "f".repeat(32) }],
  ])("forgets when the LDB was whole when it was replaced by one with %s", async (_, changes) => {
    const { current, after } = judge();
    current();
    expect(await after(1, { state: "catching-up", ...changes })).toMatchObject({
      lagSeconds: 86_400,
      healthy: false,
    });
  });

  test("is never negative and does not jump when the machine's clock is set", async () => {
    const { current, after, clock } = judge();
    current();
    const lastPollAtUs = clock.nowUs();
    clock.setByUs = -3_600e6;
    expect(await after(1, { state: "current", lastPollAtUs, lagSeconds: -5 })).toMatchObject({
      lagSeconds: 0,
    });
    clock.setByUs = 3_600e6;
    expect(await after(1, { state: "current", lastPollAtUs })).toMatchObject({
      lagSeconds: 2,
      healthy: true,
    });
    clock.setByUs = -7_200e6;
    expect(current()).toMatchObject({ lagSeconds: 0, healthy: true });
  });
});
