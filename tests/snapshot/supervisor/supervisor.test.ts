/** The Supervisor: a snapshot every interval while applying goes on, and nothing at all from a bad state. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { followReflector } from "../../../cli/followed-reflector.ts";
import { hashToHex } from "../../../core/ledger/chain.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { type Logger, silentLogger } from "../../../core/process/logger.ts";
import { createMetrics } from "../../../core/process/metrics.ts";
import { copyLdb } from "../../../ldb/copy-database.ts";
import { readIndex, readManifest } from "../../../snapshot/documents.ts";
import { compressFile } from "../../../snapshot/freeze/compress-file.ts";
import { clearWorkFolder } from "../../../snapshot/freeze/freeze.ts";
import { publishSnapshot } from "../../../snapshot/publish/publish.ts";
import { superviseOnce } from "../../../snapshot/supervisor/start.ts";
import { reflect } from "../../reflector/harness.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "../../reflector/memory-ledger.ts";
import { dumpSqliteDatabase } from "../../support/dump-rows.ts";
import { smallDisk, whyNoMounts } from "../../support/mounts.ts";
import { replayLedger } from "../../support/replay-ledger.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { EPOCH, makePublishable, OTHER_EPOCH } from "../make-publishable.ts";
import { MemoryStore, storeAway } from "../memory-store.ts";
import { metricOf, supervise } from "./harness.ts";

const never = new AbortController().signal;
const MIB = 1024 * 1024;

function filledLedger(): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "one"));
  return ledger;
}

async function latestOf(store: MemoryStore) {
  const found = await readIndex(store, never);
  return found?.index.latest ?? null;
}

/** The rows of the newest snapshot in a store. */
async function rowsOfLatest(store: MemoryStore, path: string) {
  const entry = await latestOf(store);
  if (entry === null) throw new Error("nothing was published");
  const manifest = await readManifest(store, entry, never);
  const plain = zstdDecompressSync(store.objects.get(manifest.dataKey)?.bytes ?? new Uint8Array());
  await Bun.write(path, plain);
  using database = new Database(path, { readonly: true, safeIntegers: true });
  return { sequence: entry.sequence, rows: dumpSqliteDatabase(database) };
}

async function publishByHand(
  store: MemoryStore,
  sequence: number,
  epoch: string | null = EPOCH,
  hash?: string,
): Promise<void> {
  using folder = tempFolder();
  const retention = { keep: 24, keepForMs: 3_600_000 };
  const options = { supervisorId: "other", newEpoch: true, retention, signal: never };
  await publishSnapshot(
    { store, clock: systemClock },
    makePublishable(folder, sequence, { epoch, ...(hash === undefined ? {} : { hash }) }),
    options,
  );
}

function hashAt(ledger: MemoryLedger, sequence: bigint): string {
  const entry = ledger.entries.find((one) => one.sequence === sequence);
  if (entry?.hash == null) throw new Error(`there is no hash at ${sequence}`);
  return hashToHex(entry.hash);
}

