/** Publishing: whole or not at all, never backwards, never another ctldb by mistake, whoever else publishes. */
import { describe, expect, test } from "bun:test";
import { SNAPSHOT_LIMITS } from "../../../core/limits.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { readIndex, readManifest } from "../../../snapshot/documents.ts";
import { INDEX_KEY } from "../../../snapshot/layout.ts";
import { type Publishable, type PublishOptions, publishSnapshot } from "../../../snapshot/publish/publish.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { EPOCH, makePublishable, OTHER_EPOCH } from "../make-publishable.ts";
import { MemoryStore, storeAway } from "../memory-store.ts";

const never = new AbortController().signal;
const OPTIONS: PublishOptions = {
  supervisorId: "test",
  newEpoch: false,
  retention: { keep: 24, keepForMs: 3_600_000 },
  signal: never,
};

function publish(store: MemoryStore, snapshot: Publishable, options: Partial<PublishOptions> = {}) {
  return publishSnapshot({ store, clock: systemClock }, snapshot, { ...OPTIONS, ...options });
}

async function indexOf(store: MemoryStore) {
  const found = await readIndex(store, never);
  if (found === null) throw new Error("there is no index");
  return found.index;
}

/** Whatever the index names is there, and is what it says. */
async function expectSound(store: MemoryStore): Promise<void> {
  const found = await readIndex(store, never);
  if (found === null) return;
  for (const entry of [found.index.latest, ...found.index.previous]) {
    const manifest = await readManifest(store, entry, never);
    expect(store.objects.get(manifest.dataKey)?.bytes.length).toBe(manifest.compressed.bytes);
  }
}

