/** A reader and the Reflector's own handling of generations. */
import { expect, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { publishGeneration, stageGeneration } from "../../ldb/generations.ts";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";
import { ensureOwnTables } from "../../ldb/position.ts";
import { WritableDatabase } from "../../ldb/writable-database.ts";
import { openReader } from "../../reader/index.ts";
import { tempFolder } from "../support/temp-folder.ts";

const deps = { clock: systemClock, logger: silentLogger, onPoint: () => {} };

function fill(database: WritableDatabase, key: "a" | "b", sequence: number): void {
  database.run("BEGIN");
  database.run(`CREATE TABLE fam___t1 ("a" VARCHAR(191), "b" VARCHAR(191), PRIMARY KEY("${key}"))`);
  database.run("INSERT INTO fam___t1 VALUES('x', 'y'), ('y', 'x')");
  database.run(`UPDATE _ldb_seq SET seq = ${sequence}`);
  database.run(`UPDATE _ldb_meta SET hash_sequence = ${sequence}, schema_version = 2`);
  database.run("COMMIT");
}

test("reader follows at once when the Reflector publishes a generation and removes the one that is being read", () => {
  using folder = tempFolder("reader-generations");
  const first = openLdbFolder(folder.path, deps);
  using reader = openReader({ path: folder.path, fileCheckIntervalMs: 3_600_000 });
  expect(() => reader.ping()).toThrow("never filled");
  fill(first.database, "a", 5);
  expect(reader.getRowByKey("fam", "t1", "x")).toEqual({ a: "x", b: "y" });

  const staged = stageGeneration(folder.path, systemClock.nowUs());
  const database = WritableDatabase.open(staged.databasePath);
  ensureOwnTables(database);
  fill(database, "b", 6);
  database.checkpoint("TRUNCATE");
  database.close();
  first.database.close();
  publishGeneration(folder.path, staged, deps.onPoint);
  expect(reader.getLastSequence()).toBe(5n);

  const second = openLdbFolder(folder.path, deps);
  expect(second.generation).toBe(staged.id);
  expect(reader.getRowByKey("fam", "t1", "x")).toEqual({ a: "y", b: "x" });
  expect(reader.getLastSequence()).toBe(6n);
  second.database.close();
});
