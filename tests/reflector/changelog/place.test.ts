/** Where a changelog may be, and that nobody else's files are touched there. */
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import type { CtlstoreError } from "../../../core/errors.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { removeStaleChangelog } from "../../../reflector/changelog/changelog-place.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { reflect } from "../harness.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { changeLog, openTestWriter, readChangelog, short } from "./harness.ts";

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

test("a Reflector does not start when the changelog's folder is a file", async () => {
  using folder = tempFolder("changelog-files");
  writeFileSync(folder.file("file"), "");
  const options = { changelog: { path: folder.file("file", "change.log") } };
  const start = reflect(new MemoryLedger(), folder.file("ldb"), options);
  const error = await start.then(() => null).catch((caught: CtlstoreError) => caught);
  expect(error?.code).toBe("config_invalid");
});
