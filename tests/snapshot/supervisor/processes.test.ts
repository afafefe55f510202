/** Supervisors as processes: killed at any moment, and two on one store. What the store says is true all the time. */
import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readIndex, readManifest } from "../../../snapshot/documents.ts";
import type { SnapshotIndex } from "../../../snapshot/manifest.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import type { SnapshotStore } from "../../../snapshot/stores/store.ts";
import { verifySnapshot } from "../../../snapshot/verify-snapshot.ts";
import { startProcess, type TestProcess } from "../../support/process.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../../support/suite.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;

async function openStore(folder: TempFolder): Promise<{ url: string; store: SnapshotStore }> {
  mkdirSync(folder.file("store"));
  const url = pathToFileURL(folder.file("store")).href;
  return { url, store: await openSnapshotStore(url) };
}

function startSupervisor(folder: TempFolder, url: string, id: string): TestProcess {
  const child = join(import.meta.dir, "supervisor-child.ts");
  return startProcess([process.execPath, child, folder.file(id), url, id]);
}

async function indexOf(store: SnapshotStore): Promise<SnapshotIndex | null> {
  return (await readIndex(store, never))?.index ?? null;
}

/** Everything that the index names is there, whole, and what it says. */
async function expectAllSound(store: SnapshotStore): Promise<SnapshotIndex> {
  const index = await indexOf(store);
  if (index === null) throw new Error("nothing was published");
  for (const entry of [index.latest, ...index.previous]) {
    const manifest = await readManifest(store, entry, never);
    await verifySnapshot(store, manifest, { signal: never });
  }
  return index;
}

describe("a Supervisor's process", () => {
  test(
    "leaves a store whose index names complete snapshots only, and goes on from there, when it is killed at any moment",
    async () => {
      using folder = tempFolder();
      const { url, store } = await openStore(folder);
      const seed = suiteSeed();
      const random = seededRandom(seed);
      let before = 0n;
      for (let kill = 0; kill < runsOf({ quick: 6, deep: 300 }); kill++) {
        await using child = startSupervisor(folder, url, "one");
        const published = await until(
          async () => {
            const sequence = (await indexOf(store))?.latest.sequence ?? 0n;
            return sequence > before ? sequence : null;
          },
          { what: `a snapshot beyond ${before} (seed ${seed}, kill ${kill})`, intervalMs: 5 },
        );
        before = published;
        // A publication takes some 60 ms: the moment of the kill is anywhere in one.
        await Bun.sleep(random() * 120);
        await child.kill();
        const index = await expectAllSound(store);
        expect(index.latest.sequence, `seed ${seed}, kill ${kill}`).toBeGreaterThanOrEqual(before);
        before = index.latest.sequence;
      }
    },
    timeoutMsOf({ quick: 60_000, deep: 900_000 }),
  );

  test(
    "R23 shares a store with another one: the newest never becomes an older one, and nothing named goes away",
    async () => {
      using folder = tempFolder();
      const { url, store } = await openStore(folder);
      const children = ["one", "two"].map((id) => startSupervisor(folder, url, id));
      const publishers = new Map<string, number>();
      let newest = 0n;
      let publicationId = "";
      const backwards: string[] = [];
      await until(
        async () => {
          const index = await indexOf(store);
          if (index === null || index.publicationId === publicationId) return null;
          publicationId = index.publicationId;
          if (index.latest.sequence <= newest) backwards.push(`${index.latest.sequence} after ${newest}`);
          newest = index.latest.sequence;
          publishers.set(index.publishedBy, (publishers.get(index.publishedBy) ?? 0) + 1);
          const counts = [...publishers.values()];
          return counts.length === 2 && Math.min(...counts) >= runsOf({ quick: 3, deep: 100 });
        },
        {
          what: "publications of both",
          intervalMs: 1,
          deadlineMs: timeoutMsOf({ quick: 30_000, deep: 300_000 }),
        },
      );
      expect(backwards).toEqual([]);
      for (const child of children) child.signal("SIGTERM");
      for (const child of children) expect((await child.exited).code).toBe(0);
      const { latest, previous } = await expectAllSound(store);
      const sequences = [latest, ...previous].map(({ sequence }) => sequence);
      expect(sequences).toEqual([...sequences].sort((a, b) => (a < b ? 1 : -1)));
      expect(latest.sequence).toBeGreaterThanOrEqual(newest);
    },
    timeoutMsOf({ quick: 60_000, deep: 600_000 }),
  );
});
