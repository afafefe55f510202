/** `ctlstore status`: one page about every part, against real ones. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { startHeartbeat } from "../../heartbeat/start.ts";
import { startSidecar } from "../../sidecar/sidecar.ts";
import { DEPS } from "../ctldb/fixture.ts";
import { reflect } from "../reflector/harness.ts";
import { makeSnapshot, storeSnapshots } from "../support/make-snapshot.ts";
import { TEST_ADMIN_TOKEN, testSecret } from "../support/secrets.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { openOperatorWorld, openShop, runAgainst } from "./operator-world.ts";
import { NOWHERE, type Page, pageOf, standIn, standInThatHangs, stopStandIns } from "./status-page.ts";

setDefaultTimeout(30_000);
afterEach(stopStandIns);

describe("ctlstore status", () => {
  test("shows every part with its sequence, its lag and its two ages, and exits 0 when all is well", async () => {
    await using world = await openShop();
    const ldb = world.folder.file("ldb");
    await using source = openLedgerSource(`sqlite:${world.folder.file("ctldb.db")}`, DEPS);
    await using reflector = await reflect(source, ldb, { bind: "127.0.0.1:0" });
    const beat = startHeartbeat(
      { logger: silentLogger, clock: systemClock },
      { url: world.url, secret: testSecret("heartbeat"), adminToken: TEST_ADMIN_TOKEN },
    );
    await until(() => beat.lastSequence !== null, { what: "a heartbeat" });
    await beat.stop();
    await reflector.applies(beat.lastSequence ?? 0n);
    const sidecar = await startSidecar(
      { logger: silentLogger, clock: systemClock, metrics: createMetrics() },
      { ldb, binds: ["127.0.0.1:0"] },
    );
    using store = tempFolder("store");
    const snapshots = storeSnapshots(store.path, [makeSnapshot(ldb)]);
    try {
      const flags = [
        "status",
        ...["--reflector", reflector.url ?? "", "--sidecar", sidecar.urls[0] ?? ""],
        ...["--ldb", ldb, "--snapshots", snapshots],
      ];
      const shown = await world.run(flags);
      expect(shown).toMatchObject({ code: 0, notes: "" });
      const lines = shown.out.split("\n").map((line) => line.split(/ {2,}/).slice(0, 3).join(" "));
      expect(lines.slice(1)).toEqual([
        "ok executive answers",
        "ok ctldb in order",
        "ok heartbeat beats",
        "ok snapshots fresh",
        "ok reflector current",
        "ok ldb readable",
        "ok sidecar ready",
      ]);
      const page = (await world.json(flags)) as unknown as Page;
      const head = Number(beat.lastSequence);
      expect(page).toMatchObject({ well: true, headSequence: head, ldb: { sequence: head, behind: 0 } });
      const follower = page.parts.find(({ part }) => part === "reflector");
      expect(follower).toMatchObject({ sequence: head, behind: 0, problems: [] });
      expect(follower?.entryAgeSeconds).toBeGreaterThan(0);
      expect(follower?.pollAgeSeconds).toBeGreaterThanOrEqual(0);
    } finally {
      await sidecar.stop();
    }
  });

  test("says of what was named and cannot be reached that it cannot, shows the rest, and exits 1", async () => {
    await using world = await openShop();
    const { code, out, notes } = await world.run([
      "status",
      ...["--reflector", NOWHERE, "--supervisor", NOWHERE, "--ldb", world.folder.file("no-ldb")],
      ...["--snapshots", `file://${world.folder.file("no-store")}`],
    ]);
    expect(code).toBe(1);
    expect(out).toMatch(/^ok +ctldb +in order/m);
    for (const name of ["supervisor", "snapshots", "reflector", "ldb"])
      expect(out).toMatch(new RegExp(`^BAD +${name} `, "m"));
    expect(notes).toContain("4 of 6 parts are not well");
    expect(notes).toContain(`reflector ${NOWHERE}: Cannot reach it: nobody listens there`);
    expect(notes).toContain("[ldb_not_found]");
    expect(notes).toContain("[snapshot_store_unavailable]");
  });

  test("does not mind an Executive that nobody named and is not there, when something else is well", async () => {
    const reflector = standIn({ state: "current", sequence: 5, stuck: false, pollAgeSeconds: 0.1 });
    const { code, page } = await pageOf("--reflector", reflector);
    expect(code).toBe(0);
    expect(page.well).toBeTrue();
    const nothing = await pageOf("--reflector", NOWHERE);
    expect(nothing).toMatchObject({ code: 1, page: { well: false } });
  });

  test("says that nothing was reached when nothing is there, and exits 1", async () => {
    const { code, notes, page } = await pageOf();
    expect({ code, well: page.well }).toEqual({ code: 1, well: false });
    expect(notes).toContain("nothing was reached");
  });

  test("tells an Executive that is away from one that refuses, and neither token nor stack is in what it says", async () => {
    await using world = await openOperatorWorld();
    const wrong = testSecret("wrong-token");
    const refused = await world.run(["status"], { environment: { CTLSTORE_ADMIN_TOKEN: wrong } });
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/^BAD +executive +refuses/m);
    expect(refused.notes).toContain("[bad_credentials]");
    expect(refused.out + refused.notes).not.toContain(wrong);
    const away = await runAgainst(NOWHERE, ["status"]);
    expect(away.out).toMatch(/^BAD +executive +not reached/m);
    expect(away.notes).not.toContain("    at ");
  });

  test("waits for what hangs no longer than it is told, and shows the others", async () => {
    await using world = await openShop();
    const { code, out, notes } = await world.run([
      "status",
      "--loader",
      standInThatHangs(),
      "--timeout",
      "1",
    ]);
    expect(code).toBe(1);
    expect(out).toMatch(/^ok +executive/m);
    expect(notes).toContain("no answer within 1 s");
  });

  test("shows it anew until it is stopped, then exits 0", async () => {
    await using world = await openShop();
    const stop = new AbortController();
    const lines: string[] = [];
    const watching = world.run(["status", "--watch", "1", "--json", "--ldb", world.folder.file("no-ldb")], {
      stopSignal: () => stop.signal,
      clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(5, signal) },
      out: (line) => void lines.push(line),
    });
    await until(() => lines.length >= 2, { what: "two looks" });
    stop.abort();
    expect((await watching).code).toBe(0);
    expect(JSON.parse(lines[1] ?? "")).toMatchObject({ well: false });
  });

  test("redraws in place on a terminal", async () => {
    await using world = await openShop();
    const stop = new AbortController();
    const screens: string[] = [];
    const watching = world.run(["status", "--watch", "1"], {
      stopSignal: () => stop.signal,
      interactive: true,
      clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(5, signal) },
      out: (screen) => void screens.push(screen),
    });
    await until(() => screens.length >= 2, { what: "two looks" });
    stop.abort();
    await watching;
    expect(screens[0]).toStartWith("\u001b[2J\u001b[H");
    expect(screens[1]).toStartWith("\u001b[H");
    expect(screens[1]).toContain("all is well");
  });
});
