/** What the status page makes of the documents of each kind of service, those of other versions and of strangers too. */
import { afterEach, describe, expect, test } from "bun:test";
import { lookAtReflector } from "../../cli/status/reflector.ts";
import { lookAtSidecar } from "../../cli/status/sidecar.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { startHeartbeat } from "../../heartbeat/start.ts";
import { TEST_ADMIN_TOKEN, testSecret } from "../support/secrets.ts";
import { until } from "../support/until.ts";
import { openShop } from "./operator-world.ts";
import {
  NOWHERE,
  type Page,
  pageOf,
  partOf,
  standIn,
  standInThatHangs,
  stopStandIns,
} from "./status-page.ts";

afterEach(stopStandIns);

describe("a part of the status page", () => {
  const CURRENT = {
    state: "current",
    sequence: 5,
    stuck: false,
    lagSeconds: 1.5,
    pollAgeSeconds: 0.2,
    ledgerHeadSequence: 5,
  };

  test("R20 is unwell when a Reflector is stuck or diverged, with its reason and what to do", async () => {
    const reason = {
      code: "ledger_gap",
      message: "Cannot apply entry 6: 7 came",
      hint: "look at the ledger",
    };
    const stuck = await partOf(
      "--reflector",
      standIn({ ...CURRENT, state: "diverged", stuck: true, reason }),
    );
    expect(stuck).toMatchObject({ code: 1, health: "unwell", state: "diverged", problems: [reason] });
    expect(await partOf("--reflector", standIn({ ...CURRENT, stuck: true }))).toMatchObject({
      health: "unwell",
    });
    expect(await partOf("--reflector", standIn({ ...CURRENT, pollAgeSeconds: 90 }))).toMatchObject({
      health: "unwell",
      problems: [{ message: "The ledger last answered it 90.0 s ago" }],
    });
    expect(await partOf("--reflector", standIn({ ...CURRENT, state: "of-the-future" }))).toMatchObject({
      health: "unwell",
    });
  });

  test("is worth a note, and no failure, when a Reflector bootstraps or has passed over entries", async () => {
    const bootstrap = { phase: "downloading", bytes: 30, totalBytes: 90, failure: null };
    const filling = await partOf("--reflector", standIn({ ...CURRENT, state: "bootstrapping", bootstrap }));
    expect(filling).toMatchObject({ code: 0, health: "notice", facts: ["bootstrap: downloading, 33 %"] });
    const skipped = await partOf("--reflector", standIn({ ...CURRENT, skips: [{}, {}] }));
    expect(skipped).toMatchObject({ code: 0, health: "notice", facts: ["passed over 2 ledger entries"] });
  });

  test("counts what a Reflector lacks by the ledger that it knows when there is no Executive", async () => {
    const { page } = await pageOf(
      "--reflector",
      standIn({ ...CURRENT, ledgerHeadSequence: "9007199254740995" }),
    );
    expect(page.headSequence as unknown).toBe("9007199254740995");
    expect(page.parts.at(-1)?.behind).toBe(9007199254740990);
  });

  test("is understood as far as it goes when it comes from a Reflector of before, or from something else", async () => {
    const old = { state: "current", sequence: 5, lastPollAtUs: Date.now() * 1000 };
    const { pollAgeSeconds, health } = await partOf("--reflector", standIn(old));
    expect(health).toBe("well");
    expect(pollAgeSeconds).toBeLessThan(60);
    for (const other of ["text", [1], { hello: "there" }])
      expect(await partOf("--reflector", standIn(other))).toMatchObject({ health: "unwell" });
    const refusal = { error: { code: "unknown_route", message: 'Cannot find "/status"' } };
    expect(await partOf("--reflector", standIn(refusal, 404))).toMatchObject({
      state: "refuses",
      problems: [{ code: "unknown_route" }],
    });
  });

  test("is left out when nobody named it and something else listens where it usually does", async () => {
    const options = { timeoutSeconds: 1, signal: new AbortController().signal };
    const unnamed = (address: string) => ({ address, way: { url: address }, isNamed: false });
    for (const other of [standIn({ hello: "there" }), standIn({ error: { message: "no" } }, 404), NOWHERE]) {
      expect(await lookAtReflector(unnamed(other), options)).toBeNull();
      expect(await lookAtSidecar(unnamed(other), options)).toBeNull();
    }
    expect((await lookAtReflector(unnamed(standIn(CURRENT)), options))?.look.health).toBe("well");
    expect((await lookAtSidecar(unnamed(standIn({ unit: "seconds", value: 2 })), options))?.health).toBe(
      "well",
    );
  });

  test("is unwell when something else listens where an Executive was named, and is not said to have a ctldb", async () => {
    for (const other of [{ hello: "there" }, "text", { version: "1", ctldb: 5 }]) {
      const { code, page } = await pageOf("--executive", standIn(other));
      expect(code).toBe(1);
      expect(page.parts).toMatchObject([
        {
          part: "executive",
          health: "unwell",
          problems: [{ message: expect.stringContaining("no status document") }],
        },
      ]);
    }
  });

  test("is waited for no longer than it is told, however often it is asked", async () => {
    const asked: string[] = [];
    const look = await partOf(
      "--sidecar",
      standInThatHangs((url) => void asked.push(new URL(url).pathname)),
    );
    expect(look.problems[0]?.message).toContain("no answer within 1 s");
    expect(asked).toEqual(["/status"]);
  });

  test("is unwell when a Supervisor refuses or fails, a loader waits, or a sidecar cannot read", async () => {
    const reason = { code: "snapshot_refused", message: "Cannot publish: the LDB is stuck", hint: "look" };
    const latest = { sequence: 4, epoch: "e", createdAt: "2026-01-01T00:00:00.000Z" };
    expect(
      await partOf("--supervisor", standIn({ state: "refused", reason, latest, latestAgeSeconds: 3_700 })),
    ).toMatchObject({
      code: 1,
      problems: [reason],
      facts: ["newest snapshot at 4, 61 min old"],
    });
    const waiting = { what: "reach Kafka", reason: "no broker answers", sinceMs: 1 };
    const loader = {
      state: "loading",
      lagEvents: 7,
      lagSeconds: 2,
      waitingFor: [waiting],
      missingTopics: ["shop.x"],
      lanes: [{}],
    };
    expect(await partOf("--loader", standIn(loader))).toMatchObject({
      code: 1,
      facts: ["1 lane", "7 events behind Kafka", "by 2.0 s"],
      problems: [
        { message: "It waits: cannot reach Kafka: no broker answers" },
        { code: "kafka_topic_unknown" },
      ],
    });
    expect(await partOf("--loader", standIn({ ...loader, waitingFor: [], missingTopics: [] }))).toMatchObject(
      { health: "well" },
    );
    const sidecar = { version: "1", ldb: "/ldb", state: "ldb_not_found", reason: "Cannot find an LDB" };
    expect(await partOf("--sidecar", standIn(sidecar))).toMatchObject({
      code: 1,
      state: "cannot read",
      problems: [{ code: "ldb_not_found" }],
    });
    expect(await partOf("--sidecar", standIn({ unit: "seconds", value: 1.25 }))).toMatchObject({
      health: "well",
      entryAgeSeconds: 1.25,
    });
    const failing = {
      state: "failing",
      ageSeconds: 70,
      lastSequence: 3,
      reason: { code: "ctldb_unavailable", message: "no" },
    };
    expect(await partOf("--heartbeat", standIn(failing))).toMatchObject({
      health: "unwell",
      facts: ["last beat 70.0 s ago", "at 3"],
    });
  });

  test("R4 is unwell when it follows another ctldb than the Executive's", async () => {
    await using world = await openShop();
    const stranger = standIn({ ...CURRENT, epoch: "f".repeat(32) });
    const { code, notes } = await world.run(["status", "--reflector", stranger]);
    expect(code).toBe(1);
    expect(notes).toContain("[ledger_epoch_mismatch]");
  });

  test("is unwell when it is old while heartbeats are written, and only then", async () => {
    await using world = await openShop();
    const lagging = standIn({ ...CURRENT, lagSeconds: 200 });
    const pageWith = async () => (await world.run(["status", "--json", "--reflector", lagging])).out;
    expect((JSON.parse(await pageWith()) as Page).well).toBeTrue();
    const beat = startHeartbeat(
      { logger: silentLogger, clock: systemClock },
      { url: world.url, secret: testSecret("heartbeat"), adminToken: TEST_ADMIN_TOKEN },
    );
    await until(() => beat.lastSequence !== null, { what: "a heartbeat" });
    await beat.stop();
    const { well, parts } = JSON.parse(await pageWith()) as Page;
    expect(well).toBeFalse();
    expect(parts.find(({ part }) => part === "reflector")?.problems[0]?.message).toBe(
      "Its newest ledger entry is 3 min old, while heartbeats are written",
    );
  });
});
