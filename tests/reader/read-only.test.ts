/** Readers work where they may not write (I10, R16), in processes of their own without the right to. */
import { constants, Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bunDriver } from "../../ldb/drivers/bun.ts";
import { startProcess } from "../support/process.ts";
import { bunEnvironment } from "./bun-environment.ts";
import { SampleFolder } from "./suite/sample-ldb.ts";

/** Root may write anywhere, unless its capabilities are taken away. */
const WITHOUT_RIGHTS =
  process.getuid?.() === 0 ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"] : [];

async function readWithoutRights(folder: SampleFolder): Promise<unknown> {
  const files = readdirSync(folder.path);
  for (const file of files) chmodSync(join(folder.path, file), 0o444);
  chmodSync(folder.path, 0o555);
  try {
    const program = join(import.meta.dir, "processes", "read-once.ts");
    const reader = startProcess([...WITHOUT_RIGHTS, process.execPath, program, folder.path]);
    const exit = await reader.exited;
    expect(exit.code, reader.stderr).toBe(0);
    return JSON.parse(reader.stdout);
  } finally {
    chmodSync(folder.path, 0o755);
    for (const file of files) chmodSync(join(folder.path, file), 0o644);
  }
}

/** A writer that keeps its -wal and -shm when it closes, as the Reflector's does. */
function openWriter(folder: SampleFolder): Database {
  const database = new Database(folder.ldbPath);
  database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
  return database;
}

function upsert(database: Database, id: number): void {
  database.exec(`BEGIN; INSERT INTO fam___t1 VALUES(${id}); UPDATE _ldb_seq SET seq = ${id};
    UPDATE _ldb_meta SET hash_sequence = ${id}; COMMIT`);
}

function sampleFolder(): SampleFolder {
  const folder = new SampleFolder(bunEnvironment);
  const ldb = folder.ldb();
  ldb.changeSchema('CREATE TABLE fam___t1 ("id" INTEGER, PRIMARY KEY("id"))');
  ldb.close();
  return folder;
}

test("R16 reader in a read-only folder reads the latest state when the writer is live, stopped and started again", async () => {
  using folder = sampleFolder();
  const first = openWriter(folder);
  upsert(first, 2);
  expect(await readWithoutRights(folder)).toEqual({ sequence: 2, rows: [{ id: 2 }] });
  upsert(first, 3);
  expect(await readWithoutRights(folder)).toEqual({ sequence: 3, rows: [{ id: 2 }, { id: 3 }] });
  first.close();
  expect(await readWithoutRights(folder)).toEqual({ sequence: 3, rows: [{ id: 2 }, { id: 3 }] });
  const second = openWriter(folder);
  upsert(second, 4);
  expect(await readWithoutRights(folder)).toMatchObject({ sequence: 4 });
  second.close();
});

test("R16 reader in a read-only folder reads the latest state when the writer was killed", async () => {
  using folder = sampleFolder();
  const program = `const { Database } = require("bun:sqlite");
    const database = new Database(process.argv[1]);
    database.exec("BEGIN; INSERT INTO fam___t1 VALUES(9); UPDATE _ldb_seq SET seq = 9; UPDATE _ldb_meta SET hash_sequence = 9; COMMIT");
    database.exec("BEGIN; INSERT INTO fam___t1 VALUES(10)");
    console.log("ready"); setInterval(() => {}, 1000);`;
  await using writer = startProcess([process.execPath, "-e", program, folder.ldbPath]);
  await writer.waitForOutput(/ready/);
  await writer.kill();
  expect(await readWithoutRights(folder)).toEqual({ sequence: 9, rows: [{ id: 9 }] });
});

test("R16 reader in a read-only folder answers with a typed error, never with nothing, when -wal and -shm are missing", async () => {
  using folder = sampleFolder();
  for (const side of ["-wal", "-shm"]) rmSync(`${folder.ldbPath}${side}`, { force: true });
  expect(await readWithoutRights(folder)).toEqual({ code: "ldb_not_found" });
});

test("I10 driver refuses to write when it was opened for a reader", () => {
  using folder = sampleFolder();
  const connection = bunDriver.open(folder.ldbPath);
  expect(() => connection.exec("DELETE FROM fam___t1")).toThrow();
  expect(() => connection.exec("CREATE TABLE x (y)")).toThrow();
  expect(() => bunDriver.open(join(folder.path, "none.db"))).toThrow();
  connection.close();
  expect(readdirSync(folder.path)).not.toContain("none.db");
});
