/** `reader.changes()` over the changelog's files: rotation, cursors, and what is no longer kept. */
import assert from "node:assert/strict";
import type { SuiteEnvironment } from "./environment.ts";
import { brief, nextEvent, nextEvents, row, SampleChangelog } from "./sample-changelog.ts";
import { SampleFolder } from "./sample-ldb.ts";

const LOOKS = { pollIntervalMs: 1 };

/** Lets whoever waits look at the changelog. */
function look(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3));
}

export function defineChangesFilesTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("changes go on through rotations when the iteration is idle, busy, and between the two steps of one", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(1);
    const log = new SampleChangelog(folder.path, { seq: 1 });
    await using changes = folder.reader().changes(LOOKS);
    ldb.moveTo(100);
    log.append(row(2, 2));
    assert.equal(brief(await nextEvent(changes)), "upsert 2.");
    log.append(row(3, 3));
    log.rotate(3);
    log.rotate(5); // nothing but markers in it
    log.append(row(7, 7), row(8, 8));
    log.append(row(9, 9));
    log.rotate(9);
    assert.deepEqual((await nextEvents(changes, 4)).map(brief), [
      "upsert 3.",
      "upsert 7",
      "upsert 8.",
      "upsert 9.",
    ]);
    const waiting = nextEvent(changes);
    await look();
    log.putAside();
    await look();
    log.goOn(9);
    await look();
    log.append(row(11, 11));
    assert.equal(brief(await waiting), "upsert 11.");
  });

  test("changes go on from any cursor, in any file and inside a ledger transaction", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(1_000);
    const log = new SampleChangelog(folder.path);
    const sequences: bigint[] = [];
    for (let seq = 1; seq < 60; seq += 3) {
      log.append(row(seq, seq), row(seq + 1, seq + 1));
      sequences.push(BigInt(seq), BigInt(seq + 1));
      if (seq % 4 === 0) log.rotate(seq + 2);
    }
    const reader = folder.reader();
    for (let since = 0; since < 59; since++) {
      const rest = sequences.filter((sequence) => sequence > since);
      for (const cursor of [since, `${since}`, `${since}@${log.history}`]) {
        await using changes = reader.changes({ since: cursor });
        const events = await nextEvents(changes, rest.length);
        assert.deepEqual(
          events.map(({ sequence }) => sequence),
          rest,
        );
      }
    }
  });

  test("cursor is known after the first look when a bare sequence was given and nothing has happened since", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(9);
    const log = new SampleChangelog(folder.path);
    log.append(row(7, 7));
    const reader = folder.reader();
    const changes = reader.changes({ since: 8, follow: false });
    assert.equal(changes.cursor, null);
    assert.equal((await changes.next()).done, true);
    assert.equal(changes.cursor, `8@${log.history}`);
    const earlier = reader.changes({ since: 5, follow: false });
    assert.equal(brief(await nextEvent(earlier)), "upsert 7.");
    assert.equal(earlier.cursor, `7@${log.history}`);
  });

  test("all changes that are kept come, and then the end, when the oldest are asked for and none are waited for", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(9);
    const log = new SampleChangelog(folder.path);
    for (let seq = 1; seq < 10; seq++) {
      log.append(row(seq, seq));
      if (seq % 3 === 0) log.rotate(seq);
    }
    log.forget(1);
    const seen: string[] = [];
    const changes = folder.reader().changes({ since: "oldest", follow: false });
    assert.equal(changes.cursor, `3@${log.history}`);
    for await (const event of changes) seen.push(brief(event));
    assert.deepEqual(
      seen,
      [4, 5, 6, 7, 8, 9].map((id) => `upsert ${id}.`),
    );
    assert.equal(changes.cursor, `9@${log.history}`);
  });

  test("change after a cursor is found in a long file wherever it is", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(100_000);
    const log = new SampleChangelog(folder.path);
    const count = 6_000;
    const transactions: string[] = [];
    for (let i = 1; i <= count; i++) {
      const key = [{ name: "k", type: "string", value: "x".repeat((i * 7919) % 300) }];
      transactions.push(
        `${JSON.stringify({ seq: i * 2, family: "fam", table: "t1", key, kind: "upsert", end: true })}\n`,
      );
    }
    log.write(transactions.join(""));
    const reader = folder.reader();
    for (let since = 0; since < count * 2; since += 37) {
      await using changes = reader.changes({ since });
      assert.equal((await nextEvent(changes)).sequence, BigInt(since - (since % 2) + 2));
    }
  });

  test("cursor older than what is kept is answered with an invalidation and goes on from now", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(9);
    const log = new SampleChangelog(folder.path);
    log.append(row(2, 2));
    log.rotate(3);
    log.append(row(5, 5));
    log.rotate(6);
    log.append(row(8, 8));
    log.forget(1);
    const reader = folder.reader();
    for (const since of [`2@${log.history}`, 2]) {
      await using changes = reader.changes({ since });
      const event = await nextEvent(changes);
      assert.deepEqual(event, {
        kind: "invalidate",
        reason: "too_old",
        sequence: 9n,
        cursor: `9@${log.history}`,
        last: true,
      });
      assert.equal(changes.cursor, event.cursor);
    }
    await using kept = reader.changes({ since: `3@${log.history}` });
    assert.deepEqual((await nextEvents(kept, 2)).map(brief), ["upsert 5.", "upsert 8."]);
  });

  test("iteration that falls behind what is kept is told so once, and goes on", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(1);
    const log = new SampleChangelog(folder.path, { seq: 1 });
    await using changes = folder.reader().changes(LOOKS);
    ldb.moveTo(2);
    log.append(row(2, 2));
    assert.equal(brief(await nextEvent(changes)), "upsert 2.");
    for (let seq = 3; seq < 8; seq++) {
      log.rotate(seq - 1);
      log.append(row(seq, seq));
      if (log.fileNumber > 2) log.forget(log.fileNumber - 2);
    }
    ldb.moveTo(7);
    assert.equal(brief(await nextEvent(changes)), "invalidate too_old");
    ldb.moveTo(8);
    log.append(row(8, 8));
    assert.equal(brief(await nextEvent(changes)), "upsert 8.");
  });

  test("file that was rotated away and deleted is still read to its end by who has it open", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(9);
    const log = new SampleChangelog(folder.path);
    await using changes = folder.reader().changes({ since: 0 });
    log.append(row(1, 1));
    assert.equal(brief(await nextEvent(changes)), "upsert 1.");
    log.append(row(2, 2));
    log.rotate(2);
    log.append(row(3, 3));
    log.forget(1);
    assert.deepEqual((await nextEvents(changes, 2)).map(brief), ["upsert 2.", "upsert 3."]);
  });
}
