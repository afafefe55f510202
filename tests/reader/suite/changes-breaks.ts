/** `reader.changes()` where what is known ends: another history, another LDB, and a changelog that is gone or damaged. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHANGES_LIMITS } from "../../../core/limits.ts";
import type { SuiteEnvironment } from "./environment.ts";
import { rejectsCode } from "./expect.ts";
import { brief, nextEvent, nextEvents, row, SampleChangelog } from "./sample-changelog.ts";
import { SampleFolder } from "./sample-ldb.ts";

const TABLE = 'CREATE TABLE fam___t1 ("id" INTEGER, PRIMARY KEY("id"))';
const LOOKS = { pollIntervalMs: 1 };

/** Lets whoever waits look at the changelog. */
function look(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3));
}

export function defineChangesBreaksTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("cursor of another history, or ahead of the LDB, is answered with an invalidation", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(5);
    const log = new SampleChangelog(folder.path);
    const reader = folder.reader();
    const first = async (since: string | number) => {
      await using changes = reader.changes({ since });
      const { cursor, ...event } = await nextEvent(changes);
      assert.equal(cursor, `5@${log.history}`);
      return brief({ cursor, ...event } as never);
    };
    assert.equal(await first("3@00000000000000ff"), "invalidate reset");
    assert.equal(await first("6@00000000000000ff"), "invalidate reset");
    assert.equal(await first(`6@${log.history}`), "invalidate ahead");
    assert.equal(await first(6), "invalidate ahead");
  });

  for (const when of ["it waits", "it holds a change back", "it was not asked yet"] as const) {
    test(`new history is told as an invalidation when the iteration has begun and ${when}`, async () => {
      using folder = new SampleFolder(environment);
      const ldb = folder.ldb();
      ldb.moveTo(5);
      const log = new SampleChangelog(folder.path, { seq: 5 });
      await using changes = folder.reader().changes(LOOKS);
      if (when === "it holds a change back") log.append(row(6, 6)); // the machine lost power: the LDB did not keep it
      const waiting = when === "it was not asked yet" ? null : nextEvent(changes);
      await look();
      log.reset("00000000000000b2", 5);
      const event = await (waiting ?? nextEvent(changes));
      assert.equal(brief(event), "invalidate reset");
      assert.equal(event.cursor, "5@00000000000000b2");
      ldb.moveTo(7);
      log.append(row(7, 7));
      assert.equal(brief(await nextEvent(changes)), "upsert 7.");
    });
  }

  test("flip is told as an invalidation, after which the same reader reads the new generation", async () => {
    using folder = new SampleFolder(environment);
    const first = folder.generation("1");
    first.changeSchema(TABLE);
    folder.flipTo("1");
    const log = new SampleChangelog(folder.path, { seq: 1 });
    const reader = folder.reader({ fileCheckIntervalMs: 3_600_000 });
    await using changes = reader.changes(LOOKS);
    assert.equal(reader.getRowByKey("fam", "t1", 7), null);
    const waiting = nextEvent(changes);
    await look();
    const second = folder.generation("2");
    second.changeSchema(TABLE);
    second.apply("INSERT INTO fam___t1 VALUES(7)");
    folder.flipTo("2"); // and the old one does not say yet that it was replaced
    log.reset("00000000000000b2", 2);
    assert.equal(brief(await waiting), "invalidate reset");
    assert.deepEqual(reader.getRowByKey("fam", "t1", 7), { id: 7 });
    second.apply("INSERT INTO fam___t1 VALUES(8)");
    log.append(row(3, 8));
    assert.equal(brief(await nextEvent(changes)), "upsert 8.");
    assert.deepEqual(reader.getRowByKey("fam", "t1", 8), { id: 8 });
  });

  test("R36 changes wait when the LDB went back behind what this reader has read", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(9);
    const log = new SampleChangelog(folder.path, { seq: 9 });
    const reader = folder.reader();
    await using changes = reader.changes(LOOKS);
    ldb.moveTo(4);
    log.reset("00000000000000b2", 4);
    const event = await nextEvent(changes);
    assert.equal(brief(event), "invalidate reset");
    assert.equal(event.cursor, "4@00000000000000b2");
    const waiting = nextEvents(changes, 2);
    ldb.moveTo(8);
    log.append(row(8, 8));
    await look();
    ldb.moveTo(9);
    log.append(row(9, 9));
    assert.deepEqual((await waiting).map(brief), ["upsert 8.", "upsert 9."]);
    assert.equal(reader.getLastSequence(), 9n);
  });

  test("changelog_unavailable is told by the first next when there is no changelog", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(1);
    const reader = folder.reader();
    for (const options of [{}, { since: 0 }, { changelogPath: join(folder.path, "elsewhere.log") }]) {
      const changes = reader.changes(options);
      assert.equal(changes.cursor, null);
      await rejectsCode("changelog_unavailable", changes.next());
      assert.equal((await changes.next()).done, true);
    }
  });

  test("changelog elsewhere is followed by its path, and begins between the two steps of a rotation too", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(1);
    mkdirSync(join(folder.path, "logs"));
    const log = new SampleChangelog(join(folder.path, "logs"), { seq: 1 });
    log.putAside();
    await using changes = folder.reader().changes({ ...LOOKS, changelogPath: log.path });
    const waiting = nextEvent(changes);
    await look();
    ldb.moveTo(2);
    log.goOn(1);
    log.append(row(2, 2));
    log.rotate(2);
    assert.equal(brief(await waiting), "upsert 2.");
  });

  test("changelog that vanishes is waited for, and one that was copied is gone on in", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(9);
    const log = new SampleChangelog(folder.path);
    log.append(row(1, 1));
    await using changes = folder.reader().changes({ ...LOOKS, since: 0 });
    assert.equal(brief(await nextEvent(changes)), "upsert 1.");
    const waiting = nextEvent(changes);
    renameSync(log.path, `${log.path}-away`);
    await look();
    copyFileSync(`${log.path}-away`, log.path);
    log.append(row(2, 2));
    assert.equal(brief(await waiting), "upsert 2.");
    const reset = nextEvent(changes);
    rmSync(log.path);
    await look();
    log.reset("00000000000000b2", 9);
    assert.equal(brief(await reset), "invalidate reset");
  });

  test("changelog_unavailable is told when the changelog was taken away and the LDB goes on without it", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(9);
    const log = new SampleChangelog(folder.path);
    const changes = folder.reader().changes(LOOKS);
    const waiting = changes.next();
    await look();
    rmSync(log.path);
    const moving = setInterval(() => ldb.moveTo(ldb.sequence + 1), 10);
    try {
      await rejectsCode("changelog_unavailable", waiting);
    } finally {
      clearInterval(moving);
    }
    assert.equal(changes.cursor, `9@${log.history}`);
  });

  test("changelog_unavailable is told when the changelog was taken away, though the LDB went on before anybody looked", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(9);
    const log = new SampleChangelog(folder.path, { seq: 8 });
    log.append(row(9, 9));
    const changes = folder.reader().changes({ ...LOOKS, since: 8 });
    assert.equal(brief(await nextEvent(changes)), "upsert 9.");
    rmSync(log.path);
    ldb.moveTo(10);
    await rejectsCode("changelog_unavailable", changes.next());
  });

  test("changes are waited for when the Reflector was killed between the two steps of a rotation", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.moveTo(10); // a marker follows the last line
    const log = new SampleChangelog(folder.path, { seq: 8 });
    log.append(row(9, 9));
    const changes = folder.reader().changes({ ...LOOKS, since: 8 });
    assert.equal(brief(await nextEvent(changes)), "upsert 9.");
    log.putAside();
    const waiting = nextEvent(changes);
    await new Promise((resolve) => setTimeout(resolve, 2 * CHANGES_LIMITS.vanishedMs));
    log.goOn(10);
    ldb.moveTo(11);
    log.append(row(11, 11));
    assert.equal(brief(await waiting), "upsert 11.");
    await changes.return();
  });

  test("changelog that got shorter is no longer what was followed", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(9);
    const log = new SampleChangelog(folder.path);
    log.append(row(1, 1));
    await using changes = folder.reader().changes({ ...LOOKS, since: 0 });
    assert.equal(brief(await nextEvent(changes)), "upsert 1.");
    truncateSync(log.path, log.headerText(0).length);
    assert.equal(brief(await nextEvent(changes)), "invalidate reset");
  });

  test("changelog_unavailable is told when a line is damaged, or the format a newer one", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb().moveTo(9);
    const log = new SampleChangelog(folder.path);
    const good = `{"seq":1,"family":"fam","table":"t1","key":[],"kind":"clear","end":true}\n`;
    const damaged = [
      "nonsense\n",
      "null\n",
      `{"seq":-1,"family":"fam","table":"t1","key":[],"kind":"clear"}\n`,
      `{"seq":1.5,"family":"fam","table":"t1","key":[],"kind":"clear"}\n`,
      `{"seq":2,"family":"fam","table":"t1","key":[],"kind":"explode","end":true}\n`,
      `{"seq":2,"family":"fam","table":"t1","kind":"upsert","end":true}\n`,
      `{"seq":2,"family":"fam","table":"t1","key":[{"name":"k","type":"integer","value":1.5}],"kind":"upsert","end":true}\n`,
      `{"seq":2,"family":"fam","table":"t1","key":[{"name":"k","type":"string","value":1}],"kind":"upsert","end":true}\n`,
      // What BigInt() would take for 0, for 16, or refuse with an error of its own.
      ...["", "0x10", "abc"].map(
        (value) =>
          `{"seq":2,"family":"fam","table":"t1","key":[{"name":"k","type":"integer","value":"${value}"}],"kind":"upsert","end":true}\n`,
      ),
      "x".repeat(300_000),
    ];
    const reader = folder.reader();
    for (const text of damaged) {
      writeFileSync(log.path, log.headerText(0) + good + text);
      const changes = reader.changes({ since: 0 });
      await rejectsCode("changelog_unavailable", nextEvents(changes, 2));
      assert.equal((await changes.next()).done, true);
    }
    for (const header of [log.headerText(0, 2), good, "{}\n"]) {
      writeFileSync(log.path, header);
      await rejectsCode("changelog_unavailable", reader.changes({ since: 0 }).next());
    }
  });
}
