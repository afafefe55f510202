/** When a changelog goes on after a restart, and when it must begin a new history since changes may have gone by unseen. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { toSequence } from "../../../core/sequence.ts";
import type { TempFolder } from "../../support/temp-folder.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { reflect } from "../harness.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { changeLog, openTestWriter, short, type TestWriterOptions } from "./harness.ts";

interface World {
  readonly folder: TempFolder;
  readonly ledger: MemoryLedger;
  readonly history: unknown;
}

/** An LDB with a changelog of two lines, whose writer has ended. */
function begun(how: "stopped" | "abandoned", options: TestWriterOptions = {}): World {
  const folder = tempFolder("changelog-resume");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"));
  const writer = openTestWriter(folder.path, options);
  writer.apply(ledger);
  if (how === "stopped") writer.stop();
  else writer.abandon();
  return { folder, ledger, history: changeLog(folder.path).histories[0] };
}

/** Goes on with one more entry; what the changelog is then. */
function goOn({ folder, ledger, history }: World, options: TestWriterOptions = {}) {
  ledger.append(put(2, "a"));
  const writer = openTestWriter(folder.path, options);
  const { changelogResets: resets } = writer.changelog.counts;
  writer.apply(ledger);
  const firstSequence = Number(writer.changelog.status.firstSequence);
  writer.stop();
  const found = changeLog(folder.path);
  const isSame = found.histories.every((one) => one === history);
  return { isSame, lines: short(found.lines), files: found.files, firstSequence, resets };
}

const ALL = ["1 schema tbl end", "2 upsert tbl[1] end", "3 upsert tbl[2] end"];

test("a changelog goes on after an orderly stop, also when the whole machine was restarted", () => {
  for (const boot of ["this start", "another start", null]) {
    using world = disposable(begun("stopped"));
    expect(goOn(world, { boot })).toEqual({
      isSame: true,
      lines: ALL,
      files: [1],
      firstSequence: 0,
      resets: 0,
    });
  }
});

test("R11 a changelog goes on after a kill between two transactions", () => {
  using world = disposable(begun("abandoned"));
  expect(goOn(world)).toMatchObject({ isSame: true, lines: ALL, resets: 0 });
});

test("R12 a changelog is reset when the machine lost its power, or where that cannot be told", () => {
  for (const boot of ["another start", null]) {
    using world = disposable(begun("abandoned"));
    const found = goOn(world, { boot });
    expect(found).toMatchObject({ isSame: false, lines: ALL.slice(2), files: [2], resets: 1 });
    expect(found.firstSequence).toBe(2);
  }
});

test("R12 a changelog is reset when the LDB fell back behind it", () => {
  using world = disposable(begun("abandoned"));
  using database = new Database(world.folder.file("ldb.db"));
  database.run("UPDATE _ldb_seq SET seq = 1");
  database.run("UPDATE _ldb_meta SET hash_sequence = 1");
  database.close();
  expect(openAndStop(world)).toMatchObject({ resets: 1 });
});

test("a changelog is reset when it was switched off while the LDB went on, and the old one is gone meanwhile", async () => {
  using world = disposable(begun("stopped"));
  {
    world.ledger.append(put(5, "a"));
    await using reflector = await reflect(world.ledger, world.folder.path);
    await reflector.applies(world.ledger.head);
    expect(reflector.status().changelog).toBeNull();
    expect(readdirSync(world.folder.path).filter((name) => name.startsWith("change.log"))).toEqual([]);
  }
  const found = goOn(world);
  expect(found).toMatchObject({ isSame: false, lines: ["4 upsert tbl[2] end"] });
});