describe("a Supervisor", () => {
  test("I9 publishes again and again while the ledger grows, each equal to the ledger's replay", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path);
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
    for (let i = 0; i < 3; i++) {
      await supervisor.publishes(ledger.head);
      const { sequence, rows } = await rowsOfLatest(store, folder.file(`copy-${i}.db`));
      expect(sequence).toBe(ledger.head);
      expect(rows).toEqual(replayLedger(ledger.entries));
      ledger.append(put(i, `round ${i}`), put(100 + i, "more"));
    }
    const { id, published, latest } = await supervisor.publishes(ledger.head);
    expect(id).toBe("test");
    expect(latest?.sequence).toEqual(published?.sequence);
    expect(await metricOf(supervisor.metrics, "ctlstore_supervisor_snapshots_published_total")).toBe(4);
  });

  test("publishes nothing twice when the ledger is quiet", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await using reflector = await reflect(filledLedger(), folder.path);
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path, intervalMs: 5 });
    await supervisor.publishes(2n);
    let looks = 0;
    store.before = () => void looks++;
    await until(() => looks >= 10, { what: "ten more looks" });
    expect(store.objects.size).toBe(3);
    expect(supervisor.status().state).toBe("waiting");
    expect(await metricOf(supervisor.metrics, "ctlstore_supervisor_snapshots_published_total")).toBe(1);
  });

  test("D10 publishes nothing and says so when its Reflector is stuck, and goes on when that is over", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    ledger.append(put(5, "good"), "REPLACE INTO fam___missing (k) VALUES(1)");
    await reflector.reaches("stuck", "statement_refused");
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
    const { reason } = await supervisor.reaches("refused", "its Reflector is stuck");
    expect(reason?.message).toContain("fam___missing");
    expect(await metricOf(supervisor.metrics, "ctlstore_supervisor_refused_total")).toBe(1);
    expect(store.objects.size).toBe(0);
    ledger.tamper(4, put(6, "mended"));
    ledger.entries = ledger.entries.map((entry) =>
      entry.sequence === 4n ? { ...entry, hash: null } : entry,
    );
    ledger.takeoverSequence = ledger.head;
    await supervisor.publishes(3n);
  });

  test("publishes nothing when its Reflector has diverged, or waits for a ledger that is away", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    ledger.failure = ctldbAway();
    await reflector.reaches("stuck", "ctldb_unavailable");
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
    await supervisor.reaches("refused", "its Reflector is stuck");
    ledger.tamper(2, put(1, "changed"));
    ledger.entries = ledger.entries.map((entry) =>
      entry.sequence === 2n ? { ...entry, hash: new Uint8Array(32).fill(9) } : entry,
    );
    ledger.failure = null;
    await reflector.reaches("diverged");
    await supervisor.reaches("refused", "its Reflector is diverged");
    expect(store.objects.size).toBe(0);
  });

  test("R26 publishes nothing when the ledger never answered, or has nothing", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = new MemoryLedger();
    ledger.hangs = true;
    await using reflector = await reflect(ledger, folder.path, { pollTimeoutMs: 200 });
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
    await supervisor.reaches("refused", "the ledger has not answered yet");
    ledger.hangs = false;
    await supervisor.reaches("refused", "it is empty");
    expect(store.objects.size).toBe(0);
    ledger.append(CREATE_T);
    await supervisor.publishes(1n);
  });

  test("R26 publishes nothing when its LDB is a file that somebody put there", async () => {
    using folder = tempFolder();
    using other = tempFolder();
    const store = new MemoryStore();
    const ledger = filledLedger();
    {
      await using first = await reflect(ledger, other.path);
      await first.reaches("current");
    }
    using database = new Database(other.file("ldb.db"), { readonly: true });
    database.run(`VACUUM INTO '${folder.file("ldb.db")}'`);
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
    await supervisor.reaches("refused", "a plain file");
    expect(store.objects.size).toBe(0);
  });

  test("D10 publishes nothing when entries were passed over, unless that is allowed", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = filledLedger();
    {
      await using first = await reflect(ledger, folder.path);
      await first.reaches("current");
    }
    {
      using database = new Database(folder.file("ldb.db"));
      database.run("INSERT INTO _ldb_skips VALUES (2, 'x', 'why', '2026-01-01T00:00:00Z')");
    }
    await using reflector = await reflect(ledger, folder.path);
    {
      await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
      await supervisor.reaches("refused", "1 ledger entries");
      expect(store.objects.size).toBe(0);
    }
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path, allowSkips: true });
    await supervisor.publishes(2n);
    const entry = await latestOf(store);
    expect(entry && (await readManifest(store, entry, never)).skips).toBe(1);
  });

  test("publishes nothing into the store of another ctldb, and replaces it once when that is meant", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await publishByHand(store, 1_000, OTHER_EPOCH);
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path);
    {
      await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
      const { reason } = await supervisor.reaches("refused", `of epoch ${OTHER_EPOCH}`);
      expect(reason?.hint).toContain("--new-epoch");
    }
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path, newEpoch: true });
    await supervisor.publishes(2n);
    // Somebody else's Supervisor takes it back: the two must not take turns for ever.
    await publishByHand(store, 1_001, OTHER_EPOCH);
    ledger.append(put(3, "three"));
    await supervisor.reaches("refused", `of epoch ${OTHER_EPOCH}`);
  });

  test("waits, refusing nothing, when another Supervisor is ahead of it", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await publishByHand(store, 50);
    await using reflector = await reflect(filledLedger(), folder.path);
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
    const { latest, published } = await supervisor.reaches("waiting");
    expect<bigint | undefined>(latest?.sequence).toBe(50n);
    expect(published).toBeNull();
    expect(existsSync(folder.file("snapshot-work"))).toBe(false);
  });

  test("waits, refusing nothing, when the ctldb was taken over from the original and nothing was written since", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = filledLedger();
    await publishByHand(store, 2, null, hashAt(ledger, 2n));
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
    await until(() => !["starting", "freezing"].includes(supervisor.status().state), {
      what: "a first look",
    });
    expect(supervisor.status().reason).toBeNull();
    ledger.append(put(2, "two"));
    await supervisor.publishes(3n);
  });

  test("R4 publishes nothing on top of a snapshot whose history its ledger does not have", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await publishByHand(store, 1);
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path);
    {
      await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
      const { reason } = await supervisor.reaches("refused", "at sequence 1,");
      expect(reason?.hint).toContain("--new-epoch");
      expect(existsSync(folder.file("snapshot-work"))).toBe(false);
    }
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path, newEpoch: true });
    await supervisor.publishes(2n);
    ledger.append(put(3, "three"));
    await supervisor.publishes(3n);
  });

  test("R4 publishes nothing on top of such a snapshot that comes during its upload", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await using reflector = await reflect(filledLedger(), folder.path);
    store.before = async (operation) => {
      if (operation !== "uploadFile") return;
      store.before = () => {};
      await publishByHand(store, 1);
    };
    await using supervisor = await supervise(reflector, store, {
      ldbFolder: folder.path,
      intervalMs: 60_000,
    });
    await supervisor.reaches("refused", "at sequence 1,");
    expect<bigint | undefined>((await latestOf(store))?.sequence).toBe(1n);
  });

  test("goes on from the snapshots of another Supervisor of the same ledger", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = filledLedger();
    await publishByHand(store, 1, EPOCH, hashAt(ledger, 1n));
    await using reflector = await reflect(ledger, folder.path);
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
    await supervisor.publishes(2n);
  });

  test("R23 gives up what it froze when a newer one was published meanwhile", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await using reflector = await reflect(filledLedger(), folder.path);
    store.before = async (operation) => {
      if (operation !== "uploadFile") return;
      store.before = () => {};
      await publishByHand(store, 60);
    };
    await using supervisor = await supervise(reflector, store, {
      ldbFolder: folder.path,
      intervalMs: 60_000,
    });
    const { latest, published } = await supervisor.reaches("waiting");
    expect<bigint | undefined>(latest?.sequence).toBe(60n);
    expect(published).toBeNull();
    expect(await metricOf(supervisor.metrics, "ctlstore_supervisor_overtaken_total")).toBe(1);
    expect<bigint | undefined>((await latestOf(store))?.sequence).toBe(60n);
    expect(readdirSync(folder.file("snapshot-work"))).toEqual([]);
  });

  test("keeps what it froze for the next attempt when the store is away, and publishes that", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await using reflector = await reflect(filledLedger(), folder.path);
    let attempts = 0;
    store.before = (operation) => {
      if (operation === "uploadFile" && attempts++ < 3) throw storeAway();
    };
    const options = { ldbFolder: folder.path, intervalMs: 60_000 };
    await using supervisor = await supervise(reflector, store, options);
    const failing = await supervisor.reaches("failing", "it is away");
    expect<bigint | null>(failing.keptSequence).toBe(2n);
    const [kept] = readdirSync(folder.file("snapshot-work"));
    const { keptSequence } = await supervisor.publishes(2n);
    expect(attempts).toBe(4);
    expect(keptSequence).toBeNull();
    expect(kept).toBeDefined();
    expect(readdirSync(folder.file("snapshot-work"))).toEqual([]);
    expect(await metricOf(supervisor.metrics, "ctlstore_supervisor_failures_total")).toBe(3);
  });

  test("freezes anew when what it kept has become old", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path);
    store.before = (operation) => {
      if (operation === "uploadFile") throw storeAway();
    };
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path, intervalMs: 20 });
    await supervisor.reaches("failing", "it is away");
    ledger.append(put(9, "nine"));
    await until(() => supervisor.status().keptSequence === 3n, { what: "a newer one to be kept" });
    store.before = () => {};
    await supervisor.publishes(3n);
    expect(store.objects.size).toBe(3);
  });

  test("R47 logs a bounded number of lines while the store is away", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    let attempts = 0;
    store.before = () => {
      attempts += 1;
      throw storeAway();
    };
    let lines = 0;
    const count = () => void lines++;
    const logger: Logger = { ...silentLogger, info: count, warn: count, error: count, child: () => logger };
    await using reflector = await reflect(filledLedger(), folder.path);
    const options = { ldbFolder: folder.path, backoffMs: { base: 1, max: 1 } };
    await using supervisor = await supervise(reflector, store, options, { logger });
    await until(() => attempts >= 100, { what: "a hundred attempts" });
    expect(supervisor.status().state).toBe("failing");
    expect(lines).toBeLessThan(12);
  });

  test("R24 publishes each time when freezing takes longer than the interval, and a transaction too", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, folder.path, {
      transactionStatements: 10,
      sliceStatements: 10,
    });
    await reflector.reaches("current");
    // An interval of 1 ms: each freeze outlasts it. The ledger's transaction is applied over many of them.
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path, intervalMs: 1 });
    await supervisor.publishes(2n);
    ledger.appendTransaction(...Array.from({ length: 20_000 }, (_, i) => put(i, "x".repeat(100))));
    await supervisor.publishes(ledger.head);
    const { sequence, rows } = await rowsOfLatest(store, folder.file("copy.db"));
    expect(sequence).toBe(ledger.head);
    expect(rows).toEqual(replayLedger(ledger.entries));
  });

  test("answers /status, /healthz, /readyz and /metrics, with the store away too (R46)", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await using reflector = await reflect(filledLedger(), folder.path);
    const options = { ldbFolder: folder.path, bind: "127.0.0.1:0" };
    await using supervisor = await supervise(reflector, store, options);
    await supervisor.publishes(2n);
    await supervisor.reaches("waiting");
    const ask = (path: string, method = "GET") => fetch(`${supervisor.url}${path}`, { method });
    expect((await ask("/readyz")).status).toBe(200);
    const status = (await (await ask("/status")).json()) as Record<string, unknown>;
    expect(status).toMatchObject({ published: { sequence: 2 }, reflector: { state: "current" }, id: "test" });
    expect(await (await ask("/metrics")).text()).toContain("ctlstore_supervisor_last_published_sequence 2");
    store.before = () => {
      throw storeAway();
    };
    await supervisor.reaches("failing");
    expect((await ask("/readyz")).status).toBe(503);
    expect((await ask("/healthz")).status).toBe(200);
    expect((await ask("/nothing")).status).toBe(404);
    expect((await ask("/status", "POST")).status).toBe(405);
  });

  test("stops at once in the middle of its work, leaving no files", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await using reflector = await reflect(filledLedger(), folder.path);
    const supervisor = await supervise(reflector, store, { ldbFolder: folder.path });
    await supervisor.reaches("freezing");
    await supervisor.stop();
    await supervisor.stop();
    await supervisor.done;
    expect(readdirSync(folder.file("snapshot-work"))).toEqual([]);
  });

  test("finds the files of a killed run and removes them", async () => {
    using folder = tempFolder();
    await using reflector = await reflect(new MemoryLedger(), folder.path);
    mkdirSync(folder.file("snapshot-work", "orphan"), { recursive: true });
    await using _ = await supervise(reflector, new MemoryStore(), { ldbFolder: folder.path });
    expect(existsSync(folder.file("snapshot-work"))).toBe(false);
  });

  test("starts, and frees what it can, when the files of a killed run cannot be removed", () => {
    using folder = tempFolder();
    // As good as a folder that another process goes on writing into.
    writeFileSync(folder.file("ldb"), "");
    expect(() => clearWorkFolder(folder.file("ldb"))).not.toThrow();
  });

  test("is refused a taken port", async () => {
    using folder = tempFolder();
    await using reflector = await reflect(filledLedger(), folder.path);
    await using first = await supervise(reflector, new MemoryStore(), {
      ldbFolder: folder.path,
      bind: "127.0.0.1:0",
    });
    const bind = new URL(first.url ?? "").host;
    const second = supervise(reflector, new MemoryStore(), { ldbFolder: folder.path, bind });
    await expect(second).rejects.toMatchObject({ code: "config_invalid" });
  });
});

