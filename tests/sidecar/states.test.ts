/** A sidecar says when its LDB cannot answer, and answers by itself once it can (R16, R19, R36). */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { startSidecar } from "../../sidecar/sidecar.ts";
import { whyNoMounts, withReadOnlyView } from "../support/mounts.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { ctlstore, ROOT } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { type Answer, keyBody, SidecarWorld } from "./sidecar-world.ts";

const TABLE = 'CREATE TABLE fam___t1 ("id" INTEGER, "v" TEXT, PRIMARY KEY("id"))';

/** An answer of each route that reads the LDB. */
function everyRead(w: SidecarWorld): Promise<Answer[]> {
  return Promise.all([
    w.post("/get-row-by-key/fam/t1", keyBody(1)),
    w.post("/get-row-by-key/fam/none", keyBody(1)),
    w.post("/get-rows-by-key-prefix/fam/t1", {}),
    w.post("/get-rows-by-keys", { reads: [{ family: "fam", table: "t1", keys: [[{ value: 1 }]] }] }),
    w.get("/get-ledger-latency"),
    w.get("/ping"),
    w.get("/healthcheck"),
  ]);
}

async function everyReadIs(w: SidecarWorld, code: string): Promise<void> {
  for (const answer of await everyRead(w)) {
    expect([answer.status, answer.code]).toEqual([503, code]);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.headers.get("x-ctlstore")).toBeNull();
  }
  const ready = await w.get("/readyz");
  expect([ready.status, ready.json.state]).toEqual([503, code]);
  // R46
  expect((await w.get("/status")).json).toMatchObject({ state: code, sequence: null });
  expect((await w.get("/healthz")).status).toBe(200);
  expect((await w.get("/metrics")).status).toBe(200);
  expect(await w.metric("ctlstore_sidecar_ldb_readable")).toBe(0);
  // Not known is not fresh.
  expect(await w.metric("ctlstore_sidecar_ledger_latency_seconds")).toBeGreaterThan(0);
}

describe("an LDB that cannot answer", () => {
  test("R36 R46 is 503 and never 404 while it is missing, empty or no database, and answers by itself once it can", async () => {
    await using w = new SidecarWorld();
    await w.start({ ldb: `${w.folder.path}/deep` });
    await everyReadIs(w, "ldb_not_found");
    mkdirSync(`${w.folder.path}/deep`);
    await everyReadIs(w, "ldb_not_found");
    const path = `${w.folder.path}/deep/ldb.db`;
    writeFileSync(path, "this is no database, and long enough to be seen as none ".repeat(40));
    await until(async () => (await w.get("/ping")).code === "ldb_damaged", { what: "ldb_damaged" });
    await everyReadIs(w, "ldb_damaged");
    const ldb = w.folder.ldb();
    ldb.changeSchema(TABLE);
    ldb.exec("UPDATE _ldb_seq SET seq = 0; PRAGMA journal_mode = DELETE");
    ldb.close();
    renameSync(ldb.path, path);
    await until(async () => (await w.get("/ping")).code === "ldb_empty", { what: "ldb_empty" });
    await everyReadIs(w, "ldb_empty");
    const writer = new Database(path);
    writer.exec(
      "PRAGMA journal_mode = WAL; UPDATE _ldb_seq SET seq = 7; INSERT INTO fam___t1 VALUES(1, 'x')",
    );
    expect((await w.post("/get-row-by-key/fam/t1", keyBody(1))).text).toBe('{"id":1,"v":"x"}');
    expect((await w.post("/get-row-by-key/fam/t1", keyBody(2))).status).toBe(404);
    expect((await w.get("/readyz")).status).toBe(200);
    writer.close();
  });

  test("R36 is 503 when it went back behind what was answered, until it is there again", async () => {
    await using w = new SidecarWorld();
    const first = w.folder.generation("1");
    first.changeSchema(TABLE);
    first.stamp(1);
    first.moveTo(100);
    w.folder.flipTo("1");
    await w.start();
    expect((await w.get("/ping")).headers.get("ctlstore-sequence")).toBe("100");
    const second = w.folder.generation("2");
    second.changeSchema(TABLE);
    second.stamp(1);
    second.moveTo(99);
    w.folder.flipTo("2");
    first.supersede();
    await everyReadIs(w, "ldb_regressed");
    second.moveTo(100);
    expect((await w.get("/ping")).status).toBe(200);
    expect((await w.post("/get-row-by-key/fam/t1", keyBody(1))).status).toBe(404);
  });

  test("I15 goes on answering from what is open when its files are taken away", async () => {
    await using w = new SidecarWorld();
    const ldb = w.folder.ldb();
    ldb.changeSchema(TABLE);
    ldb.apply("INSERT INTO fam___t1 VALUES(1, 'x')");
    await w.start();
    expect((await w.get("/ping")).status).toBe(200);
    rmSync(w.folder.ldbPath);
    await until(async () => (await w.get("/ping")).status === 200, { what: "an answer" });
    expect((await w.post("/get-row-by-key/fam/t1", keyBody(1))).status).toBe(200);
  });
});

