/**
 * A ledger read whole and replayed into an in-memory SQLite, without a Reflector: what every LDB must come to (I8).
 *
 * On the way it checks what must hold for any ledger of ours: sequences without gaps (I1), markers that never nest and
 * always close (I6), one statement per entry (I7), links that follow from the origin (I14).
 */
import { Database } from "bun:sqlite";
import { nextLink, sameHash } from "../../core/ledger/chain.ts";
import type { LedgerDescription, LedgerEntry } from "../../core/ledger/entry.ts";
import { isSingleStatement } from "../../core/ledger/single-statement.ts";
import { BEGIN_MARKER, COMMIT_MARKER } from "../../core/ledger/statements.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { SEQUENCE_ZERO, type Sequence } from "../../core/sequence.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { dumpSqliteDatabase, type RowsDump } from "./dump-rows.ts";

export interface WholeLedger {
  readonly description: LedgerDescription;
  readonly entries: readonly LedgerEntry[];
}

/** Reads a ledger from its first entry to its head, in blocks of `limit`. */
export async function readWholeLedger(url: string, limit = 1_000): Promise<WholeLedger> {
  await using source = openLedgerSource(url, { logger: silentLogger, clock: systemClock });
  const description = await source.describe();
  const entries: LedgerEntry[] = [];
  let after: Sequence = SEQUENCE_ZERO;
  for (;;) {
    const block = await source.poll(after, limit);
    entries.push(...block.entries);
    after = block.entries.at(-1)?.sequence ?? after;
    if (!block.more) return { description, entries };
  }
}

/** @throws Error naming the entry at which the ledger is not what it must be */
export function checkLedger({ description, entries }: WholeLedger): void {
  let hash = description.origin;
  let previous: bigint | null = null;
  let inTransaction = false;
  for (const entry of entries) {
    const fail = (what: string): never => {
      throw new Error(`ledger entry ${entry.sequence} (${entry.statement.slice(0, 100)}): ${what}`);
    };
    const expected: bigint = previous === null ? 1n : previous + 1n;
    if (entry.sequence !== expected && entry.sequence > description.takeoverSequence)
      fail(`follows sequence ${previous}`);
    previous = entry.sequence;
    hash = nextLink(hash, entry);
    if (entry.hash === null) {
      if (entry.sequence > description.takeoverSequence) fail("has no hash, and was not taken over");
    } else if (!sameHash(entry.hash, hash)) fail("does not continue the chain");
    if (entry.statement === BEGIN_MARKER) {
      if (inTransaction) fail("begins a transaction inside another");
      inTransaction = true;
    } else if (entry.statement === COMMIT_MARKER) {
      if (!inTransaction) fail("ends a transaction that was not begun");
      inTransaction = false;
    } else if (!isSingleStatement(entry.statement)) fail("is not one statement");
  }
  if (inTransaction) throw new Error("the ledger ends inside a transaction");
}

/** Runs the statements on an empty SQLite and dumps what comes out. @throws Error naming a statement that is refused */
export function replayLedger(entries: readonly LedgerEntry[]): RowsDump {
  const db = new Database(":memory:", { safeIntegers: true });
  try {
    db.run("BEGIN");
    for (const { sequence, statement } of entries) {
      if (statement === BEGIN_MARKER || statement === COMMIT_MARKER) continue;
      try {
        db.run(statement);
      } catch (cause) {
        throw new Error(`SQLite refuses ledger entry ${sequence}: ${statement.slice(0, 200)}`, { cause });
      }
    }
    db.run("COMMIT");
    return dumpSqliteDatabase(db);
  } finally {
    db.close();
  }
}
