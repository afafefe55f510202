/** Fetching a snapshot: what the network, the store and the disk may do on the way, and what is believed at the end. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { CtlstoreError } from "../../../core/errors.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { FileLock } from "../../../ldb/file-lock.ts";
import type { FetchProgress } from "../../../snapshot/download/contract.ts";
import { fetchSnapshot } from "../../../snapshot/download/fetch-snapshot.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import type { ObjectReader, SnapshotStore } from "../../../snapshot/stores/store.ts";
import { dumpSqliteFile } from "../../support/dump-rows.ts";
import { fillLdb } from "../../support/filled-ldb.ts";
import { dataPath, type MadeSnapshot, makeSnapshot, storeSnapshots } from "../../support/make-snapshot.ts";
import { seededRandom, suiteSeed } from "../../support/suite.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";

const BYTES = 3_000_000;

const source = tempFolder("source");
afterAll(() => source[Symbol.dispose]());

fillLdb(source.path, { sequence: 42, bytes: BYTES });
const snapshot = makeSnapshot(source.path);
const expectedRows = dumpSqliteFile(source.file("ldb.db"));

interface World {
  readonly folder: TempFolder;
  readonly store: SnapshotStore;
  readonly storeFolder: string;
}

async function worldOf(folder: TempFolder, made: MadeSnapshot = snapshot): Promise<World> {
  const storeFolder = folder.file("store");
  const url = storeSnapshots(storeFolder, [made]);
  return { folder, storeFolder, store: await openSnapshotStore(url) };
}

interface FetchGiven {
  readonly made?: MadeSnapshot;
  readonly store?: SnapshotStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FetchProgress) => void;
}

function fetchInto(world: World, given: FetchGiven = {}): Promise<void> {
  const { made = snapshot, store = world.store, onProgress = () => {} } = given;
  return fetchSnapshot({ store, clock: systemClock, random: () => 0 }, made.entry, {
    workFolder: world.folder.file("work"),
    targetPath: targetOf(world),
    signal: given.signal ?? new AbortController().signal,
    onProgress,
  });
}

function targetOf({ folder }: World): string {
  return folder.file("fetched.db");
}

function partOf({ folder }: World, { manifest }: MadeSnapshot = snapshot): string {
  return folder.file("work", `${manifest.compressed.sha256}.part`);
}

/** The store with another way of reading large objects. */
function reading(
  { store }: World,
  readObject: (from: number, next: () => Promise<ObjectReader | null>) => Promise<ObjectReader | null>,
): SnapshotStore {
  const used: Pick<SnapshotStore, "url" | "readDocument" | "readObject"> = {
    url: store.url,
    readDocument: (key, signal) => store.readDocument(key, signal),
    readObject: (key, range) => readObject(range.fromByte, () => store.readObject(key, range)),
  };
  return used as SnapshotStore; // what a fetch uses of it
}

async function* cutAfter(body: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of body) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0)
      throw new CtlstoreError("snapshot_store_unavailable", "Cannot read on: the connection broke");
  }
}