test("R19 reads go on, and see what is newest, when a stranger checkpoints the LDB with a connection of his own", async () => {
  await using w = new SidecarWorld();
  const ldb = w.folder.ldb();
  ldb.changeSchema(TABLE);
  await w.start();
  for (let round = 1; round <= 20; round++) {
    ldb.apply(`REPLACE INTO fam___t1 VALUES(1, '${round}')`);
    const stranger = new Database(w.folder.ldbPath);
    stranger.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    if (round % 2 === 0) stranger.close();
    expect((await w.post("/get-row-by-key/fam/t1", keyBody(1))).json.v).toBe(String(round));
    expect((await w.post("/get-rows-by-key-prefix/fam/t1", {})).json).toEqual([{ id: 1, v: String(round) }]);
    if (round % 2 === 1) stranger.close();
  }
});

test("a sidecar listens on none of its addresses when one of them is taken", async () => {
  await using w = await new SidecarWorld().start();
  const socket = `${w.folder.path}/s.sock`;
  const deps = { clock: systemClock, logger: silentLogger, metrics: createMetrics() };
  const binds = [`unix:${socket}`, new URL(w.url).host];
  await expect(startSidecar(deps, { ldb: w.folder.path, binds })).rejects.toThrow("Cannot listen");
  await using again = await new SidecarWorld().start({ binds: [`unix:${socket}`] });
  expect(again.sidecar.urls).toEqual([`unix:${socket}`]);
});

const noMounts = await whyNoMounts();
if (noMounts !== null) console.log(`the test of a sidecar on a read-only mount is skipped: ${noMounts}`);

test.skipIf(noMounts !== null)(
  "R16 a sidecar on a read-only mount answers when the writer is not there yet, live, replacing, killed, back, and gone",
  async () => {
    using folder = tempFolder("sidecar-read-only");
    for (const name of ["ldb", "view"]) mkdirSync(folder.file(name));
    const view = withReadOnlyView(folder.file("ldb"), folder.file("view"));
    const command = ctlstore("sidecar", "--ldb", folder.file("view"), "--bind", "127.0.0.1:0");
    const start = () => startProcess([...view, ...command], { env: { CTLSTORE_LOG_LEVEL: "warn" } });
    await using sidecar = start();
    const url = await urlOf(sidecar);
    expect((await answerOf(url)).code).toBe("ldb_not_found");

    await using first = await startWriter(folder.path);
    await until(async () => (await answerOf(url)).sequence > 3, { what: "rows of the writer" });
    for (let flip = 1; flip <= 2; flip++) {
      first.signal("SIGUSR1");
      const [, at = ""] = await first.waitForOutput(new RegExp(`flipped ${flip} (\\d+)`));
      await until(async () => (await answerOf(url)).sequence > Number(at), { what: "rows after the flip" });
    }
    await first.kill();
    const atDeath = (await answerOf(url)).sequence;
    expect((await answerOf(url)).sequence).toBe(atDeath);

    await using second = await startWriter(folder.path);
    await until(async () => (await answerOf(url)).sequence > atDeath, { what: "rows of the second writer" });
    second.signal("SIGTERM");
    const [, last = ""] = await second.waitForOutput(/closed (\d+)/);
    await until(async () => (await answerOf(url)).sequence === Number(last), { what: "the last row" });
    await sidecar.kill();
    await second.exited;
    // One that never met the writer.
    await using late = start();
    expect((await answerOf(await urlOf(late))).sequence).toBe(Number(last));
  },
);

async function startWriter(folder: string): Promise<TestProcess> {
  const program = `${ROOT}/tests/ldb/steady-writer.ts`;
  const writer = startProcess([process.execPath, program, `${folder}/ldb`]);
  await writer.waitForOutput(/ready/);
  return writer;
}

async function urlOf(sidecar: TestProcess): Promise<string> {
  const [url] = await sidecar.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/, 60_000);
  return url;
}

/** The sequence of a whole answer about the writer's table; NaN and the code of an error. */
async function answerOf(url: string): Promise<{ sequence: number; code?: string }> {
  const response = await fetch(`${url}/get-rows-by-key-prefix/fam/tbl`, { method: "POST", body: "{}" });
  // biome-ignore lint/suspicious/noExplicitAny: rows or an error, compared below
  const body = (await response.json()) as any;
  if (response.status !== 200) return { sequence: Number.NaN, code: body.error.code };
  expect(new Set(body.map((row: { v: string }) => row.v)).size).toBe(1);
  return { sequence: Number(response.headers.get("ctlstore-sequence")) };
}
