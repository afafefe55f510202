/** An LDB of a given size without a ledger behind it, for tests of snapshots that need bytes to be many. */
import { randomBytes } from "node:crypto";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { toSequence } from "../../core/sequence.ts";
import { ignoreCrashPoint } from "../../ldb/crash-points.ts";
import { createLdbFolder, openLdbFolder } from "../../ldb/ldb-folder.ts";
import { readPosition, writePosition } from "../../ldb/position.ts";

export interface FilledLdbOptions {
  readonly sequence: number;
  /** Of rows that cannot be compressed. */
  readonly bytes: number;
  readonly epoch?: string;
}

const ROW_BYTES = 1_000;

/** Fills the LDB in a folder, in generations, and closes it. */
export function fillLdb(folder: string, { sequence, bytes, epoch = "e".repeat(32) }: FilledLdbOptions): void {
  createLdbFolder(folder);
  const { database } = openLdbFolder(folder, {
    clock: systemClock,
    logger: silentLogger,
    onPoint: ignoreCrashPoint,
  });
  database.run("BEGIN");
  database.execute("CREATE TABLE fam___blobs (`k` INTEGER PRIMARY KEY, `v` BLOB)");
  const insert = database.prepare("INSERT INTO fam___blobs VALUES (?, ?)");
  for (let row = 0; row * ROW_BYTES < bytes; row++) insert.run([row, randomBytes(ROW_BYTES)]);
  insert.finalize();
  writePosition(database, {
    ...readPosition(database),
    sequence: toSequence(sequence),
    hash: new Uint8Array(32).fill(5),
    epoch,
    ledgerTimestampUs: 1_790_000_000_000_000,
  });
  database.run("COMMIT");
  database.close();
}