const noMounts = await whyNoMounts();
if (noMounts !== null) console.log(`tests of a full disk are skipped: ${noMounts}`);

describe.skipIf(noMounts !== null)("a full disk", () => {
  test("R13 is said with what is needed, while applying goes on, and the snapshot follows when there is space", async () => {
    using disk = smallDisk(32 * MIB);
    const store = new MemoryStore();
    const ledger = filledLedger();
    await using reflector = await reflect(ledger, disk.path);
    await using supervisor = await supervise(reflector, store, { ldbFolder: disk.path });
    const { reason } = await supervisor.reaches("failing", "are needed");
    expect(reason?.code).toBe("ldb_disk_full");
    ledger.append(put(2, "two"));
    await reflector.applies(3n);
    disk.resize(128 * MIB);
    await supervisor.publishes(3n);
  });

  test("R13 ends a copy and a compression that do not fit, with the reason", async () => {
    using disk = smallDisk(1 * MIB);
    using folder = tempFolder();
    const ledger = filledLedger();
    ledger.append(...Array.from({ length: 20_000 }, (_, i) => put(i, "x".repeat(180))));
    await using reflector = await reflect(ledger, folder.path);
    await reflector.applies(ledger.head);
    const { path } = reflector.status().ldb;
    expect(() => copyLdb(path, join(disk.path, "copy.db"))).toThrow(
      expect.objectContaining({ code: "ldb_disk_full" }),
    );
    rmSync(join(disk.path, "copy.db"), { force: true });
    const random = folder.file("random");
    writeFileSync(random, randomBytes(4 * MIB));
    const outputs = [{ path: join(disk.path, "data"), algorithm: "zstd", level: 3 }] as const;
    const options = { wantsSha1: false, signal: never, onProgress: () => {} };
    await expect(compressFile(random, outputs, options)).rejects.toMatchObject({ code: "ENOSPC" });
  });
});

