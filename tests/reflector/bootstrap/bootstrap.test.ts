/** What a Reflector with a store of snapshots does with each LDB that it may find, and with each store. */
import { describe, expect, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toSequence } from "../../../core/sequence.ts";
import { openReader } from "../../../reader/index.ts";
import { dumpSqliteFile } from "../../support/dump-rows.ts";
import { dataPath, makeSnapshot, storeIndex, storeSnapshots } from "../../support/make-snapshot.ts";
import { replayLedger } from "../../support/replay-ledger.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { reflect, rowsOf } from "../harness.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "../memory-ledger.ts";
import { randomLedger } from "../random-ledger.ts";
import { bootstrapping, snapshotAt, sourceInProcess } from "./harness.ts";

/** A ledger of `length` entries: a table and rows 1, 2, 3 … */
function ledgerOf(length: number): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  for (let key = 1; key < length; key++) ledger.append(put(key, `v${key}`));
  return ledger;
}

function prunedAfter(ledger: MemoryLedger, sequence: number): MemoryLedger {
  ledger.prunedBelow = toSequence(sequence + 1);
  return ledger;
}

describe("an empty LDB", () => {
  test("I9 is the snapshot and the remaining ledger, and equals a full replay", async () => {
    using folder = tempFolder();
    const ledger = randomLedger(7, 600);
    const boundary =
      400 + ledger.entries.slice(400).findIndex(({ statement }) => statement.endsWith("COMMIT")) + 1;
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, boundary)]);
    prunedAfter(ledger, boundary);
    await using reflector = await bootstrapping({ ledger, folder: folder.file("ldb"), url });
    const status = await reflector.applies(ledger.head);
    expect(status).toMatchObject({ bootstrap: null, epoch: ledger.epoch });
    expect(dumpSqliteFile(folder.file("ldb", "ldb.db"))).toEqual(replayLedger(ledger.entries));
    expect(existsSync(folder.file("ldb", "bootstrap"))).toBe(false);
  });

  test("is filled from the ledger when the store holds nothing, and the ledger reaches back to its origin", async () => {
    using folder = tempFolder();
    const url = storeIndex(folder.file("store"), []);
    await using reflector = await bootstrapping({ ledger: ledgerOf(5), folder: folder.file("ldb"), url });
    expect(await reflector.reaches("current")).toMatchObject({ sequence: 5n, bootstrap: null });
  });

  test("R26 stays empty and says why when the ledger was pruned and there is no snapshot; one that comes is taken", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(10);
    const snapshot = await snapshotAt(ledger, 6);
    const url = storeIndex(folder.file("store"), []);
    prunedAfter(ledger, 4);
    await using reflector = await bootstrapping({ ledger, folder: folder.file("ldb"), url });
    const stuck = await reflector.reaches("stuck", "snapshot_not_found");
    expect(stuck).toMatchObject({ sequence: 0n, bootstrap: { cause: "empty", phase: "waiting" } });
    const reader = openReader({ path: folder.file("ldb", "ldb.db") });
    expect(() => reader.getRowByKey("fam", "tbl", 1)).toThrow(expect.objectContaining({ code: "ldb_empty" }));
    reader.close();
    storeSnapshots(folder.file("store"), [snapshot]);
    await reflector.applies(10n);
    expect(await reflector.reaches("current")).toMatchObject({ reason: null, bootstrap: null });
  });

  test("R26 says so when the store cannot be read", async () => {
    using folder = tempFolder();
    const ledger = prunedAfter(ledgerOf(10), 4);
    const url = storeIndex(folder.file("store"), []);
    rmSync(folder.file("store"), { recursive: true });
    await using reflector = await bootstrapping({ ledger, folder: folder.file("ldb"), url });
    await reflector.reaches("stuck", "snapshot_store_unavailable");
  });

  test("is bootstrapped with the ctldb away, and goes on when that is back", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(10);
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 6)]);
    ledger.failure = ctldbAway();
    await using reflector = await bootstrapping({ ledger, folder: folder.file("ldb"), url });
    await reflector.applies(6n);
    await reflector.reaches("stuck", "ctldb_unavailable");
    expect(rowsOf(folder.file("ldb"))).toHaveLength(5);
    ledger.failure = null;
    await reflector.applies(10n);
  });

  test("is bootstrapped with the ctldb away also when it is told to", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(10);
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 6)]);
    ledger.failure = ctldbAway();
    const bootstrap = { force: true };
    await using reflector = await bootstrapping({ ledger, folder: folder.file("ldb"), url, bootstrap });
    await reflector.applies(6n);
  });

  test("I14 stops before the first entry, and says so, when what it took with the ctldb away is of another history", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(10);
    const lost = ledger.restoredAt(5);
    lost.append(put(5, "lost"), put(6, "lost"));
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(lost, 7)]);
    ledger.failure = ctldbAway();
    await using reflector = await bootstrapping({ ledger, folder: folder.file("ldb"), url });
    await reflector.applies(7n);
    ledger.failure = null;
    const diverged = await reflector.reaches("diverged", "ledger_hash_mismatch");
    expect(diverged).toMatchObject({ sequence: 7n });
    expect(diverged.reason?.hint).toContain("--rebootstrap");
  });

  test("R5 never becomes the snapshot of another ctldb", async () => {
    using folder = tempFolder();
    const other = new MemoryLedger({ epoch: "f".repeat(32), origin: new Uint8Array(32).fill(9) });
    other.append(CREATE_T, put(1, "wrong"), put(2, "wrong"));
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(other, 3)]);
    await using reflector = await bootstrapping({ ledger: ledgerOf(4), folder: folder.file("ldb"), url });
    await reflector.applies(4n);
    expect(rowsOf(folder.file("ldb"))).toEqual(["1=v1", "2=v2", "3=v3"]);
    using pruned = tempFolder();
    await using stuck = await bootstrapping({
      ledger: prunedAfter(ledgerOf(4), 3),
      folder: pruned.path,
      url,
    });
    expect(await stuck.reaches("stuck", "snapshot_mismatch")).toMatchObject({ sequence: 0n });
  });

  test("takes the snapshot before it when the newest is ahead of a lagging replica, or of a lost history", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(10);
    const lost = ledger.restoredAt(5);
    lost.append(put(5, "lost"), put(6, "lost"));
    const url = storeSnapshots(folder.file("store"), [
      await snapshotAt(ledger, 9),
      await snapshotAt(lost, 7),
      await snapshotAt(ledger, 4),
    ]);
    const replica = ledger.restoredAt(8);
    await using reflector = await bootstrapping({
      ledger: prunedAfter(replica, 2),
      folder: folder.file("ldb"),
      url,
    });
    await reflector.applies(8n);
    expect(rowsOf(folder.file("ldb"))).toEqual([1, 2, 3, 4, 5, 6, 7].map((key) => `${key}=v${key}`));
  });

  test("is bootstrapped from a snapshot whose own entry was pruned, by the link of the next", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(8);
    const lost = ledger.restoredAt(4);
    lost.append(put(4, "lost"));
    const url = storeSnapshots(folder.file("store"), [
      await snapshotAt(lost, 5),
      await snapshotAt(ledger, 5),
    ]);
    await using reflector = await bootstrapping({
      ledger: prunedAfter(ledger, 5),
      folder: folder.file("ldb"),
      url,
    });
    await reflector.applies(8n);
    expect(rowsOf(folder.file("ldb"))).toContain("4=v4");
  });
});