describe("a fetched snapshot", () => {
  test.each(["zstd", "gzip"] as const)(
    "has the rows of the LDB it was made of when it is compressed with %s",
    async (algorithm) => {
      using folder = tempFolder();
      const made = makeSnapshot(source.path, { algorithm });
      const world = await worldOf(folder, made);
      const seen: FetchProgress[] = [];
      await fetchInto(world, { made, onProgress: (progress) => seen.push(progress) });
      expect(dumpSqliteFile(targetOf(world))).toEqual(expectedRows);
      expect(seen.at(0)).toMatchObject({ phase: "downloading", bytes: 0, totalBytes: made.data.length });
      expect(seen.at(-1)).toMatchObject({ phase: "checking", bytes: made.data.length });
    },
  );

  test("D18 goes on where a connection broke, again and again, and downloads nothing twice", async () => {
    using folder = tempFolder();
    const world = await worldOf(folder);
    const asked: number[] = [];
    const step = 1_000_000;
    const store = reading(world, async (from, next) => {
      asked.push(from);
      const object = await next();
      return object === null ? null : { ...object, body: cutAfter(object.body, step) };
    });
    await fetchInto(world, { store });
    expect(asked).toEqual([0, step, 2 * step, 3 * step].filter((from) => from < snapshot.data.length));
    expect(dumpSqliteFile(targetOf(world))).toEqual(expectedRows);
  });

  test("D18 goes on from the part on the disk when the process before it died", async () => {
    using folder = tempFolder();
    const world = await worldOf(folder);
    const dying = new AbortController();
    const half = reading(world, async (_from, next) => {
      const object = await next();
      return object === null ? null : { ...object, body: dieAfter(object.body, 1_000_000, dying) };
    });
    await expect(fetchInto(world, { store: half, signal: dying.signal })).rejects.toThrow("killed");
    const kept = statSync(partOf(world)).size;
    expect(kept).toBeGreaterThan(200_000);
    expect(existsSync(targetOf(world))).toBe(false);
    const asked: number[] = [];
    const store = reading(world, (from, next) => {
      asked.push(from);
      return next();
    });
    await fetchInto(world, { store });
    expect(asked).toEqual([kept]);
    expect(dumpSqliteFile(targetOf(world))).toEqual(expectedRows);
  });

  test.each([
    ["other bytes", Buffer.alloc(700_000, 1)],
    ["more bytes than there are", Buffer.alloc(BYTES * 2, 1)],
    [
      "a hole, as a power cut leaves",
      Buffer.concat([snapshot.data.subarray(0, 300_000), Buffer.alloc(300_000)]),
    ],
  ])("is downloaded anew when the part on the disk holds %s", async (_what, bytes) => {
    using folder = tempFolder();
    const world = await worldOf(folder);
    mkdirSync(folder.file("work"));
    writeFileSync(partOf(world), bytes);
    writeFileSync(folder.file("work", `${"0".repeat(64)}.part`), "of another snapshot");
    await fetchInto(world);
    expect(dumpSqliteFile(targetOf(world))).toEqual(expectedRows);
    expect(readdirSync(folder.file("work")).filter((name) => name.endsWith(".part"))).toHaveLength(1);
  });

  test("leaves nothing behind when it is stopped before its first byte", async () => {
    using folder = tempFolder();
    const world = await worldOf(folder);
    const stopping = new AbortController();
    const store = {
      url: world.store.url,
      async readDocument(key: string, signal: AbortSignal) {
        const document = await world.store.readDocument(key, signal);
        stopping.abort(new Error("the parent is gone"));
        return document;
      },
    } as SnapshotStore; // what a fetch uses of it until then
    await expect(fetchInto(world, { store, signal: stopping.signal })).rejects.toThrow("the parent is gone");
    expect(existsSync(folder.file("work"))).toBe(false);
  });

  test("waits for another process that fetches into the same folder", async () => {
    using folder = tempFolder();
    const world = await worldOf(folder);
    mkdirSync(folder.file("work"));
    const lock = FileLock.tryAcquire(folder.file("work", "lock"));
    let asked = false;
    const store = reading(world, (_from, next) => {
      asked = true;
      return next();
    });
    const fetching = fetchInto(world, { store });
    await until(() => existsSync(folder.file("work", "lock")), { what: "the lock" });
    expect(asked).toBe(false);
    lock?.[Symbol.dispose]();
    await fetching;
    expect(asked).toBe(true);
  });
});

