/** Freezing a live LDB: one committed sequence, described from its own bytes, and nothing that no host should start from. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { LdbView } from "../../../ldb/ldb-view.ts";
import type { FreezeProgress } from "../../../snapshot/freeze/contract.ts";
import {
  clearWorkFolder,
  type FreezeRequest,
  type FrozenSnapshot,
  freezeSnapshot,
} from "../../../snapshot/freeze/freeze.ts";
import { reflect } from "../../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../../reflector/memory-ledger.ts";
import { dumpSqliteDatabase } from "../../support/dump-rows.ts";
import { replayLedger } from "../../support/replay-ledger.ts";
import { runsOf, timeoutMsOf } from "../../support/suite.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";

const never = new AbortController().signal;

function requestFor(folder: TempFolder, change: Partial<FreezeRequest> = {}): FreezeRequest {
  return {
    databasePath: realpathSync(folder.file("ldb.db")),
    ldbFolder: folder.path,
    compression: "zstd",
    compressionLevel: 3,
    legacy: null,
    allowSkips: false,
    supervisorId: "test",
    ...change,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function plainOf(frozen: FrozenSnapshot): Buffer {
  const data = readFileSync(frozen.dataPath);
  return frozen.manifest.compressed.algorithm === "zstd" ? zstdDecompressSync(data) : gunzipSync(data);
}

/** An LDB of a few rows that nobody writes any more. */
async function filledLdb(folder: TempFolder, ledger = new MemoryLedger()): Promise<MemoryLedger> {
  if (ledger.head === 0n) ledger.append(CREATE_T, put(1, "one"), put(2, "two"));
  await using reflector = await reflect(ledger, folder.path);
  await reflector.applies(ledger.head);
  await reflector.reaches("current");
  return ledger;
}

function changeLdb(folder: TempFolder, sql: string): void {
  using database = new Database(folder.file("ldb.db"), { readwrite: true });
  database.run(sql);
}