describe("a publication", () => {
  test("becomes the newest, with those before it behind it", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    for (const sequence of [3, 7, 20]) {
      const { fresh } = await publish(store, makePublishable(folder, sequence));
      expect(fresh).toBe(true);
    }
    const index = await indexOf(store);
    expect<bigint>(index.latest.sequence).toBe(20n);
    expect(index.latest.epoch).toBe(EPOCH);
    expect(index.previous.map(({ sequence }) => Number(sequence))).toEqual([7, 3]);
    expect(index.publishedBy).toBe("test");
    await expectSound(store);
  });

  test("R23 is refused, with nothing uploaded, when the store has its sequence or a higher one", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await publish(store, makePublishable(folder, 7));
    const before = store.objects.size;
    for (const [sequence, data] of [
      [6, "data"],
      [7, "other data"],
    ] as const) {
      await expect(publish(store, makePublishable(folder, sequence, { data }))).rejects.toMatchObject({
        code: "snapshot_refused",
        message: expect.stringContaining("the newest in the store is at 7"),
      });
    }
    expect(store.objects.size).toBe(before);
  });

  test("R23 of an older Supervisor is refused when a newer one publishes between its upload and its index", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await publish(store, makePublishable(folder, 1));
    let raced = false;
    store.before = async (operation, key) => {
      if (operation !== "writeDocument" || key !== INDEX_KEY || raced) return;
      raced = true;
      await publish(store, makePublishable(folder, 9), { supervisorId: "newer" });
    };
    await expect(publish(store, makePublishable(folder, 5))).rejects.toMatchObject({
      code: "snapshot_refused",
    });
    expect<bigint>((await indexOf(store)).latest.sequence).toBe(9n);
    await expectSound(store);
  });

  test("wins after all when the one that came between was older", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    let raced = false;
    store.before = async (operation, key) => {
      if (operation !== "writeDocument" || key !== INDEX_KEY || raced) return;
      raced = true;
      await publish(store, makePublishable(folder, 5));
    };
    await publish(store, makePublishable(folder, 9));
    const index = await indexOf(store);
    expect([index.latest, ...index.previous].map(({ sequence }) => Number(sequence))).toEqual([9, 5]);
    await expectSound(store);
  });

  test("is given up when the machine was suspended between its upload and its index: its data may be gone", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    // A suspended machine's monotonic clock stands still; the other one jumps when it wakes up.
    let sleptMs = 0;
    const clock = { ...systemClock, nowUs: () => systemClock.nowUs() + sleptMs * 1000 };
    store.before = (operation) => {
      if (operation === "uploadFile") sleptMs = 2 * SNAPSHOT_LIMITS.publicationMs;
    };
    const done = publishSnapshot({ store, clock }, makePublishable(folder, 5), OPTIONS);
    await expect(done).rejects.toMatchObject({ code: "snapshot_store_unavailable" });
    expect(store.objects.has("latest.json")).toBe(false);
  });

  test("gives up when others replace the index again and again", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await publish(store, makePublishable(folder, 1));
    store.before = (operation, key) => {
      if (operation !== "writeDocument" || key !== INDEX_KEY) return;
      // Other bytes that say the same.
      const bytes = store.objects.get(INDEX_KEY)?.bytes ?? new Uint8Array();
      store.put(INDEX_KEY, Buffer.concat([bytes, Buffer.from("\n")]));
    };
    await expect(publish(store, makePublishable(folder, 2))).rejects.toMatchObject({
      code: "snapshot_store_unavailable",
    });
  });

  test("of another ctldb is refused unless that is said to be meant", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await publish(store, makePublishable(folder, 50));
    for (const epoch of [OTHER_EPOCH, null]) {
      await expect(publish(store, makePublishable(folder, 60, { epoch }))).rejects.toMatchObject({
        code: "snapshot_refused",
        details: { hint: expect.stringContaining("--new-epoch") },
      });
    }
    await publish(store, makePublishable(folder, 4, { epoch: OTHER_EPOCH }), { newEpoch: true });
    expect(await indexOf(store)).toMatchObject({ latest: { sequence: 4n, epoch: OTHER_EPOCH } });
    // The permission is for another epoch; within the new one the order holds.
    const older = makePublishable(folder, 3, { epoch: OTHER_EPOCH });
    await expect(publish(store, older, { newEpoch: true })).rejects.toMatchObject({
      code: "snapshot_refused",
    });
  });

  test("goes on over the upgrade of a ctldb of the original, only forward", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    await publish(store, makePublishable(folder, 5, { epoch: null }));
    await expect(publish(store, makePublishable(folder, 4))).rejects.toMatchObject({
      code: "snapshot_refused",
    });
    await publish(store, makePublishable(folder, 6));
    expect(await indexOf(store)).toMatchObject({ latest: { sequence: 6n, epoch: EPOCH } });
  });

  test("leaves the store whole at every failure, and is finished by the next attempt", async () => {
    using folder = tempFolder();
    const steps = await stepsOfPublication();
    expect(steps.length).toBeGreaterThan(4);
    for (let failing = 0; failing < steps.length; failing++) {
      for (const when of ["before", "after"] as const) {
        const store = new MemoryStore();
        await publish(store, makePublishable(folder, 1));
        const snapshot = makePublishable(folder, 2);
        let step = 0;
        store.before = () => {
          // A failure after a step is one before the next.
          if (step++ === failing + (when === "after" ? 1 : 0)) throw storeAway();
        };
        await publish(store, snapshot).catch(() => {});
        store.before = () => {};
        await expectSound(store);
        const { entry } = await publish(store, snapshot);
        expect((await indexOf(store)).latest).toEqual(entry);
        await expectSound(store);
      }
    }
  });

  test("takes the manifest that a killed run of the same work left", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    store.before = (operation, key) => {
      if (operation === "writeDocument" && key === INDEX_KEY) throw storeAway();
    };
    await publish(store, makePublishable(folder, 2, { supervisorId: "killed", createdAtMs: 1_000 })).catch(
      () => {},
    );
    store.before = () => {};
    const { entry } = await publish(store, makePublishable(folder, 2));
    expect((await readManifest(store, entry, never)).supervisor.id).toBe("killed");
    await expectSound(store);
  });

  test("R29 does not take a manifest that says something else about the same bytes", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const snapshot = makePublishable(folder, 2);
    const wrong = { ...snapshot.manifest, hash: "f".repeat(64) };
    const { manifestKey } = (await publish(new MemoryStore(), snapshot)).entry;
    store.put(manifestKey, Buffer.from(JSON.stringify({ ...wrong, sequence: "2", unattestedThrough: "0" })));
    await expect(publish(store, snapshot)).rejects.toMatchObject({ code: "snapshot_conflict" });
    expect(await readIndex(store, never)).toBeNull();
  });

  test("is found to be done already when the answer to its index was lost and another one followed", async () => {
    using folder = tempFolder();
    const store = new MemoryStore();
    const snapshot = makePublishable(folder, 2);
    await publish(store, snapshot);
    await publish(store, makePublishable(folder, 3));
    const again = await publish(store, snapshot);
    expect(again.fresh).toBe(false);
    expect<bigint>((await indexOf(store)).latest.sequence).toBe(3n);
  });

  test("R40 fails without touching anything when the index is damaged or of a newer format", async () => {
    using folder = tempFolder();
    for (const [text, code] of [
      ["no JSON", "snapshot_damaged"],
      ['{"formatVersion":2}', "snapshot_incompatible"],
    ] as const) {
      const store = new MemoryStore();
      store.put(INDEX_KEY, Buffer.from(text));
      await expect(publish(store, makePublishable(folder, 2))).rejects.toMatchObject({ code });
      expect([...store.objects.keys()]).toEqual([INDEX_KEY]);
    }
  });
});

async function stepsOfPublication(): Promise<string[]> {
  using folder = tempFolder();
  const store = new MemoryStore();
  await publish(store, makePublishable(folder, 1));
  const steps: string[] = [];
  store.before = (operation, key) => void steps.push(`${operation} ${key}`);
  await publish(store, makePublishable(folder, 2));
  return steps;
}