describe("a snapshot is refused, and leaves no database behind,", () => {
  async function refused(given: {
    readonly change: (world: World) => FetchGiven | undefined;
    readonly made?: MadeSnapshot;
  }) {
    using folder = tempFolder();
    const world = await worldOf(folder, given.made);
    const more = given.change(world);
    const failure = await fetchInto(world, {
      ...(given.made === undefined ? {} : { made: given.made }),
      ...more,
    }).catch((error) => error);
    expect(existsSync(targetOf(world))).toBe(false);
    return { code: failure?.code, message: String(failure?.message) };
  }

  test("R22 when it is replaced while it is read", async () => {
    const other = Buffer.alloc(snapshot.data.length, 3);
    const { code } = await refused({
      change: (world) => ({
        store: reading(world, async (from, next) => {
          const object = await next();
          if (from > 0 || object === null) return object;
          const path = dataPath(world.storeFolder, snapshot);
          const body = (async function* () {
            yield* cutAfter(object.body, 1_000_000);
          })();
          writeFileSync(`${path}.new`, other);
          return { ...object, body: replacedAtEnd(body, `${path}.new`, path) };
        }),
      }),
    });
    expect(code).toBe("snapshot_damaged");
  });

  test("R22 when any of its bytes is another one", async () => {
    const random = seededRandom(suiteSeed());
    for (let round = 0; round < 8; round++) {
      const at = Math.floor(random() * snapshot.data.length);
      const { code } = await refused({
        change({ storeFolder }) {
          const bytes = Buffer.from(snapshot.data);
          bytes[at] = (bytes[at] ?? 0) ^ (1 + Math.floor(random() * 255));
          writeFileSync(dataPath(storeFolder, snapshot), bytes);
          return undefined;
        },
      });
      expect({ at, code }).toEqual({ at, code: "snapshot_damaged" });
    }
  });

  test("R22 when its manifest is not the one that the index names, or is gone", async () => {
    const gone = await refused({
      change: (world) => ({ store: withManifest(world, null) }),
    });
    expect(gone.code).toBe("snapshot_not_found");
    const other = await refused({ change: (world) => ({ store: withManifest(world, Buffer.from("{}")) }) });
    expect(other.code).toBe("snapshot_damaged");
  });

  test("when it holds more than it says: no more is ever written", async () => {
    const bomb = makeSnapshot(source.path, {
      plain: (database) => Buffer.concat([database, Buffer.alloc(200_000_000)]),
      manifest: (manifest) => ({ ...manifest, plain: { ...manifest.plain, bytes: BYTES } }),
    });
    let largest = 0;
    const { code, message } = await refused({
      made: bomb,
      change: (world) => ({
        store: reading(world, async (_from, next) => {
          const object = await next();
          if (object === null) return null;
          const watched = (async function* () {
            for await (const chunk of object.body) {
              yield chunk;
              largest = Math.max(largest, statSync(targetOf(world), { throwIfNoEntry: false })?.size ?? 0);
            }
          })();
          return { ...object, body: watched };
        }),
      }),
    });
    expect({ code, message }).toMatchObject({
      code: "snapshot_damaged",
      message: expect.stringContaining("more than"),
    });
    expect(largest).toBeLessThanOrEqual(BYTES);
  });

  test.each([
    ["sequence", { sequence: 41n }],
    ["epoch", { epoch: "d".repeat(32) }],
    ["hash", { hash: "0".repeat(64) }],
    ["format", { ldbFormatVersion: 0 }],
    ["timestamp", { ledgerTimestampUs: 1 }],
    ["number of skipped entries", { skips: 1 }],
    ["schema", { schemaFingerprint: "0".repeat(64) }],
  ])("R29 when its %s is not what the manifest says", async (what, change) => {
    const made = makeSnapshot(source.path, {
      manifest: (manifest) => ({ ...manifest, ...change }) as typeof manifest,
    });
    const { code, message } = await refused({ made, change: () => undefined });
    expect({ code, message }).toMatchObject({
      code: "snapshot_damaged",
      message: expect.stringContaining(what),
    });
  });

  test("R18 when SQLite finds its database damaged, though every checksum is right", async () => {
    const made = makeSnapshot(source.path, {
      plain(database) {
        const damaged = Buffer.from(database);
        damaged.fill(0xff, damaged.length >> 1, (damaged.length >> 1) + 8_192);
        return damaged;
      },
    });
    expect(await refused({ made, change: () => undefined })).toMatchObject({ code: "snapshot_damaged" });
  });

  test("R13 when the disk has no room for it: it says how much is needed", async () => {
    const made = makeSnapshot(source.path, {
      manifest: (manifest) => ({ ...manifest, plain: { ...manifest.plain, bytes: 2 ** 52 } }),
    });
    const { code, message } = await refused({ made, change: () => undefined });
    expect({ code, message }).toMatchObject({
      code: "ldb_disk_full",
      message: expect.stringContaining("needed"),
    });
  });
});

async function* dieAfter(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
  dying: AbortController,
): AsyncGenerator<Uint8Array> {
  let given = 0;
  for await (const chunk of body) {
    yield chunk;
    given += chunk.length;
    if (given < bytes) continue;
    dying.abort(new Error("killed"));
    throw new Error("killed");
  }
}

async function* replacedAtEnd(
  body: AsyncIterable<Uint8Array>,
  from: string,
  to: string,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    writeFileSync(to, readFileSync(from));
  }
}

function withManifest({ store }: World, bytes: Uint8Array | null): SnapshotStore {
  const used: Pick<SnapshotStore, "url" | "readDocument" | "readObject"> = {
    url: store.url,
    readDocument: async () => (bytes === null ? null : { bytes, version: "1" }),
    readObject: (key, range) => store.readObject(key, range),
  };
  return used as SnapshotStore; // what a fetch uses of it
}
