/** What systemd is told, and when. */
import { describe, expect, test } from "bun:test";
import { toSequence } from "../../../core/sequence.ts";
import { systemdOptions } from "../../../reflector/readiness/options.ts";
import { ServiceManagerMark } from "../../../reflector/readiness/service-manager-mark.ts";
import { statusText } from "../../../reflector/readiness/status-text.ts";
import { FakeClock } from "./fake-clock.ts";
import { HEALTHY, LAGGING, observed, UNREADY } from "./observed.ts";

function mark(options: { readonly watchdogUs?: number } = {}) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const world = { pulse: "0", listens: true };
  const notify = (message: string) => {
    if (world.listens) lines.push(...message.split("\n"));
    return world.listens;
  };
  const deps = { clock, notify, pulse: () => world.pulse };
  const tested = new ServiceManagerMark(deps, { watchdogUs: null, hungAfterMs: 60_000, ...options });
  const named = (name: string) => lines.filter((line) => line.startsWith(`${name}=`));
  return { clock, mark: tested, lines, named, world };
}

describe("systemd", () => {
  test("is told READY once, when the host is ready", async () => {
    const { mark: tested, named, clock } = mark();
    tested.show(UNREADY, observed());
    expect(named("READY")).toEqual([]);
    for (const readiness of [HEALTHY, LAGGING, UNREADY, HEALTHY]) {
      await clock.advance(1_000);
      tested.show(readiness, observed());
    }
    expect(named("READY")).toEqual(["READY=1"]);
  });

  test("is told READY again when nobody got it", () => {
    const { mark: tested, named, world } = mark();
    world.listens = false;
    tested.show(HEALTHY, observed());
    world.listens = true;
    tested.show(HEALTHY, observed());
    tested.show(HEALTHY, observed());
    expect(named("READY")).toEqual(["READY=1"]);
  });

  test("is asked for more time every ten seconds while the host is not ready, and no longer", async () => {
    const { mark: tested, named, clock } = mark();
    for (let i = 0; i < 30; i++) {
      tested.show(UNREADY, observed());
      await clock.advance(1_000);
    }
    expect(named("EXTEND_TIMEOUT_USEC")).toEqual(Array(3).fill("EXTEND_TIMEOUT_USEC=60000000"));
    tested.show(HEALTHY, observed());
    await clock.advance(60_000);
    tested.show(HEALTHY, observed());
    expect(named("EXTEND_TIMEOUT_USEC").length).toBe(3);
  });

  test("gets a status of at most one in five seconds, and each state within one", async () => {
    const { mark: tested, named, clock } = mark();
    for (let sequence = 1; sequence <= 100; sequence++) {
      tested.show(UNREADY, observed({ state: "catching-up", sequence, ledgerHeadSequence: toSequence(200) }));
      await clock.advance(100);
    }
    expect(named("STATUS")).toEqual([
      "STATUS=not ready: catching-up, sequence 1 of 200 (0 %)",
      "STATUS=not ready: catching-up, sequence 51 of 200 (25 %)",
    ]);
    tested.show(HEALTHY, observed({ state: "current", sequence: 200 }));
    expect(named("STATUS").at(-1)).toBe("STATUS=current, sequence 200");
    await clock.advance(10_000);
    tested.show(HEALTHY, observed({ state: "current", sequence: 200 }));
    expect(named("STATUS").length).toBe(3);
  });

  test("is told STOPPING at the end, and nothing after it", async () => {
    const { mark: tested, lines, clock } = mark({ watchdogUs: 2_000_000 });
    tested.show(HEALTHY, observed());
    await tested.stop();
    expect(lines.at(-2)).toBe("STOPPING=1");
    const before = lines.length;
    await clock.advance(10_000);
    expect(lines.length).toBe(before);
  });

  test("R20 hears from the watchdog twice in its time, and no more once the loop hangs", async () => {
    const { mark: tested, named, clock, world } = mark({ watchdogUs: 2_000_000 });
    tested.show(HEALTHY, observed());
    for (let i = 0; i < 9; i++) await clock.advance(1_000);
    expect(named("WATCHDOG").length).toBe(10);
    for (let i = 0; i < 120; i++) await clock.advance(1_000);
    const fed = named("WATCHDOG").length;
    expect(fed).toBe(60);
    world.pulse = "1";
    await clock.advance(1_000);
    expect(named("WATCHDOG").length).toBe(fed + 1);
  });

  test("hears nothing from the watchdog when it has none", async () => {
    const { mark: tested, named, clock } = mark();
    tested.show(HEALTHY, observed());
    await clock.advance(60_000);
    expect(named("WATCHDOG")).toEqual([]);
  });
});

describe("what systemd gives in the environment", () => {
  test.each<[string, Record<string, string>, ReturnType<typeof systemdOptions>]>([
    ["nothing", {}, undefined],
    ["an empty socket", { NOTIFY_SOCKET: "" }, undefined],
    ["a socket", { NOTIFY_SOCKET: "/run/n" }, { socket: "/run/n", watchdogUs: null }],
    ["a watchdog", { NOTIFY_SOCKET: "@n", WATCHDOG_USEC: "5000000" }, { socket: "@n", watchdogUs: 5e6 }],
    [
      "a watchdog for us",
      { NOTIFY_SOCKET: "@n", WATCHDOG_USEC: "5", WATCHDOG_PID: "77" },
      { socket: "@n", watchdogUs: 5 },
    ],
    [
      "a watchdog for another process",
      { NOTIFY_SOCKET: "@n", WATCHDOG_USEC: "5", WATCHDOG_PID: "78" },
      { socket: "@n", watchdogUs: null },
    ],
    ["nonsense", { NOTIFY_SOCKET: "@n", WATCHDOG_USEC: "soon" }, { socket: "@n", watchdogUs: null }],
  ])("is read when it is %s", (_, environment, expected) => {
    expect(systemdOptions(environment, 77)).toEqual(expected);
  });
});

describe("the status line", () => {
  const downloading = {
    cause: "empty",
    phase: "downloading",
    sequence: null,
    bytes: 999,
    totalBytes: 1_000,
    failedAttempts: 0,
    failure: null,
  } as const;

  test.each([
    ["current", statusText(HEALTHY, observed({ state: "current" })), "current, sequence 7"],
    [
      "stuck and ready",
      statusText(LAGGING, observed({ state: "stuck", reason: "ctldb_unavailable" })),
      "stuck at sequence 7 (ctldb_unavailable)",
    ],
    [
      "bootstrapping",
      statusText(UNREADY, observed({ state: "bootstrapping", bootstrap: downloading })),
      "not ready: bootstrapping, downloading 99 % of 1 MiB",
    ],
    [
      "bootstrapping and checking",
      statusText(
        UNREADY,
        observed({ state: "bootstrapping", bootstrap: { ...downloading, phase: "checking" } }),
      ),
      "not ready: bootstrapping, checking",
    ],
  ])("says how the Reflector does when it is %s", (_, text, expected) => {
    expect(text).toBe(expected);
  });
});
