/** The ctldb away, silent or back: the LDB goes on serving, and the status says what is the matter. */
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { type Logger, silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { startReflector } from "../../reflector/start.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { QUICK, reflect, rowsOf } from "./harness.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "./memory-ledger.ts";

function oneRow(): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"));
  return ledger;
}

describe("the Reflector", () => {
  test("D20 I15 starts and serves its status when the ctldb is away, with a good LDB or none", async () => {
    using good = tempFolder();
    using absent = tempFolder();
    const ledger = oneRow();
    {
      await using reflector = await reflect(ledger, good.path);
      await reflector.reaches("current");
    }
    for (const [path, sequence] of [
      [good.path, 2n],
      [absent.path, 0n],
    ] as const) {
      const away = oneRow();
      away.failure = ctldbAway();
      await using reflector = await reflect(away, path, { bind: "127.0.0.1:0" });
      const status = await reflector.reaches("stuck", "ctldb_unavailable");
      expect<bigint>(status.sequence).toBe(sequence);
      expect(status.ledgerHeadSequence).toBeNull();
      expect((await fetch(`${reflector.url}/healthz`)).status).toBe(200);
      expect((await fetch(`${reflector.url}/readyz`)).status).toBe(503);
      away.failure = null;
      await reflector.reaches("current");
      expect((await fetch(`${reflector.url}/readyz`)).status).toBe(200);
      expect(rowsOf(path)).toEqual(["1=a"]);
    }
  });

  test("R20 shows stuck, not slow, when a poll hangs, and goes on when the source answers again", async () => {
    using folder = tempFolder();
    const ledger = oneRow();
    await using reflector = await reflect(ledger, folder.path, { pollTimeoutMs: 400, pollStuckMs: 50 });
    await reflector.reaches("current");
    ledger.hangs = true;
    const early = await reflector.reaches("stuck", "ctldb_unavailable");
    expect(early.reason?.message).toContain("has not answered for 0.");
    await until(() => reflector.status().reason?.message.startsWith("Cannot read the ledger"), {
      what: "the poll to time out",
    });
    ledger.hangs = false;
    ledger.append(put(2, "b"));
    await reflector.applies(3n);
    await reflector.reaches("current");
  });

  test("R20 stop does not wait for a source that never answers", async () => {
    using folder = tempFolder();
    const ledger = oneRow();
    ledger.hangs = true;
    const reflector = await reflect(ledger, folder.path);
    const started = performance.now();
    await reflector.stop();
    expect(performance.now() - started).toBeLessThan(2_000);
    await reflector.done;
  });

  test("I13 R47 bounds its log and its polls when the ctldb stays away", async () => {
    using folder = tempFolder();
    const ledger = oneRow();
    ledger.failure = ctldbAway();
    const lines: string[] = [];
    const note = (_fields: unknown, message: string) => void lines.push(message);
    // The four methods that are called here; pino's type has many more overloads than this test needs.
    const logger = { ...silentLogger, debug: note, info: note, warn: note, error: note } as unknown as Logger;
    const reflector = await startReflector(
      { source: ledger, logger, clock: systemClock, metrics: createMetrics() },
      { ...QUICK, ldbFolder: folder.path, backoffMs: { base: 1, max: 2 } },
    );
    let describes = 0;
    ledger.describe = async () => {
      describes += 1;
      throw ctldbAway();
    };
    await until(() => describes > 100, { what: "a hundred failures" });
    expect(lines.filter((line) => line.includes("cannot go on")).length).toBeLessThan(10);
    await reflector.stop();
  });

  test("treats a source that breaks its contract as one that is away", async () => {
    using folder = tempFolder();
    const ledger = oneRow();
    ledger.failure = new TypeError("not what was promised");
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.reaches("stuck", "ctldb_unavailable");
    expect(status.reason?.message).toContain("not what was promised");
  });
});
