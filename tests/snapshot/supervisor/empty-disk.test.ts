/** A Supervisor with an empty disk: from the newest snapshot like any host, and never a publication from nothing (R26). */
import { describe, expect, test } from "bun:test";
import { mkdirSync, renameSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { followReflector } from "../../../cli/followed-reflector.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { createMetrics } from "../../../core/process/metrics.ts";
import { readIndex } from "../../../snapshot/documents.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import { superviseOnce } from "../../../snapshot/supervisor/start.ts";
import { reflect } from "../../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../../reflector/memory-ledger.ts";
import { dumpSqliteFile } from "../../support/dump-rows.ts";
import { replayLedger } from "../../support/replay-ledger.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { supervise } from "./harness.ts";

const never = new AbortController().signal;

function storeUrl(folder: TempFolder): string {
  return pathToFileURL(folder.file("store")).href;
}

const bootstrapFrom = (folder: TempFolder) => ({
  bootstrap: { url: storeUrl(folder), jitterMs: 0, backoffMs: { base: 5, max: 20 } },
});

async function latestIn(folder: TempFolder): Promise<bigint | null> {
  const found = await readIndex(await openSnapshotStore(storeUrl(folder)), never);
  return found?.index.latest.sequence ?? null;
}

/** A ledger of 20 entries of which a new host gets the last ten only. */
function prunedLedger(): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, ...Array.from({ length: 19 }, (_, i) => put(i, `value ${i}`)));
  return ledger;
}

describe("a Supervisor with an empty disk", () => {
  test("R26 publishes nothing from a pruned ledger while its store is away or has nothing", async () => {
    using folder = tempFolder();
    const ledger = prunedLedger();
    ledger.prunedBelow = ledger.entries[10]?.sequence ?? ledger.head;
    await using reflector = await reflect(ledger, folder.file("ldb"), bootstrapFrom(folder));
    const store = await openSnapshotStore(storeUrl(folder));
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.file("ldb") });
    const refusesAgain = async () => {
      const { failedAttempts } = reflector.status().bootstrap ?? { failedAttempts: 0 };
      await until(() => (reflector.status().bootstrap?.failedAttempts ?? 0) > failedAttempts, {
        what: "another attempt to bootstrap",
      });
      await supervisor.reaches("refused");
    };
    await refusesAgain();
    mkdirSync(folder.file("store"));
    await refusesAgain();
    expect(await latestIn(folder)).toBeNull();
    expect<bigint>(reflector.status().sequence).toBe(0n);
    expect(supervisor.status().published).toBeNull();
  });

  test("R26 gives up a run for one snapshot when the ledger is pruned and the store is away", async () => {
    using folder = tempFolder();
    const ledger = prunedLedger();
    ledger.prunedBelow = ledger.entries[10]?.sequence ?? ledger.head;
    await using reflector = await reflect(ledger, folder.file("ldb"), bootstrapFrom(folder));
    const deps = {
      followed: followReflector(reflector),
      store: await openSnapshotStore(storeUrl(folder)),
      logger: silentLogger,
      clock: systemClock,
      metrics: createMetrics(),
    };
    const options = { ldbFolder: folder.file("ldb"), recheckMs: 5, onceTroubleMs: 100 };
    await expect(superviseOnce(deps, options, never)).rejects.toMatchObject({ code: "snapshot_refused" });
  });

  test("I9 starts from the newest snapshot and publishes on top of it, with all rows, from a pruned ledger", async () => {
    using folder = tempFolder();
    mkdirSync(folder.file("store"));
    const ledger = prunedLedger();
    const store = await openSnapshotStore(storeUrl(folder));
    {
      await using first = await reflect(ledger, folder.file("ldb"));
      await using supervisor = await supervise(first, store, { ldbFolder: folder.file("ldb") });
      await supervisor.publishes(20n);
    }
    renameSync(folder.file("ldb"), folder.file("lost"));
    const all = [...ledger.entries];
    ledger.append(put(100, "later"));
    all.push(...ledger.entries.slice(-1));
    ledger.prunedBelow = ledger.entries[15]?.sequence ?? ledger.head;
    await using second = await reflect(ledger, folder.file("ldb"), bootstrapFrom(folder));
    await using supervisor = await supervise(second, store, { ldbFolder: folder.file("ldb") });
    await supervisor.publishes(21n);
    expect(await latestIn(folder)).toBe(21n);
    expect(dumpSqliteFile(folder.file("ldb", "ldb.db"))).toEqual(replayLedger(all));
  });
});
