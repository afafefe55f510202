/**
 * Compares an LDB with the ctldb that it follows, row by row, while both are in use (D9, I8).
 *
 * A pass opens a state of the LDB at sequence L, then one of the ctldb at H >= L. What the ledger changes between the
 * two is known and not compared; it is looked at again in later passes, on fresh states, until nothing is left or the
 * time is over. Whatever differs beyond that is a difference, whenever it was seen.
 */
import { CtlstoreError } from "../core/errors.ts";
import { sameHash } from "../core/ledger/chain.ts";
import { VERIFY_LIMITS } from "../core/limits.ts";
import type { LdbTableName } from "../core/names.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { RowSource, RowView } from "../ctldb/row-source.ts";
import { LdbView } from "../ldb/ldb-view.ts";
import { type CompareOptions, compareTable, type TableOutcome, type ViewPair } from "./compare-table.ts";
import { LedgerChanges } from "./ledger-changes.ts";
import type { TableReport, VerifyReport } from "./report.ts";
import { tablesToCompare } from "./tables-to-compare.ts";

export interface VerifyDeps {
  readonly source: RowSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface VerifyOptions {
  readonly ldbFolder: string;
  /** Only these; all unless given. */
  readonly tables?: readonly LdbTableName[];
  /** How long rows and tables that change meanwhile are looked at again. */
  readonly timeoutSeconds?: number;
  readonly pauseMs?: number;
  /** How long one state of both sides is held. */
  readonly viewMs?: number;
  /** Differing rows kept for each table. */
  readonly shownDifferences?: number;
  /** Called now and then with the rows read of a table so far. */
  readonly onProgress?: CompareOptions["onProgress"];
}

/**
 * Compares every table, or those that are named. Neither side is changed or held up.
 * @throws CtlstoreError `unknown_table` when one that is named is on neither side, `ledger_epoch_mismatch` when the LDB follows another ctldb, `ledger_behind` when the ctldb
 *   stays behind the LDB, `ledger_too_old`, `ldb_not_found`, `ldb_empty`, `ldb_damaged`, `ctldb_unavailable`
 */
export function verifyLdb(deps: VerifyDeps, options: VerifyOptions): Promise<VerifyReport> {
  return new Verification(deps, options).run();
}

type Standing = Pick<VerifyReport, "ldbSequence" | "headSequence" | "epoch" | "warnings">;

class Verification {
  readonly #deps: VerifyDeps;
  readonly #options: Required<Omit<VerifyOptions, "tables">> & Pick<VerifyOptions, "tables">;
  /** Tables to look at (again), with the rows that are still in doubt; null: all. */
  #pending: Map<LdbTableName, ReadonlySet<string> | null> | null = null;
  /** What was last found out about each table. */
  readonly #reports = new Map<LdbTableName, TableReport>();
  #standing: Standing | null = null;
  #passes = 0;

  constructor(deps: VerifyDeps, options: VerifyOptions) {
    this.#deps = deps;
    this.#options = {
      timeoutSeconds: VERIFY_LIMITS.timeoutSeconds,
      pauseMs: VERIFY_LIMITS.pauseMs,
      viewMs: VERIFY_LIMITS.viewMs,
      shownDifferences: VERIFY_LIMITS.shownDifferences,
      onProgress: () => {},
      ...options,
    };
  }

  async run(): Promise<VerifyReport> {
    const { clock } = this.#deps;
    const { timeoutSeconds, pauseMs } = this.#options;
    const deadlineMs = clock.monotonicMs() + 1000 * timeoutSeconds;
    for (;;) {
      const end = await this.#pass();
      if (end === "done") break;
      if (end === "again") continue;
      if (clock.monotonicMs() + pauseMs > deadlineMs) break;
      await clock.sleep(pauseMs);
    }
    return this.#report();
  }

