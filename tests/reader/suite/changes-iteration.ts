/** `reader.changes()` as an iterator: how it ends, and what it holds. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { SuiteEnvironment } from "./environment.ts";
import { rejectsCode } from "./expect.ts";
import { brief, nextEvent, row, SampleChangelog } from "./sample-changelog.ts";
import { SampleFolder } from "./sample-ldb.ts";

/** How often this process has a file open; 0 also where that cannot be told. */
function openFiles(path: string): number {
  const descriptors = "/proc/self/fd";
  if (!existsSync(descriptors)) return 0;
  return readdirSync(descriptors).filter((name) => {
    try {
      return readlinkSync(join(descriptors, name)).startsWith(path);
    } catch {
      return false; // the one by which the folder was read
    }
  }).length;
}

export function defineChangesIterationTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("iteration ends when it is returned, aborted, or its reader closed, also while it waits", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(1);
    new SampleChangelog(folder.path);
    const reader = folder.reader();
    const forEver = { pollIntervalMs: 3_600_000 };

    const returned = reader.changes(forEver);
    const first = returned.next();
    const second = returned.next();
    assert.deepEqual(await returned.return(), { done: true, value: undefined });
    assert.deepEqual(
      [await first, await second, await returned.next()],
      Array(3).fill({ done: true, value: undefined }),
    );

    const reason = new Error("enough");
    const controller = new AbortController();
    const aborted = reader.changes({ ...forEver, signal: controller.signal });
    const waiting = aborted.next();
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    assert.equal((await aborted.next()).done, true);
    const late = reader.changes({ signal: controller.signal });
    await assert.rejects(late.next(), (error) => error === reason);

    const orphaned = reader.changes(forEver).next();
    await new Promise((resolve) => setImmediate(resolve));
    reader.close();
    await rejectsCode("reader_closed", orphaned);
  });

  test("two iterations see the same changes, and leaving the loop frees the file", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(4);
    const log = new SampleChangelog(folder.path);
    const reader = folder.reader();
    const one = reader.changes({ since: 0 });
    const other = reader.changes({ since: 0 });
    for (const id of [1, 2, 3]) log.append(row(id, id));
    const seen: string[] = [];
    for await (const event of one) {
      seen.push(`${brief(event)} ${brief(await nextEvent(other))}`);
      if (event.sequence === 3n) break;
    }
    assert.ok(openFiles(log.path) <= 1);
    assert.deepEqual(seen, ["upsert 1. upsert 1.", "upsert 2. upsert 2.", "upsert 3. upsert 3."]);
    await other.return();
    for (let i = 0; i < 50; i++) reader.changes({ since: 0 });
    assert.equal(openFiles(log.path), 0);

    const closed = environment.openReader({ path: folder.path, onWarning: () => {} });
    const begun = closed.changes({ since: 0 });
    assert.equal(brief(await nextEvent(begun)), "upsert 1.");
    closed.close();
    assert.equal(openFiles(log.path), 0);
    // Not one that was read already, either.
    await rejectsCode("reader_closed", begun.next());
  });
}
