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
    /** All that the ledger had a moment ago has been applied. */
    current: (changes: Changes = {}): Readiness => rule.observe(observed({ ...CURRENT, ...changes })),
  };
}

const CURRENT = { state: "current", wholeAgeSeconds: 0 } as const;
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

  test("I14 not without the ctldb when its data came from a snapshot, however young: it may be of another ctldb", async () => {
    const { now, after } = judge();
    expect(now({ sequence: 0, lagSeconds: null, bootstrap: DOWNLOADING }).ready).toBeFalse();
    expect(now({ lagSeconds: 1 })).toMatchObject({ ready: false, healthy: false });
    expect((await after(1, { ...AWAY, lagSeconds: 2 })).ready).toBeFalse();
    expect(now({ state: "diverged", reason: "ledger_epoch_mismatch", lagSeconds: 2 }).ready).toBeFalse();
    expect(now({ state: "catching-up", lagSeconds: 3 })).toMatchObject({ ready: true, healthy: true });
  });

  test("at once when it was filled in an earlier life a moment ago", () => {
    expect(judge().now({ lagSeconds: 1 }).ready).toBeTrue();
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
    const away = (wholeAgeSeconds: number) => ({ ...AWAY, wholeAgeSeconds });
    expect(await after(59, away(59))).toMatchObject({ ready: true, healthy: true, lagSeconds: 59 });
    expect(await after(2, away(61))).toMatchObject({ ready: true, healthy: false, lagSeconds: 61 });
    expect(await after(86_400, away(86_461))).toMatchObject({ ready: true, healthy: false, readySinceUs });
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

  test("is lost when the state says current and the ledger has not answered for longer than the threshold", () => {
    const { current } = judge();
    expect(current({ wholeAgeSeconds: 59 })).toMatchObject({ ready: true, healthy: true });
    expect(current({ wholeAgeSeconds: 61 })).toMatchObject({ ready: true, healthy: false });
  });
});

describe("lag", () => {
  test.each<[string, number | null, number | null, number | null]>([
    ["the time since the LDB was whole, of a quiet ledger,", 1e6, 5, 5],
    ["the age of the last entry when that is less", 3, 100, 3],
    ["the age of the last entry when the LDB was not seen to be whole", 100, null, 100],
    ["the time since the LDB was whole when it holds nothing", null, 2, 2],
    ["unknown when nothing was ever applied or asked", null, null, null],
    ["unknown when the last entry is from the future, as on a host whose clock is not set", -61, null, null],
    ["the time since the LDB was whole when the machine's clock is wrong", -1e9, 2, 2],
    ["never negative", -59, null, 0],
  ])("is %s", (_, lagSeconds, wholeAgeSeconds, expected) => {
    expect(judge().now({ lagSeconds, wholeAgeSeconds }).lagSeconds).toBe(expected);
  });
});