  /** "again": the state was held long enough, go on with a fresh one; "wait": only time can help. */
  async #pass(): Promise<"done" | "again" | "wait"> {
    this.#passes += 1;
    const startMs = this.#deps.clock.monotonicMs();
    using ldb = LdbView.open(this.#options.ldbFolder);
    await using ctldb = await this.#deps.source.openView();
    if (!this.#takeStanding(ldb, ctldb, await ctldb.hashAt(ldb.sequence))) return "wait";
    const pair = { ldb, ctldb, changes: await LedgerChanges.read(ctldb, ldb.sequence) };
    this.#pending ??= new Map(tablesToCompare(pair, this.#options.tables).map((name) => [name, null]));
    const isNew = (name: LdbTableName) => !this.#reports.has(name);
    let looks = 0;
    for (const name of [...this.#pending.keys()].sort((a, b) => Number(isNew(b)) - Number(isNew(a)))) {
      const ageMs = this.#deps.clock.monotonicMs() - startMs;
      if (looks > 0 && ageMs > this.#options.viewMs) return isNew(name) ? "again" : "wait";
      await this.#look(name, pair);
      looks += 1;
    }
    this.#deps.logger.debug({ pass: this.#passes, pending: this.#pending.size }, "compared");
    return this.#pending.size === 0 ? "done" : "wait";
  }

  async #look(name: LdbTableName, pair: ViewPair): Promise<void> {
    const outcome = await compareTable(name, pair, this.#options);
    if (outcome === null) {
      // Dropped on both sides meanwhile.
      this.#pending?.delete(name);
      this.#reports.delete(name);
      return;
    }
    const doubtful = stillDoubtful(this.#pending?.get(name) ?? null, outcome);
    this.#reports.set(name, { ...outcome.report, changing: doubtful?.size ?? 0 });
    if (isSettled(outcome.report, doubtful)) this.#pending?.delete(name);
    else this.#pending?.set(name, doubtful);
  }

  /** False when the ctldb is behind the LDB: a lagging replica catches up. @throws CtlstoreError */
  #takeStanding(ldb: LdbView, ctldb: RowView, ledgerHash: Uint8Array | null): boolean {
    if (ldb.epoch !== null && ldb.epoch !== ctldb.epoch) throw epochMismatch(ldb.epoch, ctldb.epoch);
    const warnings: string[] = [];
    if (ldb.epoch === null) warnings.push("the LDB does not say which ctldb it follows");
    if (ldb.hash !== null && ledgerHash !== null && !sameHash(ldb.hash, ledgerHash))
      warnings.push(`the LDB has applied another entry ${ldb.sequence} than the ledger has now`);
    if (ldb.skips > 0) warnings.push(`the LDB was allowed to pass over ${ldb.skips} ledger entries`);
    const { headSequence, epoch } = ctldb;
    this.#standing = { ldbSequence: ldb.sequence, headSequence, epoch, warnings };
    return headSequence >= ldb.sequence;
  }

  #report(): VerifyReport {
    if (this.#standing === null) throw new Error("no pass was made");
    if (this.#pending === null) throw behind(this.#standing);
    const tables = [...this.#reports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, report]) => report);
    return {
      equal: tables.every(({ status }) => status === "equal"),
      ...this.#standing,
      tables,
      passes: this.#passes,
    };
  }
}

/** Rows in doubt before and now again; null when that is every row. */
function stillDoubtful(
  before: ReadonlySet<string> | null,
  { report, changing }: TableOutcome,
): ReadonlySet<string> | null {
  if (report.status === "busy" || report.status === "unreadable") return before;
  return before === null ? changing : before.intersection(changing);
}

/** What is being changed may look otherwise in a moment; everything else is final. */
function isSettled({ status }: TableReport, doubtful: ReadonlySet<string> | null): boolean {
  if (status === "equal") return doubtful?.size === 0;
  return status !== "busy" && status !== "unreadable";
}

function epochMismatch(ldb: string, ctldb: string | null): CtlstoreError {
  return new CtlstoreError(
    "ledger_epoch_mismatch",
    `Cannot compare the LDB: it follows the ctldb of epoch ${ldb}; the epoch of this one is ${ctldb ?? "none"}`,
    { hint: "Check --ctldb and --ldb." },
  );
}

function behind({ ldbSequence, headSequence }: Standing): CtlstoreError {
  return new CtlstoreError(
    "ledger_behind",
    `Cannot compare the LDB: it is at ${ldbSequence}; the ctldb's ledger ends at ${headSequence}`,
    {
      sequence: ldbSequence,
      hint: "A lagging replica catches up by itself: try again, or ask the primary. A restored ctldb does not.",
    },
  );
}