describe("a frozen snapshot", () => {
  test("R29 is described by what its own bytes say, and holds the rows of the ledger at its sequence", async () => {
    using folder = tempFolder();
    const ledger = await filledLdb(folder);
    using frozen = await freezeSnapshot(requestFor(folder), { signal: never });
    const { manifest } = frozen;
    const data = readFileSync(frozen.dataPath);
    const plain = plainOf(frozen);
    expect(manifest).toMatchObject({
      sequence: 3n,
      epoch: ledger.epoch,
      skips: 0,
      ldbFormatVersion: 1,
      compressed: { bytes: data.length, sha256: sha256(data), algorithm: "zstd" },
      plain: { bytes: plain.length, sha256: sha256(plain) },
      supervisor: { id: "test" },
    });
    expect(manifest.hash).toBe(Buffer.from(ledger.entries.at(-1)?.hash ?? []).toString("hex"));
    expect(manifest.dataKey).toBe(
      `snapshots/00000000000000000003-${manifest.compressed.sha256.slice(0, 16)}.ldb.zst`,
    );
    expect(manifest.tables).toEqual([{ name: "fam___tbl", rows: 2, digest: expect.any(String) }]);
    writeFileSync(folder.file("copy.db"), plain);
    using copy = new Database(folder.file("copy.db"), { readonly: true, safeIntegers: true });
    expect(dumpSqliteDatabase(copy)).toEqual(replayLedger(ledger.entries));
    expect(copy.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
    using view = LdbView.openFile(folder.file("copy.db"));
    expect<bigint>(view.sequence).toBe(3n);
  });

  test("leaves -wal and -shm of the LDB in place when no Reflector is there (R16)", async () => {
    using folder = tempFolder();
    await filledLdb(folder);
    const { databasePath } = requestFor(folder);
    using _ = await freezeSnapshot(requestFor(folder), { signal: never });
    expect([existsSync(`${databasePath}-wal`), existsSync(`${databasePath}-shm`)]).toEqual([true, true]);
  });

  test(
    "R25 I9 D18 equals the replay of the ledger at its own sequence when it is made while writes go on",
    async () => {
      using folder = tempFolder();
      const ledger = new MemoryLedger();
      ledger.append(CREATE_T);
      await using reflector = await reflect(ledger, folder.path, { transactionStatements: 50 });
      let key = 0;
      const feeding = setInterval(() => {
        const rows = Array.from({ length: 40 }, () => put(key++ % 3_000, `${key}`.repeat(40)));
        ledger.appendTransaction(...rows);
      }, 4);
      try {
        await reflector.applies(200n);
        const seen = new Set<bigint>();
        for (let i = 0; i < runsOf({ quick: 4, deep: 100 }); i++) {
          using frozen = await freezeSnapshot(requestFor(folder), { signal: never });
          const { sequence } = frozen.manifest;
          expect(reflector.status().sequence).toBeGreaterThan(sequence);
          seen.add(sequence);
          const path = folder.file(`copy-${i}.db`);
          writeFileSync(path, plainOf(frozen));
          using copy = new Database(path, { readonly: true, safeIntegers: true });
          const entries = ledger.entries.filter((entry) => entry.sequence <= sequence);
          // The sequence is that of a whole ledger transaction, so the replay ends there too.
          expect(dumpSqliteDatabase(copy)).toEqual(replayLedger(entries));
          const entry = entries.at(-1);
          expect(frozen.manifest.hash).toBe(Buffer.from(entry?.hash ?? []).toString("hex"));
        }
        expect(seen.size).toBeGreaterThan(1);
      } finally {
        clearInterval(feeding);
      }
    },
    timeoutMsOf({ quick: 60_000, deep: 600_000 }),
  );

  test("is compressed with gzip, and has the original's forms beside it, when that is asked for", async () => {
    using folder = tempFolder();
    await filledLdb(folder);
    const cases = [
      { compression: "zstd", legacy: "gzip" },
      { compression: "gzip", legacy: "gzip" },
      { compression: "zstd", legacy: "plain" },
    ] as const;
    for (const { compression, legacy } of cases) {
      using frozen = await freezeSnapshot(requestFor(folder, { compression, legacy, compressionLevel: 1 }), {
        signal: never,
      });
      const plain = plainOf(frozen);
      expect(sha256(plain)).toBe(frozen.manifest.plain.sha256);
      const bytes = readFileSync(frozen.legacy?.path ?? "");
      const legacyPlain = legacy === "gzip" ? gunzipSync(bytes) : bytes;
      expect(legacyPlain.equals(plain)).toBe(true);
      expect(frozen.legacy?.checksum).toBe(createHash("sha1").update(plain).digest("base64"));
      expect(frozen.manifest.dataKey.endsWith(compression === "gzip" ? ".gz" : ".zst")).toBe(true);
    }
  });

  test("says its phases in order, and deletes its files when it is disposed of", async () => {
    using folder = tempFolder();
    await filledLdb(folder);
    const phases: FreezeProgress["phase"][] = [];
    {
      using frozen = await freezeSnapshot(requestFor(folder), {
        signal: never,
        onProgress: ({ phase }) => phases.push(phase),
      });
      expect(existsSync(frozen.dataPath)).toBe(true);
      expect(Object.keys(frozen.seconds)).toEqual(["checkpoint", "copy", "check", "digest", "compress"]);
    }
    expect([...new Set(phases)]).toEqual(["checkpoint", "copy", "check", "digest", "compress"]);
    expect(readdirSync(folder.file("snapshot-work"))).toEqual([]);
  });

  test("is given up, with its files gone, when the signal aborts", async () => {
    using folder = tempFolder();
    await filledLdb(folder);
    const stopping = new AbortController();
    const freezing = freezeSnapshot(requestFor(folder), {
      signal: stopping.signal,
      onProgress: () => stopping.abort(new Error("enough")),
    });
    await expect(freezing).rejects.toThrow("enough");
    expect(readdirSync(folder.file("snapshot-work"))).toEqual([]);
  });

  test("finds the work folder empty when a run before it was killed", async () => {
    using folder = tempFolder();
    await filledLdb(folder);
    mkdirSync(folder.file("snapshot-work", "orphan"), { recursive: true });
    writeFileSync(folder.file("snapshot-work", "orphan", "plain.db"), "left over");
    clearWorkFolder(folder.path);
    expect(existsSync(folder.file("snapshot-work"))).toBe(false);
  });
});

describe("freezing", () => {
  const refuses = async (folder: TempFolder, code: string, text: string) => {
    const freezing = freezeSnapshot(requestFor(folder), { signal: never });
    await expect(freezing).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
    expect(readdirSync(folder.file("snapshot-work"))).toEqual([]);
  };

  test("R26 refuses an LDB that was never filled", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    await refuses(folder, "snapshot_refused", "it is empty");
  });

  test("refuses an LDB whose hash does not belong to its sequence", async () => {
    using folder = tempFolder();
    await filledLdb(folder);
    changeLdb(folder, "UPDATE _ldb_seq SET seq = 5");
    await refuses(folder, "snapshot_refused", "link at its sequence 5 is not known");
  });

  test("refuses a generation that was replaced", async () => {
    using folder = tempFolder();
    await filledLdb(folder);
    changeLdb(folder, "UPDATE _ldb_meta SET schema_version = -1");
    await refuses(folder, "snapshot_refused", "was replaced");
  });

  test("D10 refuses an LDB that passed over entries, unless that is allowed, and then says so", async () => {
    using folder = tempFolder();
    await filledLdb(folder);
    changeLdb(folder, "INSERT INTO _ldb_skips VALUES (2, 'x', 'why', '2026-01-01T00:00:00Z')");
    await refuses(folder, "snapshot_refused", "1 ledger entries");
    using frozen = await freezeSnapshot(requestFor(folder, { allowSkips: true }), { signal: never });
    expect(frozen.manifest.skips).toBe(1);
  });

  test("refuses a database with damaged pages, and one that is none", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, ...Array.from({ length: 500 }, (_, i) => put(i, "x".repeat(180))));
    await filledLdb(folder, ledger);
    const { databasePath } = requestFor(folder);
    const bytes = readFileSync(databasePath);
    bytes.fill(0x5a, 4096 * 6, 4096 * 9);
    writeFileSync(databasePath, bytes);
    await refuses(folder, "ldb_damaged", "malformed");
    writeFileSync(databasePath, "this is no database at all, whatever it is called");
    await refuses(folder, "ldb_damaged", "not a database");
  });

  test("says what is missing when there is no LDB, or no room to work", async () => {
    using folder = tempFolder();
    await filledLdb(folder);
    const missing = requestFor(folder, { databasePath: folder.file("nothing.db") });
    await expect(freezeSnapshot(missing, { signal: never })).rejects.toMatchObject({
      code: "ldb_unavailable",
    });
    writeFileSync(folder.file("file"), "");
    const noFolder = requestFor(folder, { ldbFolder: folder.file("file") });
    await expect(freezeSnapshot(noFolder, { signal: never })).rejects.toMatchObject({
      code: "ldb_unavailable",
    });
  });
});
