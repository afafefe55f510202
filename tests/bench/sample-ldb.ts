/** An LDB of 200,000 rows × 4 fields for read benchmarks, made by the ledger's own statements. */
import { Database } from "bun:sqlite";
import { nextLink, ZERO_HASH } from "../../core/ledger/chain.ts";
import type { LedgerEntry } from "../../core/ledger/entry.ts";
import { READER_LIMITS } from "../../core/limits.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { SEQUENCE_ZERO, toSequence } from "../../core/sequence.ts";
import { ignoreCrashPoint } from "../../ldb/crash-points.ts";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";
import { Changelog } from "../../reflector/changelog/changelog.ts";
import { identityOf } from "../../reflector/changelog/ldb-identity.ts";
import { LdbWriter } from "../../reflector/ldb-writer.ts";
import { LegacyGaps } from "../../reflector/legacy-gaps.ts";
import { type ChangelogOptions, withDefaults } from "../../reflector/options.ts";
import { WalKeeper } from "../../reflector/wal-keeper.ts";

export const SAMPLE_ROWS = 200_000;

export const SAMPLE_TABLE = `CREATE TABLE bench___rows ("id" VARCHAR(191), "name" VARCHAR(191), "count" INTEGER, "weight" REAL, PRIMARY KEY("id"));`;

export function sampleKey(i: number): string {
  return `key-${i.toString(36).padStart(8, "0")}`;
}

export function sampleStatement(i: number): string {
  return `REPLACE INTO bench___rows ("id","name","count","weight") VALUES('${sampleKey(i)}','the value of row number ${i}',${i},${i / 8})`;
}

/** Statements as the chained entries of a ledger of ours. */
export function ledgerOf(statements: Iterable<string>): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  let hash = ZERO_HASH;
  for (const statement of statements) {
    const entry = {
      sequence: toSequence(entries.length + 1),
      timestampUs: 1_790_000_000_000_000 + entries.length,
      statement,
    };
    hash = nextLink(hash, entry);
    entries.push({ ...entry, hash });
  }
  return entries;
}

/** The sample's rows as a ledger. @param batch mutations per ledger transaction; 1 has no markers */
export function sampleLedger(rows: number, batch: number): LedgerEntry[] {
  return ledgerOf(sampleStatements(rows, batch));
}

function* sampleStatements(rows: number, batch: number): Generator<string> {
  yield SAMPLE_TABLE;
  for (let i = 0; i < rows; i++) {
    if (batch > 1 && i % batch === 0) yield "--- BEGIN";
    yield sampleStatement(i);
    if (batch > 1 && (i % batch === batch - 1 || i === rows - 1)) yield "--- COMMIT";
  }
}

/**
 * Applies entries to a new LDB in a folder, as the Reflector does, where it is told to with a changelog; returns the
 * seconds that applying took.
 */
export function applyLedgerTo(
  folder: string,
  entries: readonly LedgerEntry[],
  transactionStatements: number,
  changelogOptions?: ChangelogOptions,
): number {
  const onPoint = ignoreCrashPoint;
  const clock = systemClock;
  const ldb = openLdbFolder(folder, { clock, logger: silentLogger, onPoint });
  const { database } = ldb;
  const options = withDefaults({
    ldbFolder: folder,
    transactionStatements,
    ...(changelogOptions === undefined ? {} : { changelog: changelogOptions }),
  });
  const walKeeper = new WalKeeper(
    { database, clock, logger: silentLogger, onPoint },
    { ...options, insist: options.walInsist },
  );
  const gaps = new LegacyGaps(clock, options.legacyGapGraceMs);
  const changelog =
    options.changelog === null
      ? null
      : Changelog.open({ database, logger: silentLogger, onPoint }, options.changelog, {
          generation: identityOf(ldb),
          sequence: SEQUENCE_ZERO,
        });
  const writer = new LdbWriter(
    { database, clock, onPoint, onCommit: () => walKeeper.afterCommit(), changelog },
    { gaps, limits: options, ldbFolder: folder },
  );
  writer.followLedger({ epoch: "0".repeat(32), origin: ZERO_HASH });
  const startedMs = performance.now();
  for (let from = 0; from < entries.length; from += options.pollRows) {
    const block = entries.slice(from, from + options.pollRows);
    writer.beginBlock(block);
    for (let at = 0; at < block.length; ) at = writer.applySlice(block, at).next;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  changelog?.close();
  database.close();
  return seconds;
}

/** A connection with nothing of ours around it: as SQLite opens it, or with as large a page cache as our reader has. */
export function openRaw(path: string, cache: "usual" | "like-ours" = "usual"): Database {
  const database = new Database(path, { readonly: true });
  if (cache === "like-ours") database.run(`PRAGMA cache_size = -${READER_LIMITS.cacheBytes / 1024}`);
  return database;
}
