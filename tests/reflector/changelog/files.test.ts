/** The changelog's files: when the next one is begun, how many are kept, where they may be, and what is said of them. */
import { expect, mock, test } from "bun:test";
import * as nodeFs from "node:fs";
import {
  chmodSync,
  existsSync,
  fstatSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createMetrics } from "../../../core/process/metrics.ts";
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
