/**
 * Compares two LDBs, such as those of two hosts or two generations of one, while their Reflectors write them.
 *
 * At one sequence both must have the same rows (I8), so that is waited for. Where it does not come, because one of them
 * is a copy or has no Reflector, they are compared as they are: what the ledger changed between the two is then a difference as well.
 */
import { CtlstoreError } from "../core/errors.ts";
import { sameHash } from "../core/ledger/chain.ts";
import { VERIFY_LIMITS } from "../core/limits.ts";
import type { LdbTableName } from "../core/names.ts";
import type { Clock } from "../core/process/clock.ts";
import { LdbView } from "../ldb/ldb-view.ts";
import { type CompareOptions, compareTable, type OtherView } from "./compare-table.ts";
import { LedgerChanges } from "./ledger-changes.ts";
import type { TableReport, VerifyReport } from "./report.ts";
import { tablesToCompare } from "./tables-to-compare.ts";

export interface CompareLdbsOptions extends Pick<CompareOptions, "shownDifferences" | "onProgress"> {
  /** Folder of an LDB, or a database by itself. */
  readonly ldb: string;
  readonly other: string;
  /** Only these; all unless given. */
  readonly tables?: readonly LdbTableName[] | undefined;
  /** How long both are given to come to one sequence. */
  readonly timeoutSeconds: number;
}

interface Pair extends Disposable {
  readonly ldb: LdbView;
  readonly other: LdbView;
}

const SIDES = { ldb: "the LDB", ctldb: "the other" };

/**
 * The report has the other LDB in place of the ctldb. Neither is changed or held up.
 * @throws CtlstoreError `unknown_table`, `ledger_epoch_mismatch` when they follow different ctldbs, `ldb_not_found`,
 *   `ldb_empty`, `ldb_damaged`, `ldb_incompatible`
 */
export async function compareLdbs(clock: Clock, options: CompareLdbsOptions): Promise<VerifyReport> {
  const deadlineMs = clock.monotonicMs() + 1000 * options.timeoutSeconds;
  const reports = new Map<LdbTableName, TableReport>();
  const warnings = new Set<string>();
  for (let passes = 1; ; passes++) {
    using pair = await openPair(clock, options, deadlineMs);
    for (const warning of warningsOf(pair)) warnings.add(warning);
    const isDone = await comparePair(pair, { reports, clock, options });
    if (!isDone) continue;
    const tables = [...reports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, report]) => report);
    return {
      equal: tables.every(({ status }) => status === "equal"),
      ldbSequence: pair.ldb.sequence,
      headSequence: pair.other.sequence,
      epoch: pair.ldb.epoch,
      warnings: [...warnings],
      tables,
      passes,
    };
  }
}

/** False when there is more to compare, and this state was held long enough. */
async function comparePair(
  pair: Pair,
  deps: {
    readonly reports: Map<LdbTableName, TableReport>;
    readonly clock: Clock;
    readonly options: CompareLdbsOptions;
  },
): Promise<boolean> {
  const { reports, clock, options } = deps;
  const startMs = clock.monotonicMs();
  const sides = { ldb: pair.ldb, ctldb: otherView(pair.other), changes: LedgerChanges.none() };
  const open = tablesToCompare(sides, options.tables).filter((name) => !reports.has(name));
  for (const [i, name] of open.entries()) {
    if (i > 0 && clock.monotonicMs() - startMs > VERIFY_LIMITS.viewMs) return false;
    const outcome = await compareTable(name, sides, { ...options, sides: SIDES });
    if (outcome !== null) reports.set(name, outcome.report);
  }
  return true;
}

function otherView(view: LdbView): OtherView {
  return {
    tables: view.tables,
    foreign: [],
    async readRows(selection, manner, onRow) {
      for (const row of view.rows(selection, manner)) onRow(row);
      return true;
    },
  };
}

/** Both at one sequence if that can be had before the deadline. */
async function openPair(clock: Clock, { ldb, other }: CompareLdbsOptions, deadlineMs: number): Promise<Pair> {
  for (;;) {
    const pair = openBoth(ldb, other);
    const isLast = clock.monotonicMs() + VERIFY_LIMITS.pairPauseMs > deadlineMs;
    if (pair.ldb.sequence === pair.other.sequence || isLast) return pair;
    pair[Symbol.dispose]();
    await clock.sleep(VERIFY_LIMITS.pairPauseMs);
  }
}

function openBoth(path: string, otherPath: string): Pair {
  const ldb = LdbView.open(path);
  let other: LdbView | null = null;
  try {
    other = LdbView.open(otherPath);
    if (ldb.epoch !== null && other.epoch !== null && ldb.epoch !== other.epoch) throw strangers(ldb, other);
  } catch (error) {
    ldb[Symbol.dispose]();
    other?.[Symbol.dispose]();
    throw error;
  }
  const opened = other;
  return {
    ldb,
    other: opened,
    [Symbol.dispose]() {
      ldb[Symbol.dispose]();
      opened[Symbol.dispose]();
    },
  };
}

function warningsOf({ ldb, other }: Pair): string[] {
  if (ldb.sequence !== other.sequence)
    return [
      `the LDBs are at ${ldb.sequence} and ${other.sequence}: what the ledger changed between the two differs as well`,
    ];
  if (ldb.hash !== null && other.hash !== null && !sameHash(ldb.hash, other.hash))
    return [`the LDBs have applied different entries ${ldb.sequence}`];
  return [];
}

function strangers(ldb: LdbView, other: LdbView): CtlstoreError {
  return new CtlstoreError(
    "ledger_epoch_mismatch",
    `Cannot compare the LDBs: they follow the ctldbs of the epochs ${ldb.epoch} and ${other.epoch}; it must be one`,
  );
}
