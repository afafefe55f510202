/** What the Executive measures of writes: how many share a commit, and how long it took. */
import { expect, test } from "bun:test";
import { createMetrics } from "../../core/process/metrics.ts";
import {
  createGroupObserver,
  GROUP_COMMIT_SECONDS,
  GROUP_LOCK_SECONDS,
  GROUP_WRITES,
} from "../../server/executive-metrics.ts";
import { count, openFilled, request } from "../ctldb/fixture.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("each group of writes is measured, with its wait for the lock and its commit, when it is committed", async () => {
  using folder = tempFolder();
  const metrics = createMetrics();
  await using ctldb = await openFilled(`sqlite:${folder.file("ctldb.db")}`, {
    onGroup: createGroupObserver(metrics),
  });
  const read = async (name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, "m").exec(await metrics.render())?.[1] ?? Number.NaN);
  for (const name of [GROUP_WRITES, GROUP_LOCK_SECONDS, GROUP_COMMIT_SECONDS])
    expect(await read(`${name}_count`)).toBe(0);
  const startedMs = performance.now();
  const writes = Array.from({ length: 20 }, (_, i) => ctldb.write(request([count(`row ${i}`)])));
  await Promise.all(writes);
  const tookSeconds = (performance.now() - startedMs) / 1_000;
  const groups = await read(`${GROUP_WRITES}_count`);
  expect(groups).toBeGreaterThan(0);
  expect(await read(`${GROUP_WRITES}_sum`)).toBe(20);
  expect(await read(`${GROUP_LOCK_SECONDS}_count`)).toBe(groups);
  expect(await read(`${GROUP_COMMIT_SECONDS}_count`)).toBe(groups);
  // Groups come one after the other: together they take no longer than all did.
  const measured = (await read(`${GROUP_LOCK_SECONDS}_sum`)) + (await read(`${GROUP_COMMIT_SECONDS}_sum`));
  expect(measured).toBeGreaterThan(0);
  expect(measured).toBeLessThanOrEqual(tookSeconds);
  expect(ctldb.waitingWrites).toBe(0);
});