describe("an LDB with data", () => {
  test("R27 is bootstrapped when it is too old for the ledger, and its readers follow", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(20);
    const ldb = folder.file("ldb");
    await (await started(ledger.restoredAt(5), ldb)).stop();
    const url = storeSnapshots(folder.file("store"), [
      await snapshotAt(ledger, 12),
      await snapshotAt(ledger, 3),
    ]);
    prunedAfter(ledger, 10);
    const reader = openReader({ path: join(ldb, "ldb.db") });
    expect(reader.getRowByKey("fam", "tbl", 4)).toMatchObject({ v: "v4" });
    await using reflector = await bootstrapping({ ledger, folder: ldb, url });
    await reflector.applies(20n);
    expect(reader.getLastSequence()).toBe(20n);
    expect(reader.getRowByKey("fam", "tbl", 19)).toMatchObject({ v: "v19" });
    reader.close();
  });

  test("I15 is read as before while a snapshot comes, and the status says how far that is", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(20);
    const ldb = folder.file("ldb");
    await (await started(ledger.restoredAt(5), ldb)).stop();
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 12)]);
    prunedAfter(ledger, 10);
    const inProcess = sourceInProcess(url);
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const snapshots: typeof inProcess = {
      ...inProcess,
      async fetch(entry, request) {
        request.onProgress({ phase: "downloading", bytes: 7, totalBytes: 70 });
        asked.resolve();
        await go.promise;
        await inProcess.fetch(entry, request);
      },
    };
    const options = { bind: "127.0.0.1:0" };
    await using reflector = await bootstrapping({ ledger, folder: ldb, url, snapshots, options });
    await asked.promise;
    expect(reflector.status()).toMatchObject({
      state: "bootstrapping",
      sequence: 5n,
      bootstrap: { cause: "too-old", phase: "downloading", sequence: 12n, bytes: 7, totalBytes: 70 },
    });
    expect(await (await fetch(`${reflector.url}/status`)).json()).toMatchObject({ state: "bootstrapping" });
    const metrics = await (await fetch(`${reflector.url}/metrics`)).text();
    expect(metrics).toContain('ctlstore_reflector_state{state="bootstrapping"} 1');
    expect(metrics).toContain("ctlstore_reflector_bootstrap_bytes 7");
    const reader = openReader({ path: join(ldb, "ldb.db") });
    expect(reader.getRowByKey("fam", "tbl", 4)).toMatchObject({ v: "v4" });
    go.resolve();
    await reflector.applies(20n);
    expect(reader.getRowByKey("fam", "tbl", 19)).toMatchObject({ v: "v19" });
    reader.close();
  });

  test("R27 keeps its state and waits when it is too old and no snapshot is newer: never back, never over a gap", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(20);
    const ldb = folder.file("ldb");
    await (await started(ledger.restoredAt(8), ldb)).stop();
    const store = folder.file("store");
    const url = storeSnapshots(store, [await snapshotAt(ledger, 6)]);
    prunedAfter(ledger, 10);
    await using reflector = await bootstrapping({ ledger, folder: ldb, url });
    const stuck = await reflector.reaches("stuck", "snapshot_not_found");
    expect(stuck).toMatchObject({ sequence: 8n, bootstrap: { cause: "too-old" } });
    expect(rowsOf(ldb)).toHaveLength(7);
    // Still of no use: the ledger begins after it.
    storeSnapshots(store, [await snapshotAt(ledger, 9)]);
    await reflector.reaches("stuck", "ledger_too_old");
    storeSnapshots(store, [await snapshotAt(ledger, 15)]);
    await reflector.applies(20n);
  });

  test("R27 is judged again after the download when the ledger was pruned past the snapshot meanwhile", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(20);
    const store = folder.file("store");
    const newer = await snapshotAt(ledger, 15);
    const url = storeSnapshots(store, [await snapshotAt(ledger, 5)]);
    const inProcess = sourceInProcess(url);
    const fetched: bigint[] = [];
    const snapshots: typeof inProcess = {
      ...inProcess,
      async fetch(entry, request) {
        await inProcess.fetch(entry, request);
        fetched.push(entry.sequence);
        prunedAfter(ledger, 10);
        storeSnapshots(store, [newer]);
      },
    };
    const options = { bind: "127.0.0.1:0" };
    await using reflector = await bootstrapping({
      ledger,
      folder: folder.file("ldb"),
      url,
      snapshots,
      options,
    });
    await reflector.applies(20n);
    expect(fetched).toEqual([5n, 15n]);
    // The first one was never placed.
    const metrics = await (await fetch(`${reflector.url}/metrics`)).text();
    expect(metrics).toContain("ctlstore_reflector_bootstraps_total 1");
    expect(rowsOf(folder.file("ldb"))).toHaveLength(19);
  });

  test("is left alone when it is sound and the ledger goes on from it, whatever the store holds", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(10);
    const ldb = folder.file("ldb");
    const first = await started(ledger.restoredAt(5), ldb);
    await first.stop();
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 8)]);
    ledger.failure = ctldbAway();
    await using reflector = await bootstrapping({ ledger, folder: ldb, url });
    await reflector.reaches("stuck", "ctldb_unavailable");
    ledger.failure = null;
    await reflector.applies(10n);
    expect(reflector.status().ldb).toMatchObject({ generation: first.status().ldb.generation });
  });

  test("R4 stays diverged with a hint when the ctldb lost its tail, and goes back when it is told to", async () => {
    using folder = tempFolder();
    const before = ledgerOf(10);
    const ldb = folder.file("ldb");
    await (await started(before, ldb)).stop();
    const restored = before.restoredAt(6);
    const snapshot = await snapshotAt(before, 5);
    for (let key = 100; key < 110; key++) restored.append(put(key, "new"));
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(before, 9), snapshot]);
    {
      await using reflector = await bootstrapping({ ledger: restored, folder: ldb, url });
      const diverged = await reflector.reaches("diverged", "ledger_hash_mismatch");
      expect(diverged.reason?.hint).toContain("--rebootstrap");
      expect(rowsOf(ldb)).toHaveLength(9);
    }
    await using reflector = await bootstrapping({
      ledger: restored,
      folder: ldb,
      url,
      bootstrap: { force: true },
    });
    await reflector.applies(16n);
    expect(rowsOf(ldb)).toHaveLength(15);
    expect(rowsOf(ldb)).not.toContain("9=v9");
  });

  test("R4 is not replaced when it is told to and the ledger does not answer", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(10);
    const ldb = folder.file("ldb");
    await (await started(ledger, ldb)).stop();
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 5)]);
    ledger.failure = ctldbAway();
    await using reflector = await bootstrapping({ ledger, folder: ldb, url, bootstrap: { force: true } });
    const stuck = await reflector.reaches("stuck", "ctldb_unavailable");
    expect(stuck).toMatchObject({ sequence: 10n, bootstrap: { cause: "told-to" } });
    ledger.failure = null;
    await until(() => reflector.status().bootstrap === null, { what: "the bootstrap" });
    await reflector.applies(10n);
  });

  test("as a plain file of the original's layout is replaced too", async () => {
    using folder = tempFolder();
    const ledger = ledgerOf(20);
    const ldb = folder.file("ldb");
    await (await started(ledger.restoredAt(5), ldb)).stop();
    using plain = tempFolder();
    writeFileSync(plain.file("ldb.db"), makeSnapshotBytes(ldb));
    const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 12)]);
    prunedAfter(ledger, 10);
    const reader = openReader({ path: plain.file("ldb.db") });
    expect(reader.getLastSequence()).toBe(5n);
    await using reflector = await bootstrapping({ ledger, folder: plain.path, url });
    await reflector.applies(20n);
    expect(reader.getLastSequence()).toBe(20n);
    reader.close();
  });
});

