/**
 * Writes an LDB as a Reflector does, a small transaction every few milliseconds, until it is told to stop:
 * `steady-writer.ts FOLDER`. SIGUSR1 makes it publish a new generation that goes on from where the old one is; SIGTERM
 * closes it cleanly. Prints `ready`, `flipped N SEQUENCE FROM TO` for each flip with its times in milliseconds since
 * 1970, and `closed SEQUENCE`.
 */
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { toSequence } from "../../core/sequence.ts";
import { ignoreCrashPoint } from "../../ldb/crash-points.ts";
import { publishGeneration, stageGeneration } from "../../ldb/generations.ts";
import { createLdbFolder, openLdbFolder } from "../../ldb/ldb-folder.ts";
import { OldGenerations } from "../../ldb/old-generations.ts";
import { readPosition, writePosition } from "../../ldb/position.ts";
import type { WritableDatabase } from "../../ldb/writable-database.ts";

const PAUSE_MS = 2;
const [folder = ""] = process.argv.slice(2);
const deps = { clock: systemClock, logger: silentLogger, onPoint: ignoreCrashPoint };
let flipsWanted = 0;
let flippedFromMs = 0;
let isOver = false;
process.on("SIGUSR1", () => {
  flipsWanted += 1;
});
process.on("SIGTERM", () => {
  isOver = true;
});

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Two rows that always have the same value: half a batch would show. */
function writeOnce(database: WritableDatabase): bigint {
  const position = readPosition(database);
  const sequence = toSequence(position.sequence + 1n);
  database.run("BEGIN");
  for (const k of [1, 2]) database.run("REPLACE INTO fam___tbl VALUES (?, ?)", k, String(sequence));
  writePosition(database, { ...position, sequence, ledgerTimestampUs: systemClock.nowUs() });
  database.run("COMMIT");
  if (database.checkpoint("NOOP").frames > 1_000) database.checkpoint("PASSIVE");
  return sequence;
}

/** A new generation with the same rows, as a bootstrap makes one. */
function flip(database: WritableDatabase): WritableDatabase {
  const staged = stageGeneration(folder, systemClock.nowUs());
  database.run(`VACUUM INTO '${staged.databasePath}'`);
  flippedFromMs = nowMs();
  publishGeneration(folder, staged, ignoreCrashPoint);
  database.close();
  const next = openLdbFolder(folder, deps).database;
  new OldGenerations(folder, deps).sweep();
  return next;
}

createLdbFolder(folder);
let database = openLdbFolder(folder, deps).database;
database.run("CREATE TABLE IF NOT EXISTS fam___tbl (k INTEGER PRIMARY KEY, v VARCHAR(191))");
let sequence = writeOnce(database);
console.log("ready");
for (let flips = 0; !isOver; ) {
  if (flipsWanted > flips) {
    database = flip(database);
    flips += 1;
    console.log(`flipped ${flips} ${sequence} ${flippedFromMs} ${nowMs()}`);
  }
  sequence = writeOnce(database);
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
database.close();
console.log(`closed ${sequence}`);
process.exit(0);
