/** What a store keeps: the newest, the young, and whatever is named; orphans only while they may belong to somebody. */
import { describe, expect, test } from "bun:test";
import { SNAPSHOT_LIMITS } from "../../../core/limits.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { readIndex } from "../../../snapshot/documents.ts";
import { publishSnapshot } from "../../../snapshot/publish/publish.ts";
import { type Retention, removeUnnamed, retained } from "../../../snapshot/publish/retention.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { makePublishable } from "../make-publishable.ts";
import { MemoryStore } from "../memory-store.ts";

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;
const deps = (store: MemoryStore) => ({ store, clock: systemClock });

async function publishAt(
  store: MemoryStore,
  folder: TempFolder,
  sequence: number,
  hoursAgo: number,
  retention: Retention,
) {
  const snapshot = makePublishable(folder, sequence, { createdAtMs: Date.now() - hoursAgo * HOUR_MS });
  const options = { supervisorId: "test", newEpoch: false, retention, signal: never };
  const { dropped } = await publishSnapshot(deps(store), snapshot, options);
  return removeUnnamed(deps(store), { retention, dropped, signal: never });
}

function sequencesIn(store: MemoryStore): number[] {
  const keys = [...store.objects.keys()].filter((key) => key.endsWith(".zst"));
  return keys.map((key) => Number(/\d{20}/.exec(key)?.[0])).sort((a, b) => a - b);
}

describe("retention", () => {
  test("keeps the newest N and all that are younger, and deletes the others with their manifests", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const retention = { keep: 2, keepForMs: 5 * HOUR_MS };
    for (const [sequence, hoursAgo] of [
      [1, 20],
      [2, 10],
      [3, 4],
      [4, 3],
      [5, 0],
    ] as const) {
      await publishAt(store, folder, sequence, hoursAgo, retention);
    }
    expect(sequencesIn(store)).toEqual([3, 4, 5]);
    const found = await readIndex(store, never);
    expect(found?.index.previous.map(({ sequence }) => Number(sequence))).toEqual([4, 3]);
    // Data and manifest of each, and the index.
    expect(store.objects.size).toBe(7);
  });

  test("always keeps the newest, and never more than the index may name", () => {
    using folder = tempFolder();
    const entries = Array.from({ length: 1_100 }, (_, i) => {
      const { manifest } = makePublishable(folder, 2_000 - i);
      return { ...manifest, manifestKey: `m${i}`, manifestSha256: "", compressedBytes: 1, plainBytes: 1 };
    });
    expect(retained(entries.slice(0, 1), { keep: 0, keepForMs: 0 }, Date.now())).toHaveLength(1);
    expect(retained(entries, { keep: 5, keepForMs: 0 }, Date.now() + 1)).toHaveLength(5);
    expect(retained(entries, { keep: 5, keepForMs: HOUR_MS }, Date.now())).toHaveLength(
      SNAPSHOT_LIMITS.indexEntries,
    );
  });

  test("deletes orphans only when they are older than any publication under way", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const retention = { keep: 1, keepForMs: 0 };
    const orphan = (digit: string) => `snapshots/00000000000000000009-${digit.repeat(16)}.ldb.zst`;
    for (const digit of ["a", "b"]) store.put(orphan(digit), new Uint8Array(1));
    store.age(orphan("a"), SNAPSHOT_LIMITS.orphanGraceMs + 1_000);
    store.age(orphan("b"), SNAPSHOT_LIMITS.orphanGraceMs - 60_000);
    const removed = await publishAt(store, folder, 20, 0, retention);
    expect(removed).toEqual([orphan("a")]);
  });

  test("deletes nothing that another one has just uploaded when this host's clock is far ahead of the store's", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const retention = { keep: 1, keepForMs: 0 };
    await publishAt(store, folder, 20, 0, retention);
    const underWay = `snapshots/00000000000000000021-${"a".repeat(16)}.ldb.zst`;
    store.put(underWay, new Uint8Array(1));
    const aheadMs = 3 * SNAPSHOT_LIMITS.orphanGraceMs;
    const clock = { ...systemClock, nowUs: () => systemClock.nowUs() + aheadMs * 1000 };
    expect(await removeUnnamed({ store, clock }, { retention, dropped: [], signal: never })).toEqual([]);
    expect(store.objects.has(underWay)).toBe(true);
  });

  test("never deletes what the index names, however old, nor what is not ours", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const retention = { keep: 3, keepForMs: 0 };
    for (const sequence of [1, 2, 3]) await publishAt(store, folder, sequence, 1_000, retention);
    store.put("snapshots/notes.txt", new Uint8Array(1));
    for (const key of store.objects.keys()) store.age(key, 365 * 24 * HOUR_MS);
    expect(await removeUnnamed(deps(store), { retention, dropped: [], signal: never })).toEqual([]);
    expect(sequencesIn(store)).toEqual([1, 2, 3]);
    expect(store.objects.has("snapshots/notes.txt")).toBe(true);
  });

  test("does not delete what was named between the listing and the look at the index", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const retention = { keep: 3, keepForMs: 0 };
    await publishAt(store, folder, 1, 0, retention);
    for (const key of store.objects.keys()) store.age(key, 30 * 24 * HOUR_MS);
    const index = store.objects.get("latest.json");
    if (index === undefined) throw new Error("nothing was published");
    // As if the publication were finished only after the listing.
    store.objects.delete("latest.json");
    store.before = (operation) => {
      if (operation === "readDocument") store.put("latest.json", index.bytes);
    };
    expect(await removeUnnamed(deps(store), { retention, dropped: [], signal: never })).toEqual([]);
  });
});