describe("the original's key", () => {
  test("holds what the original's Reflector needs, and never before our own snapshot", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const legacyStore = new MemoryStore();
    const ledger = filledLedger();
    legacyStore.before = async (operation) => {
      if (operation === "uploadFile") expect((await latestOf(store))?.sequence).toBe(ledger.head);
    };
    await using reflector = await reflect(ledger, folder.path);
    const legacy = { store: legacyStore, key: "ldb/snapshot.db.gz" };
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path }, { legacy });
    await supervisor.publishes(2n);
    const found = legacyStore.objects.get(legacy.key);
    const plain = gunzipSync(found?.bytes ?? new Uint8Array());
    expect(found?.metadata["checksum"]).toBe(createHash("sha1").update(plain).digest("base64"));
    await Bun.write(folder.file("original.db"), plain);
    using database = new Database(folder.file("original.db"));
    // What the original does with it.
    database.run("PRAGMA journal_mode = WAL");
    expect(database.query("SELECT seq FROM _ldb_seq WHERE id = 1").get()).toEqual({ seq: 2 });
    expect(database.query("SELECT name FROM _ldb_last_update").get()).toEqual({ name: "ledger" });
    expect(database.query("SELECT * FROM fam___tbl").all()).toEqual([{ k: 1, v: "one" }]);
  });

  test("is written by the next attempt when its store was away, without publishing ours twice", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const legacyStore = new MemoryStore();
    let failures = 0;
    legacyStore.before = (operation) => {
      if (operation === "uploadFile" && failures++ < 2) throw storeAway();
    };
    await using reflector = await reflect(filledLedger(), folder.path);
    const legacy = { store: legacyStore, key: "plain.db" };
    const options = { ldbFolder: folder.path, intervalMs: 60_000 };
    await using supervisor = await supervise(reflector, store, options, { legacy });
    await supervisor.publishes(2n);
    expect(legacyStore.objects.get("plain.db")?.bytes.subarray(0, 6)).toEqual(Buffer.from("SQLite"));
    expect([...store.objects.keys()].filter((key) => key.endsWith(".zst"))).toHaveLength(1);
  });

  test("is left to a newer snapshot's Supervisor when that one came between", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const legacyStore = new MemoryStore();
    await using reflector = await reflect(filledLedger(), folder.path);
    let published = false;
    store.before = async (operation, key) => {
      // The look that precedes the original's key.
      if (operation !== "readDocument" || key !== "latest.json" || published) return;
      if (!store.objects.has("latest.json")) return;
      published = true;
      await publishByHand(store, 70);
    };
    const legacy = { store: legacyStore, key: "ldb.db.gz" };
    await using supervisor = await supervise(reflector, store, { ldbFolder: folder.path }, { legacy });
    await supervisor.publishes(2n);
    expect(legacyStore.objects.size).toBe(0);
  });
});