describe("a snapshot", () => {
  test.each(["corrupted", "truncated", "replaced", "gone", "of a lying manifest"] as const)(
    "R22 that is %s is passed over for the one before it",
    async (how) => {
      using folder = tempFolder();
      const ledger = ledgerOf(12);
      const store = folder.file("store");
      const lying = how === "of a lying manifest";
      const newest = await snapshotAt(
        ledger,
        9,
        lying ? { manifest: (manifest) => ({ ...manifest, schemaFingerprint: "0".repeat(64) }) } : {},
      );
      const older = await snapshotAt(ledger, 6);
      const url = storeSnapshots(store, [newest, older]);
      const path = dataPath(store, newest);
      const bytes = Buffer.from(newest.data);
      if (how === "corrupted") bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      if (how === "corrupted") writeFileSync(path, bytes);
      if (how === "truncated") writeFileSync(path, bytes.subarray(0, bytes.length - 10));
      if (how === "replaced") writeFileSync(path, older.data);
      if (how === "gone") rmSync(path);
      prunedAfter(ledger, 2);
      await using reflector = await bootstrapping({ ledger, folder: folder.file("ldb"), url });
      await reflector.applies(12n);
      expect(rowsOf(folder.file("ldb"))).toHaveLength(11);
      expect(existsSync(folder.file("ldb", "bootstrap"))).toBe(false);
    },
  );

  test("R22 that is damaged is not adopted when there is no other, and not fetched again and again", async () => {
    using folder = tempFolder();
    const ledger = prunedAfter(ledgerOf(12), 2);
    const store = folder.file("store");
    const only = await snapshotAt(ledgerOf(12), 9);
    const url = storeSnapshots(store, [only]);
    writeFileSync(dataPath(store, only), Buffer.alloc(only.data.length, 1));
    let reads = 0;
    const snapshots = sourceInProcess(url, (opened) => ({
      ...opened,
      url: opened.url,
      readDocument: opened.readDocument.bind(opened),
      readObject(key, range) {
        reads += 1;
        return opened.readObject(key, range);
      },
    }));
    await using reflector = await bootstrapping({ ledger, folder: folder.file("ldb"), url, snapshots });
    await until(() => (reflector.status().bootstrap?.failedAttempts ?? 0) > 3, { what: "four attempts" });
    expect(reflector.status()).toMatchObject({
      state: "stuck",
      reason: { code: "snapshot_damaged" },
      sequence: 0n,
    });
    expect(reads).toBe(2);
  });
});

async function started(ledger: MemoryLedger, folder: string) {
  const reflector = await reflect(ledger, folder);
  await reflector.applies(ledger.head);
  return reflector;
}

function makeSnapshotBytes(ldb: string): Uint8Array {
  let found = new Uint8Array();
  makeSnapshot(ldb, {
    plain: (database) => {
      found = new Uint8Array(database);
      return database;
    },
  });
  return found;
}
