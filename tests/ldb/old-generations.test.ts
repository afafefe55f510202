/** Replaced generations: kept for their readers, and not for ever (I13, I15, R17). */
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { stageGeneration } from "../../ldb/generations.ts";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";
import { OldGenerations } from "../../ldb/old-generations.ts";
import { WritableDatabase } from "../../ldb/writable-database.ts";
import { openReader } from "../../reader/index.ts";
import { whyNoMounts, withReadOnlyView } from "../support/mounts.ts";
import { runProcess } from "../support/process.ts";
import { ROOT } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { clockAt, DEPS, flipTo, generationsIn, idleReader, valueIn } from "./generation-world.ts";

const noMounts = await whyNoMounts();
const LIMITS = { keepMs: 60_000, most: 2 };

function sweeper(folder: string, time = { nowMs: Date.now() }) {
  return { old: new OldGenerations(folder, { logger: silentLogger, clock: clockAt(time) }, LIMITS), time };
}

describe("a replaced generation", () => {
  test("R17 stays while a process has it open, idle or not, and goes when that has ended", async () => {
    using folder = tempFolder();
    const first = flipTo(folder.path, 1);
    await using reader = await idleReader(folder.file("ldb.db"));
    const second = flipTo(folder.path, 2);
    expect(second.replaced).toBe(first.id);
    const { old } = sweeper(folder.path);
    for (let round = 0; round < 3; round++) {
      old.sweep();
      expect(old.kept).toBe(1);
      expect(generationsIn(folder.path)).toEqual([first.id, second.id].sort());
    }
    await reader.kill();
    old.sweep();
    expect(old.kept).toBe(0);
    expect(generationsIn(folder.path)).toEqual([second.id]);
    expect(valueIn(folder.file("ldb.db"))).toBe("2");
  });

  test("R17 goes as soon as its readers have followed to the next one", () => {
    using folder = tempFolder();
    const first = flipTo(folder.path, 1);
    using reader = openReader({ path: folder.path, fileCheckIntervalMs: 3_600_000 });
    expect(reader.getLastSequence()).toBe(1n);
    const second = flipTo(folder.path, 2);
    const { old } = sweeper(folder.path);
    old.sweep();
    expect(generationsIn(folder.path)).toEqual([first.id, second.id].sort());
    // Told by the mark, since it does not look at the path by itself for an hour.
    expect(reader.getRowByKey("fam", "tbl", 1)).toEqual({ k: 1, v: "2" });
    old.sweep();
    expect(generationsIn(folder.path)).toEqual([second.id]);
  });

  test.skipIf(noMounts !== null)(
    "R16 stays while a reader on a read-only mount has it open, whose transaction keeps what it reads",
    async () => {
      using folder = tempFolder();
      mkdirSync(folder.file("ldb"));
      mkdirSync(folder.file("view"));
      const first = flipTo(folder.file("ldb"), 1);
      using database = WritableDatabase.open(folder.file("ldb", "generations", first.id, "ldb.db"));
      await using reader = await idleReader(folder.file("view", "ldb.db"), {
        pins: true,
        wrapper: withReadOnlyView(folder.file("ldb"), folder.file("view")),
      });
      database.run("UPDATE fam___tbl SET v = 'later'");
      expect(database.checkpoint("TRUNCATE", 10).blocked).toBe(true);
      database.close();
      const second = flipTo(folder.file("ldb"), 2);
      const { old } = sweeper(folder.file("ldb"));
      old.sweep();
      expect(generationsIn(folder.file("ldb"))).toEqual([first.id, second.id].sort());
      await reader.kill();
      old.sweep();
      expect(generationsIn(folder.file("ldb"))).toEqual([second.id]);
    },
  );

  test("R17 keeps the locks of its readers in this process when it is looked at, so that others see them", async () => {
    using folder = tempFolder();
    const first = flipTo(folder.path, 1);
    const oldPath = folder.file("generations", first.id, "ldb.db");
    using held = WritableDatabase.open(oldPath);
    held.run("BEGIN");
    held.get("SELECT v FROM fam___tbl");
    flipTo(folder.path, 2);
    sweeper(folder.path).old.sweep();
    const program = `import { isHeld } from ${JSON.stringify(join(ROOT, "ldb", "holders.ts"))};
      console.log(isHeld(process.argv.at(-1)));`;
    const other = await runProcess([process.execPath, "-e", program, oldPath]);
    expect(other.stdout).toBe("true\n");
    held.rollback();
  });

  test("I13 goes after its time though somebody holds it, also over a restart, and I15 its reader reads on", async () => {
    using folder = tempFolder();
    flipTo(folder.path, 1);
    using held = WritableDatabase.open(folder.file("ldb.db"));
    const second = flipTo(folder.path, 2);
    const { old, time } = sweeper(folder.path);
    old.sweep();
    time.nowMs += LIMITS.keepMs;
    sweeper(folder.path, time).old.sweep();
    expect(generationsIn(folder.path)).toHaveLength(2);
    time.nowMs += 1;
    sweeper(folder.path, time).old.sweep();
    expect(generationsIn(folder.path)).toEqual([second.id]);
    expect(held.get("SELECT v FROM fam___tbl")).toEqual({ v: "1" });
  });

  test("I13 goes when its clock was set back and its time has passed since", () => {
    using folder = tempFolder();
    flipTo(folder.path, 1);
    using _held = WritableDatabase.open(folder.file("ldb.db"));
    flipTo(folder.path, 2);
    const time = { nowMs: Date.UTC(2090) };
    sweeper(folder.path, time).old.sweep();
    time.nowMs = Date.UTC(2030);
    sweeper(folder.path, time).old.sweep();
    time.nowMs += LIMITS.keepMs + 1;
    sweeper(folder.path, time).old.sweep();
    expect(generationsIn(folder.path)).toHaveLength(1);
  });

  test("I13 goes, the oldest first, when more are held than may be kept", () => {
    using folder = tempFolder();
    const { old, time } = sweeper(folder.path);
    const ids: string[] = [];
    using holders = new DisposableStack();
    for (let sequence = 1; sequence <= 5; sequence++) {
      ids.push(flipTo(folder.path, sequence).id);
      holders.use(WritableDatabase.open(folder.file("ldb.db")));
      time.nowMs += 1_000;
      old.sweep();
    }
    expect(generationsIn(folder.path)).toEqual(ids.slice(-3).sort());
    expect(old.kept).toBe(2);
  });

  test("goes when its database is gone or damaged and its time has passed", () => {
    using folder = tempFolder();
    const first = flipTo(folder.path, 1);
    const second = flipTo(folder.path, 2);
    const third = flipTo(folder.path, 3);
    rmSync(folder.file("generations", first.id, "ldb.db"));
    writeFileSync(folder.file("generations", second.id, "ldb.db"), "no database".repeat(1_000));
    const { old, time } = sweeper(folder.path);
    old.sweep();
    expect(generationsIn(folder.path)).toEqual([second.id, third.id].sort());
    time.nowMs += LIMITS.keepMs + 1;
    old.sweep();
    expect(generationsIn(folder.path)).toEqual([third.id]);
  });

  test("R17 goes, and keeps no Reflector from starting, when the note beside it cannot be read", () => {
    using folder = tempFolder();
    const first = flipTo(folder.path, 1);
    const second = flipTo(folder.path, 2);
    mkdirSync(folder.file("generations", first.id, "replaced-at"));
    using _database = openLdbFolder(folder.path, DEPS).database;
    expect(generationsIn(folder.path)).toEqual([second.id]);
  });

  test("I15 stays when somebody took the link away: there is no successor to go to", () => {
    using folder = tempFolder();
    const first = flipTo(folder.path, 1);
    rmSync(folder.file("ldb.db"));
    sweeper(folder.path).old.sweep();
    expect(generationsIn(folder.path)).toEqual([first.id]);
    expect(valueIn(folder.file("generations", first.id, "ldb.db"))).toBe("1");
  });
});

describe("a generation that was never published", () => {
  test("is left alone by a sweep, since it may be in the making, and removed at the next start", () => {
    using folder = tempFolder();
    const current = flipTo(folder.path, 1);
    const staged = stageGeneration(folder.path, systemClock.nowUs());
    writeFileSync(staged.databasePath, "half a database");
    sweeper(folder.path).old.sweep();
    expect(generationsIn(folder.path)).toEqual([current.id, staged.id].sort());
    openLdbFolder(folder.path, DEPS).database.close();
    expect(generationsIn(folder.path)).toEqual([current.id]);
  });
});
