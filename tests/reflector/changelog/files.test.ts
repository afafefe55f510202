/** The changelog's files: when the next one is begun, how many are kept, where they may be, and what is said of them. */
import { expect, mock, test } from "bun:test";
import * as nodeFs from "node:fs";
import {
  chmodSync,
  existsSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { CtlstoreError } from "../../../core/errors.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { createMetrics } from "../../../core/process/metrics.ts";
import { removeStaleChangelog } from "../../../reflector/changelog/changelog-place.ts";
import { REFLECTOR_METRICS } from "../../../reflector/metrics.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { reflect } from "../harness.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { changeLog, openTestWriter, readChangelog, short } from "./harness.ts";

/** Each fills more than one smallest file. */
function fill(ledger: MemoryLedger, transactions: number): void {
  for (let i = 0; i < transactions; i++) {
    ledger.appendTransaction(...Array.from({ length: 40 }, (_, key) => put(key, `${i}`)));
  }
}

test("I13 the next file is begun once the newest is full, between two transactions, and the oldest goes", () => {
  using folder = tempFolder("changelog-files");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  fill(ledger, 10);
  const writer = openTestWriter(folder.path, { fileBytes: 4096, files: 3, transactionStatements: 1 });
  writer.apply(ledger);
  const { status, counts } = writer.changelog;
  writer.stop();
  const found = changeLog(folder.path);
  expect(found.files).toEqual([8, 9, 10, 11]);
  expect(new Set(found.histories)).toEqual(new Set([status.history]));
  expect(
    readdirSync(folder.path)
      .filter((name) => name.startsWith("change.log"))
      .sort(),
  ).toEqual(["", ".10", ".8", ".9", ".pending"].map((end) => `change.log${end}`));
  // A transaction is never split over two files.
  for (const file of ["change.log.8", "change.log.9", "change.log.10"]) {
    expect(readFileSync(folder.file(file), "utf8")).toEndWith(',"end":true}\n');
  }
  expect(counts).toMatchObject({ changelogLines: 401, changelogRotations: 10, changelogResets: 0 });
  expect(status).toMatchObject({ files: 4, path: folder.file("change.log"), sequence: ledger.head });
  expect(Number(status.firstSequence)).toBe(Number(found.lines[0]?.["seq"]) - 2);
  const sizes = [".8", ".9", ".10", ""].map((end) => readFileSync(folder.file(`change.log${end}`)).length);
  expect(status.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
});

test("fewer older files are kept after a start with a smaller number, and a file without lines is never full", () => {
  using folder = tempFolder("changelog-files");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  fill(ledger, 6);
  const before = openTestWriter(folder.path, { fileBytes: 4096, files: 5, transactionStatements: 1 });
  before.apply(ledger);
  before.stop();
  const after = openTestWriter(folder.path, { fileBytes: 1, files: 2 });
  fill(ledger, 1);
  after.apply(ledger);
  after.stop();
  const found = changeLog(folder.path);
  expect(found.files).toEqual([6, 7, 8]);
  expect(new Set(found.histories).size).toBe(1);
});

test("a changelog may be elsewhere, under another name, in a folder that is not there yet", () => {
  using folder = tempFolder("changelog-files");
  const path = folder.file("logs", "host", "ctlstore-changes");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  fill(ledger, 3);
  for (const _start of [1, 2]) {
    const writer = openTestWriter(folder.file("ldb"), { path, fileBytes: 4096, transactionStatements: 1 });
    writer.apply(ledger);
    writer.stop();
  }
  expect(readChangelog(path).lines.length).toBe(121);
  expect(readChangelog(path).files).toEqual([1, 2, 3, 4]);
  expect(existsSync(folder.file("ldb", "change.log"))).toBe(false);
});

for (const { what, make } of [
  { what: "a folder", make: (path: string) => mkdirSync(path) },
  { what: "a file of another kind", make: (path: string) => writeFileSync(path, "SQLite format 3\0") },
  { what: "a link", make: (path: string) => symlinkSync("elsewhere.log", path) },
]) {
  test(`a Reflector does not start, and touches nothing, when ${what} is where the changelog is to be`, async () => {
    using folder = tempFolder("changelog-files");
    const path = folder.file("there");
    make(path);
    const start = reflect(new MemoryLedger(), folder.file("ldb"), { changelog: { path } });
    const error = await start.then(() => null).catch((caught: CtlstoreError) => caught);
    expect(error?.code).toBe("config_invalid");
    expect(error?.message).toContain(JSON.stringify(path));
    expect(readdirSync(folder.path).sort()).toEqual(["ldb", "there"]);
  });
}

for (const [name, content] of [
  ["app.log.1", "2026-11-23 started"],
  ["app.log.pending", "three orders"],
] as const) {
  test(`a Reflector does not start, and touches nothing, when ${name} beside the changelog is somebody else's`, async () => {
    using folder = tempFolder("changelog-files");
    writeFileSync(folder.file(name), content);
    const start = reflect(new MemoryLedger(), folder.file("ldb"), {
      changelog: { path: folder.file("app.log") },
    });
    const error = await start.then(() => null).catch((caught: CtlstoreError) => caught);
    expect(error?.code).toBe("config_invalid");
    expect(error?.message).toContain(JSON.stringify(folder.file(name)));
    expect(readdirSync(folder.path).sort()).toEqual([name, "ldb"]);
    expect(readFileSync(folder.file(name), "utf8")).toBe(content);
  });
}

test("a Reflector does not write through a link that somebody put where its note is to be", async () => {
  using folder = tempFolder("changelog-files");
  writeFileSync(folder.file("precious"), "");
  symlinkSync(folder.file("precious"), folder.file("app.log.pending"));
  const start = reflect(new MemoryLedger(), folder.file("ldb"), {
    changelog: { path: folder.file("app.log") },
  });
  const error = await start.then(() => null).catch((caught: CtlstoreError) => caught);
  expect(error?.code).toBe("config_invalid");
  expect(readFileSync(folder.file("precious"), "utf8")).toBe("");
});

test("R17 a Reflector does not start when another one writes its changelog, which goes on as it was", async () => {
  using folder = tempFolder("changelog-files");
  const path = folder.file("one", "change.log");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  await using first = await reflect(ledger, folder.file("one"), { changelog: {} });
  await first.applies(ledger.head);
  const start = reflect(ledger, folder.file("two"), { changelog: { path } });
  const error = await start.then(() => null).catch((caught: CtlstoreError) => caught);
  expect(error?.code).toBe("ldb_locked");
  expect(error?.message).toContain(`process ${process.pid}`);
  await first.applies(ledger.append(put(1, "a")));
  await first.stop();
  expect(short(changeLog(folder.file("one")).lines)).toEqual(["1 schema tbl end", "2 upsert tbl[1] end"]);
  // And it may when that one has stopped.
  await using second = await reflect(ledger, folder.file("two"), { changelog: { path } });
  await second.applies(ledger.head);
  expect(second.status().changelog?.history).not.toBe(first.status().changelog?.history);
});

test("a changelog that another Reflector writes stays when this one's is switched off", async () => {
  using folder = tempFolder("changelog-files");
  const path = folder.file("two", "change.log");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  await using writing = await reflect(ledger, folder.file("one"), { changelog: { path } });
  await writing.applies(ledger.head);
  await using other = await reflect(ledger, folder.file("two"));
  await other.applies(ledger.head);
  expect(readChangelog(path).lines.length).toBe(1);
});

test("a changelog in the LDB's folder stays what it is when the folder has two names", () => {
  using folder = tempFolder("changelog-files");
  mkdirSync(folder.file("ldb"));
  symlinkSync("ldb", folder.file("link"));
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  const writer = openTestWriter(folder.file("ldb"));
  writer.apply(ledger);
  writer.stop();
  const deps = { logger: silentLogger, clock: systemClock };
  removeStaleChangelog(folder.file("link"), folder.file("ldb", "change.log"), deps);
  expect(changeLog(folder.file("ldb")).lines.length).toBe(1);
  removeStaleChangelog(folder.file("link"), folder.file("ldb", "other.log"), deps);
  expect(readdirSync(folder.file("ldb")).filter((name) => name.startsWith("change.log"))).toEqual([]);
});

test("a changelog that a kill left without its newest file is removed when it is switched off", () => {
  using folder = tempFolder("changelog-files");
  openTestWriter(folder.path).stop();
  renameSync(folder.file("change.log"), folder.file("change.log.1"));
  removeStaleChangelog(folder.path, null, { logger: silentLogger, clock: systemClock });
  expect(readdirSync(folder.path).filter((name) => name.startsWith("change.log"))).toEqual([]);
});

test("R12 every file of a changelog is on the disk when its writer has stopped well", () => {
  using folder = tempFolder("changelog-files");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  fill(ledger, 3);
  const writer = openTestWriter(folder.path, { fileBytes: 4096, files: 3, transactionStatements: 1 });
  writer.apply(ledger);
  const synced = syncedBy(() => writer.stop());
  for (const name of [
    "change.log",
    "change.log.3",
    "change.log.2",
    "change.log.1",
    "change.log.pending",
    "",
  ]) {
    expect([name, synced.has(statSync(folder.file(name)).ino)]).toEqual([name, true]);
  }
});

/** The inodes that were given to fsync. */
function syncedBy(work: () => void): ReadonlySet<number> {
  const real = { ...nodeFs };
  const inodes = new Set<number>();
  const fsyncSync = (descriptor: number) => {
    inodes.add(fstatSync(descriptor).ino);
    real.fsyncSync(descriptor);
  };
  mock.module("node:fs", () => ({ ...real, fsyncSync }));
  try {
    work();
  } finally {
    mock.module("node:fs", () => real);
  }
  return inodes;
}

test("a Reflector does not start when the changelog's folder is a file", async () => {
  using folder = tempFolder("changelog-files");
  writeFileSync(folder.file("file"), "");
  const options = { changelog: { path: folder.file("file", "change.log") } };
  const start = reflect(new MemoryLedger(), folder.file("ldb"), options);
  const error = await start.then(() => null).catch((caught: CtlstoreError) => caught);
  expect(error?.code).toBe("config_invalid");
});

test("a changelog of the original, or one that a power cut emptied, is begun anew", () => {
  for (const content of ['{"seq":1,"family":"fam","table":"tbl","key":[]}\n', "\0\0\0\0", ""]) {
    using folder = tempFolder("changelog-files");
    writeFileSync(folder.file("change.log"), content);
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T);
    const writer = openTestWriter(folder.path);
    writer.apply(ledger);
    writer.stop();
    expect(short(changeLog(folder.path).lines)).toEqual(["1 schema tbl end"]);
  }
});

test("a file that is no changelog of ours stays when the changelog is switched off", async () => {
  using folder = tempFolder("changelog-files");
  writeFileSync(folder.file("change.log"), '{"seq":1}\n');
  await using reflector = await reflect(new MemoryLedger(), folder.path);
  await reflector.reaches("current");
  expect(readFileSync(folder.file("change.log"), "utf8")).toBe('{"seq":1}\n');
});

test("the changelog is readable by whoever may read the LDB", () => {
  using folder = tempFolder("changelog-files");
  chmodSync(folder.path, 0o755);
  const writer = openTestWriter(folder.path);
  writer.stop();
  const { mode } = statSync(folder.file("change.log"));
  expect(mode & 0o444).toBe(0o444 & ~process.umask());
});

test("status and metrics tell of the changelog, and of none where none is written", async () => {
  using folder = tempFolder("changelog-files");
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"));
  const metrics = createMetrics();
  await using reflector = await reflect(ledger, folder.path, { changelog: {} }, { metrics });
  await reflector.applies(2n);
  const { changelog } = reflector.status();
  expect(changelog).toMatchObject({
    path: folder.file("change.log"),
    firstSequence: 0n,
    sequence: 2n,
    files: 1,
  });
  const text = await until(
    async () => {
      const rendered = await metrics.render();
      return rendered.includes(`${REFLECTOR_METRICS.changelogLinesTotal} 2`) ? rendered : null;
    },
    { what: "two lines counted" },
  );
  expect(text).toContain(`${REFLECTOR_METRICS.changelogBytesTotal} 1`);
  expect(text).toContain(`${REFLECTOR_METRICS.changelogResetsTotal} 0`);
  expect(text).toContain(`${REFLECTOR_METRICS.changelogRotationsTotal} 0`);
});