describe("one snapshot and no more", () => {
  const once = (reflector: Parameters<typeof followReflector>[0], store: MemoryStore, ldbFolder: string) =>
    superviseOnce(
      {
        followed: followReflector(reflector),
        store,
        logger: silentLogger,
        clock: systemClock,
        metrics: createMetrics(),
      },
      { ldbFolder, recheckMs: 5 },
      never,
    );

  test("is published when the LDB is current, and not again when there is nothing new", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await using reflector = await reflect(filledLedger(), folder.path);
    expect((await once(reflector, store, folder.path)).kind).toBe("published");
    expect(readdirSync(folder.file("snapshot-work"))).toEqual([]);
    expect((await once(reflector, store, folder.path)).kind).toBe("unchanged");
  });

  test("fails when the LDB is empty or the store is away", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const ledger = new MemoryLedger();
    await using reflector = await reflect(ledger, folder.path);
    await expect(once(reflector, store, folder.path)).rejects.toMatchObject({ code: "snapshot_refused" });
    ledger.append(CREATE_T);
    await reflector.applies(1n);
    store.before = () => {
      throw storeAway();
    };
    const failing = once(reflector, store, folder.path);
    await expect(failing).rejects.toMatchObject({ code: "snapshot_store_unavailable" });
  });
});
