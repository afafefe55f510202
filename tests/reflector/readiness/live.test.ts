/** Readiness of a running Reflector whose ledger comes, goes and turns out to be wrong. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { CtlstoreError } from "../../../core/errors.ts";
import type { ReflectorOptions } from "../../../reflector/options.ts";
import type { SnapshotSource } from "../../../snapshot/download/contract.ts";
import { storeSnapshots } from "../../support/make-snapshot.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { bootstrapping, snapshotAt, sourceInProcess } from "../bootstrap/harness.ts";
import { reflect } from "../harness.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "../memory-ledger.ts";

function oneRow(): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"));
  return ledger;
}

/** Seconds are too long for a test. */
const SHORT = { lagSeconds: 0.3, withoutCtldbSeconds: 0.2 };

const BIND: Partial<ReflectorOptions> = { bind: "127.0.0.1:0" };

async function readyz(url: string | null) {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, body: await response.json() };
}

describe("a running Reflector", () => {
  test("I15 stays ready, and is unhealthy meanwhile, when its ctldb goes and comes back", async () => {
    using folder = tempFolder();
    const readyFile = folder.file("ready");
    const ledger = oneRow();
    await using reflector = await reflect(ledger, folder.file("ldb"), {
      ...BIND,
      readiness: { ...SHORT, readyFile },
    });
    await reflector.reaches("current");
    expect(await readyz(reflector.url)).toMatchObject({ status: 200, body: { ready: true, healthy: true } });
    const { readySinceUs } = reflector.status().readiness;
    ledger.failure = ctldbAway();
    await until(() => !reflector.status().readiness.healthy, { what: "the host to be unhealthy" });
    expect(await readyz(reflector.url)).toMatchObject({
      status: 200,
      body: { ready: true, healthy: false, state: "stuck", reason: { code: "ctldb_unavailable" } },
    });
    expect(existsSync(readyFile)).toBeTrue();
    ledger.failure = null;
    await until(() => reflector.status().readiness.healthy, { what: "the host to be healthy again" });
    expect(reflector.status().readiness.readySinceUs).toBe(readySinceUs);
  });

  test("I14 does not get ready on the ledger of another ctldb, however long it waits", async () => {
    using folder = tempFolder();
    {
      await using reflector = await reflect(oneRow(), folder.path);
      await reflector.reaches("current");
    }
    const other = new MemoryLedger({ epoch: "f".repeat(32) });
    other.append(CREATE_T, put(1, "b"), put(2, "c"));
    await using reflector = await reflect(other, folder.path, { ...BIND, readiness: SHORT });
    await reflector.reaches("diverged");
    const divergedAt = performance.now();
    await until(() => performance.now() - divergedAt > 1_500, { what: "far more than the grace period" });
    expect(await readyz(reflector.url)).toMatchObject({
      status: 503,
      body: { ready: false, reason: { code: "ledger_epoch_mismatch" } },
    });
  });

  test("R8 D10 that is restarted before an entry which SQLite refuses serves what it has", async () => {
    using folder = tempFolder();
    const ledger = oneRow();
    {
      await using reflector = await reflect(ledger, folder.path);
      await reflector.reaches("current");
    }
    ledger.append("INSERT INTO fam___tbl VALUES(1)");
    await using reflector = await reflect(ledger, folder.path, { readiness: SHORT });
    await reflector.reaches("stuck", "statement_refused");
    await until(() => reflector.status().readiness.ready, { what: "the host to be ready" });
    expect(reflector.status().readiness.healthy).toBeFalse();
  });

  test("R36 is not ready with an empty ledger, and is with its first entry", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    await using reflector = await reflect(ledger, folder.path, { readiness: SHORT });
    await reflector.reaches("current");
    expect(reflector.status().readiness).toMatchObject({ ready: false, healthy: false });
    ledger.append(CREATE_T, put(1, "a"));
    await reflector.applies(2n);
    await until(() => reflector.status().readiness.healthy, { what: "the host to be healthy" });
  });

  test("is not ready while it bootstraps, nor before it has caught up after that", async () => {
    using folder = tempFolder();
    const ledger = oneRow();
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 2)]);
    ledger.append(put(2, "b"));
    const store = sourceInProcess(url);
    const gate = Promise.withResolvers<void>();
    const snapshots: SnapshotSource = {
      ...store,
      fetch: async (entry, request) => {
        request.onProgress({ phase: "downloading", bytes: 1, totalBytes: 2 });
        await gate.promise;
        ledger.failure = ctldbAway();
        return store.fetch(entry, request);
      },
    };
    const readiness = { ...SHORT, readyFile: folder.file("ready") };
    const options = { ...BIND, readiness };
    await using reflector = await bootstrapping({
      ledger,
      folder: folder.file("ldb"),
      url,
      snapshots,
      options,
    });
    await reflector.reaches("bootstrapping");
    await until(() => reflector.status().bootstrap?.bytes === 1, { what: "the download to be under way" });
    expect(await readyz(reflector.url)).toMatchObject({
      status: 503,
      body: { ready: false, state: "bootstrapping", lagSeconds: null },
    });
    gate.resolve();
    await reflector.reaches("stuck", "ctldb_unavailable");
    const stuckAt = performance.now();
    await until(() => performance.now() - stuckAt > 500, {
      what: "more than the grace period of a filled host",
    });
    expect(reflector.status()).toMatchObject({ sequence: 2n, readiness: { ready: false } });
    expect(existsSync(readiness.readyFile)).toBeFalse();
    ledger.failure = null;
    await until(() => reflector.status().readiness.healthy, { what: "the host to be ready and healthy" });
    expect(reflector.status().sequence).toBe(ledger.head);
  });

  test("removes its ready file when it cannot go on", async () => {
    using folder = tempFolder();
    const readyFile = folder.file("ready");
    const ledger = oneRow();
    const reflector = await reflect(ledger, folder.file("ldb"), { readiness: { readyFile } });
    await until(() => existsSync(readyFile), { what: "the ready file" });
    ledger.failure = new CtlstoreError("internal", "a defect, for a test");
    await reflector.done.then(
      () => expect.unreachable(),
      () => {},
    );
    expect(existsSync(readyFile)).toBeFalse();
  });
});
