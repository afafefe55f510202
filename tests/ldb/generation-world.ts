/** Generations with rows that tell them apart, and processes that hold them. */
import { Database } from "bun:sqlite";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { toSequence } from "../../core/sequence.ts";
import { ignoreCrashPoint, type OnCrashPoint } from "../../ldb/crash-points.ts";
import { publishGeneration, stageGeneration } from "../../ldb/generations.ts";
import { ensureOwnTables, readPosition, writePosition } from "../../ldb/position.ts";
import { WritableDatabase } from "../../ldb/writable-database.ts";
import { startProcess, type TestProcess } from "../support/process.ts";

export const DEPS = { clock: systemClock, logger: silentLogger, onPoint: ignoreCrashPoint };

/** A database as a Reflector leaves it: one table with one row, at a sequence. */
export function fillDatabase(path: string, sequence: number, value: string): void {
  using database = WritableDatabase.open(path);
  ensureOwnTables(database);
  database.run("BEGIN");
  database.run("CREATE TABLE IF NOT EXISTS fam___tbl (k INTEGER PRIMARY KEY, v VARCHAR(191))");
  database.run("REPLACE INTO fam___tbl VALUES (1, ?)", value);
  writePosition(database, {
    ...readPosition(database),
    sequence: toSequence(sequence),
    schemaVersion: 2,
    ledgerTimestampUs: 1_790_000_000_000_000,
  });
  database.run("COMMIT");
}

/** Publishes a generation at a sequence whose row has the sequence as its value; says what it replaced. */
export function flipTo(folder: string, sequence: number, onPoint: OnCrashPoint = ignoreCrashPoint) {
  const staged = stageGeneration(folder, systemClock.nowUs());
  fillDatabase(staged.databasePath, sequence, String(sequence));
  const replaced = publishGeneration(folder, staged, onPoint);
  return { id: staged.id, replaced };
}

export function valueIn(path: string): unknown {
  const database = new Database(path, { readonly: true });
  try {
    return database.query<{ v: string }, []>("SELECT v FROM fam___tbl WHERE k = 1").get()?.v;
  } finally {
    database.close();
  }
}

export function generationsIn(folder: string): string[] {
  return readdirSync(join(folder, "generations")).sort();
}

/** A process that has read the LDB once and then only sits there, with it open; on demand inside a transaction. */
export async function idleReader(
  path: string,
  options: { readonly pins?: boolean; readonly wrapper?: readonly string[] } = {},
): Promise<TestProcess> {
  const program = `const { Database } = require("bun:sqlite");
    const database = new Database(process.argv[1], { readonly: true });
    ${options.pins === true ? 'database.run("BEGIN");' : ""}
    console.log("read " + database.query("SELECT v FROM fam___tbl").get().v);
    setInterval(() => {}, 1000);`;
  const child = startProcess([...(options.wrapper ?? []), process.execPath, "-e", program, path]);
  await child.waitForOutput(/read/);
  return child;
}

/** A clock whose time of day is set by the test. */
export function clockAt(time: { nowMs: number }): Clock {
  return { ...systemClock, nowUs: () => time.nowMs * 1000 };
}
