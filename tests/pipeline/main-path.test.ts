/** From a write to a read through real processes, on both ctldbs, with the Reflector killed on the way. */
import { describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { Writer } from "../../client/index.ts";
import { openReader } from "../../reader/index.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { startExecutiveService, startReflectorService } from "../support/services.ts";
import { seededRandom, suiteSeed } from "../support/suite.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { makeStoryTable, STORY_WRITER } from "./story.ts";

const CTLDBS: [string, (folder: TempFolder) => Promise<string>][] = [
  ["embedded SQLite", async (folder) => `sqlite:${folder.file("ctldb.db")}`],
  ["MariaDB", async () => (await sharedMariadb()).createDatabase()],
];

const ROWS = 6_000;
const BATCH_ROWS = 100;
const KILLS = 4;

const textOf = (id: number) => `row ${id} ${"é'\"\\".repeat(id % 7)}`;

async function load(url: string): Promise<bigint> {
  const writer = new Writer({ url, ...STORY_WRITER });
  let sequence = 0n;
  for (let start = 0; start < ROWS; start += BATCH_ROWS) {
    const ids = Array.from({ length: BATCH_ROWS }, (_, i) => start + i);
    ({ sequence } = await writer.write(
      ids.map((id) => ({ table: "rows", values: { id, text: textOf(id) } })),
    ));
  }
  return sequence;
}

describe.each(CTLDBS)("on %s", (_, ctldbIn) => {
  test("R11 I4 kill -9 of the Reflector during a load, then restart, ends with every row", async () => {
    using folder = tempFolder();
    const ctldb = await ctldbIn(folder);
    const ldb = folder.file("ldb");
    const executive = await startExecutiveService(ctldb);
    await using _executive = executive.process;
    await makeStoryTable(executive.url);
    let reflector = await startReflectorService(ctldb, ldb);
    using reader = openReader({ path: ldb });
    const loaded = load(executive.url);
    const random = seededRandom(suiteSeed());
    for (let kill = 1; kill <= KILLS; kill++) {
      const target = BigInt(Math.floor(((kill - 1 + random()) * ROWS) / KILLS));
      await reader.waitFor(target, { timeoutMs: 20_000 });
      await reflector.process.kill();
      reflector = await startReflectorService(ctldb, ldb);
    }
    await using _reflector = reflector.process;
    await reader.waitFor(await loaded, { timeoutMs: 20_000 });
    const rows = [...reader.getRowsByKeyPrefix("story", "rows")];
    expect(rows.length).toBe(ROWS);
    expect(rows.every(({ id, text }, i) => id === i && text === textOf(i))).toBeTrue();
  }, 60_000);
});

test("I15 reads go on, for readers old and new, when everything but the LDB is dead and gone", async () => {
  using folder = tempFolder();
  const ctldb = `sqlite:${folder.file("central", "ctldb.db")}`;
  await Bun.write(folder.file("central", "made"), "");
  const ldb = folder.file("ldb");
  const executive = await startExecutiveService(ctldb);
  const reflector = await startReflectorService(ctldb, ldb);
  await makeStoryTable(executive.url);
  const writer = new Writer({ url: executive.url, ...STORY_WRITER });
  const { sequence } = await writer.write([{ table: "rows", values: { id: 1, text: "kept" } }]);
  using before = openReader({ path: ldb });
  await before.waitFor(sequence, { timeoutMs: 20_000 });
  await Promise.all([executive.process.kill(), reflector.process.kill()]);
  renameSync(folder.file("central"), folder.file("lost"));
  expect(before.getRowByKey("story", "rows", 1)).toEqual({ id: 1, text: "kept" });
  using after = openReader({ path: ldb });
  expect(after.getRowByKey("story", "rows", 1)).toEqual({ id: 1, text: "kept" });
  expect(after.getLastSequence()).toBe(sequence);
});

test("D20 a Reflector starts, serves and catches up later when the ctldb is away at its start", async () => {
  using folder = tempFolder();
  const ctldb = `sqlite:${folder.file("ctldb.db")}`;
  const ldb = folder.file("ldb");
  const reflector = await startReflectorService(ctldb, ldb);
  await using _reflector = reflector.process;
  expect((await fetch(`${reflector.url}/healthz`)).status).toBe(200);
  await until(async () => (await statusOf(reflector.url)).state === "stuck", { what: "it to say so" });
  const executive = await startExecutiveService(ctldb);
  await using _executive = executive.process;
  await makeStoryTable(executive.url);
  const writer = new Writer({ url: executive.url, ...STORY_WRITER });
  const { sequence } = await writer.write([{ table: "rows", values: { id: 1, text: "late" } }]);
  using reader = openReader({ path: ldb });
  await reader.waitFor(sequence, { timeoutMs: 20_000 });
  expect(reader.getRowByKey("story", "rows", 1)).toEqual({ id: 1, text: "late" });
});

async function statusOf(url: string): Promise<{ state: string }> {
  return (await fetch(`${url}/status`)).json();
}