test("a changelog is reset when it was kept and the LDB went on without it", async () => {
  using world = disposable(begun("stopped"));
  {
    world.ledger.append(put(5, "a"));
    const elsewhere = world.folder.file("elsewhere.log");
    for (const name of ["change.log", "change.log.pending"]) {
      copyFileSync(world.folder.file(name), world.folder.file(`kept-${name}`));
    }
    await using reflector = await reflect(world.ledger, world.folder.path, {
      changelog: { path: elsewhere },
    });
    await reflector.applies(world.ledger.head);
    expect(existsSync(world.folder.file("change.log"))).toBe(false);
  }
  for (const name of ["change.log", "change.log.pending"]) {
    renameSync(world.folder.file(`kept-${name}`), world.folder.file(name));
  }
  expect(goOn(world)).toMatchObject({ isSame: false, lines: ["4 upsert tbl[2] end"], resets: 1 });
});

test("a changelog is reset when another LDB has taken the place of the one that it tells of", () => {
  using world = disposable(begun("stopped"));
  rmSync(world.folder.file("generations"), { recursive: true });
  rmSync(world.folder.file("ldb.db"));
  const found = goOn(world);
  expect(found).toMatchObject({ isSame: false, lines: ALL, files: [2] });
});

for (const { what, harm } of [
  { what: "is gone", harm: (file: string) => rmSync(file) },
  { what: "is shorter than it was", harm: (file: string) => truncateSync(file, 150) },
  { what: "is empty", harm: (file: string) => truncateSync(file, 0) },
  { what: "has lines of somebody else", harm: (file: string) => appendFileSync(file, "{}\n") },
  { what: "has no header", harm: (file: string) => Bun.spawnSync(["sed", "-i", "1d", file]) },
]) {
  test(`a changelog is reset when its file ${what} at the start`, () => {
    using world = disposable(begun("stopped"));
    harm(world.folder.file("change.log"));
    const found = goOn(world);
    expect(found).toMatchObject({ isSame: false, lines: ALL.slice(2), resets: 1 });
    expect(found.firstSequence).toBe(2);
  });

  test(`a changelog is reset, and loses no change after it, when its file ${what} while it is written`, () => {
    using folder = tempFolder("changelog-resume");
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    const writer = openTestWriter(folder.path);
    writer.apply(ledger);
    const { history } = writer.changelog.status;
    harm(folder.file("change.log"));
    ledger.append(put(2, "a"));
    writer.apply(ledger);
    writer.stop();
    const found = changeLog(folder.path);
    expect(found.histories).not.toContain(history);
    expect(short(found.lines)).toEqual(ALL.slice(2));
    expect(writer.changelog.counts.changelogResets).toBe(1);
  });
}

test("a changelog is reset when the Reflector's note is gone or is no note", () => {
  for (const harm of [(file: string) => rmSync(file), (file: string) => truncateSync(file, 40)]) {
    using world = disposable(begun("stopped"));
    harm(world.folder.file("change.log.pending"));
    expect(goOn(world)).toMatchObject({ isSame: false, lines: ALL.slice(2), resets: 1 });
  }
});

test("a note without the COMMIT after it is as if it had never been written", () => {
  using world = disposable(begun("abandoned"));
  const { folder, ledger } = world;
  ledger.append(put(7, "a"));
  const writer = openTestWriter(folder.path);
  writer.writer.followLedger({ epoch: ledger.epoch, origin: ledger.origin });
  writer.changelog.recorder.record(ledger.entries[2] ?? raise(), null);
  writer.changelog.beforeCommit(toSequence(2), toSequence(3));
  writer.abandon();
  expect(openAndStop(world)).toMatchObject({ resets: 0 });
  expect(short(changeLog(folder.path).lines)).toEqual(ALL.slice(0, 2));
});

test("older files that do not lead up to the newest one are removed", () => {
  using world = disposable(begun("stopped"));
  copyFileSync(world.folder.file("change.log"), world.folder.file("change.log.7"));
  openAndStop(world);
  expect(existsSync(world.folder.file("change.log.7"))).toBe(false);
});

function openAndStop({ folder }: World) {
  const writer = openTestWriter(folder.path);
  const { changelogResets: resets } = writer.changelog.counts;
  writer.stop();
  return { resets };
}

function disposable(world: World): World & Disposable {
  return { ...world, [Symbol.dispose]: () => world.folder[Symbol.dispose]() };
}

function raise(): never {
  throw new Error("the ledger has no such entry");
}
