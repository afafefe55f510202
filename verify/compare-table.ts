/**
 * Compares one table of an LDB with the same table of the ctldb, both as of one state each.
 *
 * First by digest, each side in the order in which it is fastest; only where the digests differ row by row. Rows that
 * the ledger changes between the two states are left out of both.
 */

import { RowEncoder } from "../core/digest/row-encoder.ts";
import { type RowsSummary, TableDigest } from "../core/digest/table-digest.ts";
import { type LdbTableName, splitLdbTableName } from "../core/names.ts";
import type { Cell, ReadManner, RowSelection } from "../core/sql/stored-rows.ts";
import type { RowView } from "../ctldb/row-source.ts";
import type { LdbTable, LdbView } from "../ldb/ldb-view.ts";
import { DifferenceFinder } from "./find-differences.ts";
import type { LedgerChanges } from "./ledger-changes.ts";
import type { RowDifferences, TableReport } from "./report.ts";

/** One state of what an LDB is compared with: of the ctldb, or of another LDB. */
export interface OtherView extends Pick<RowView, "foreign" | "readRows"> {
  readonly tables: readonly LdbTable[];
}

/** Both sides of one comparison. */
export interface ViewPair {
  readonly ldb: LdbView;
  readonly ctldb: OtherView;
  /** Null when the LDB is so far behind that any row may differ. */
  readonly changes: LedgerChanges | null;
}

/** What the two sides are called where a reason is given. */
export interface SideNames {
  readonly ldb: string;
  readonly ctldb: string;
}

export interface CompareOptions {
  readonly shownDifferences: number;
  /** "the LDB" and "the ctldb" unless given. */
  readonly sides?: SideNames;
  /** Called now and then with the rows read of a table so far. */
  readonly onProgress: (table: string, rows: number) => void;
}

/** A report, and the keys of the rows that nothing can be said about yet. */
export interface TableOutcome {
  readonly report: TableReport;
  readonly changing: ReadonlySet<string>;
}

const SIDES: SideNames = { ldb: "the LDB", ctldb: "the ctldb" };
const NO_KEYS: ReadonlySet<string> = new Set();
const ROWS_BETWEEN_PROGRESS = 16_384;

/** Compares the table of that name, on whichever side it is. Null when it is on neither. */
export async function compareTable(
  name: LdbTableName,
  pair: ViewPair,
  options: CompareOptions,
): Promise<TableOutcome | null> {
  const ldb = pair.ldb.tables.find((table) => table.name === name);
  const ctldb = pair.ctldb.tables.find((table) => table.name === name);
  const { changes } = pair;
  const { sides = SIDES } = options;
  if (changes === null) return without(name, "busy", "the LDB is too far behind");
  if (changes.changesWhole(name)) return without(name, "busy", "it is being changed as a whole");
  if (pair.ctldb.foreign.includes(name))
    return without(name, "unreadable", `in ${sides.ctldb} it has columns that ctlstore does not make`);
  if (ctldb === undefined) return ldb === undefined ? null : without(name, "missing_in_ctldb", null);
  if (ldb === undefined) return without(name, "missing_in_ldb", null);
  const unlike = schemaDifference(ldb, ctldb, sides);
  if (unlike !== null) return without(name, "schema_differs", unlike);
  return new RowComparison({ ...ctldb, name }, { ...pair, changes }, options).run();
}

function without(name: LdbTableName, status: TableReport["status"], reason: string | null): TableOutcome {
  const report = { ...named(name), status, ldb: null, ctldb: null, differences: null, changing: 0, reason };
  return { report, changing: NO_KEYS };
}

function named(name: LdbTableName): Pick<TableReport, "family" | "table"> {
  const names = splitLdbTableName(name);
  if (names === null) throw new Error(`not the name of a table: ${name}`);
  return names;
}

/** The order of fields means nothing; that of key fields does. */
function schemaDifference(ldb: LdbTable, ctldb: LdbTable, sides: SideNames): string | null {
  const text = (table: LdbTable) => {
    const fields = table.fields.map((field) => `${field.name} ${field.type}`).sort();
    return `(${fields.join(", ")}; key ${table.keyFields.join(", ")})`;
  };
  const [here, there] = [text(ldb), text(ctldb)];
  return here === there ? null : `${here} in ${sides.ldb}, ${there} in ${sides.ctldb}`;
}

class RowComparison {
  readonly #name: LdbTableName;
  readonly #selection: RowSelection;
  readonly #pair: ViewPair;
  readonly #options: CompareOptions;
  readonly #changed: ReadonlySet<string>;
  readonly #keyAt: readonly number[];
  readonly #keyEncoder = new RowEncoder();

  constructor(
    table: LdbTable & { readonly name: LdbTableName },
    pair: ViewPair & { readonly changes: LedgerChanges },
    options: CompareOptions,
  ) {
    const fields = table.fields.map((field) => field.name);
    this.#name = table.name;
    this.#selection = { table: table.name, fields, keyFields: table.keyFields };
    this.#pair = pair;
    this.#options = options;
    this.#changed = pair.changes.changedKeys(table.name);
    this.#keyAt = table.keyFields.map((name) => fields.indexOf(name));
  }

  async run(): Promise<TableOutcome> {
    const sides = (await this.#digests(false)) ?? (await this.#digests(true));
    if (sides === null || sides === "unreadable") return this.#unreadable();
    const isEqual = sides.ldb.rows === sides.ctldb.rows && sides.ldb.digest === sides.ctldb.digest;
    const differences = isEqual ? null : await this.#differences();
    if (differences === "unreadable") return this.#unreadable();
    const report: TableReport = {
      ...named(this.#name),
      ...sides,
      status: differences === null ? "equal" : "different",
      differences,
      changing: this.#changed.size,
      reason: null,
    };
    return { report, changing: this.#changed };
  }

  #unreadable(): TableOutcome {
    return without(this.#name, "unreadable", "the ctldb's table is not what its catalog says");
  }

  /** Null when it must be done again with `exactText`. */
  async #digests(
    exactText: boolean,
  ): Promise<{ ldb: RowsSummary; ctldb: RowsSummary } | "unreadable" | null> {
    const manner: ReadManner = { order: "any", exactText };
    const ldb = new TableDigest();
    for (const row of this.#pair.ldb.rows(this.#selection, manner)) this.#digest(ldb, row);
    const ctldb = new TableDigest();
    const isRead = await this.#pair.ctldb.readRows(this.#selection, manner, (row) =>
      this.#digest(ctldb, row),
    );
    if (!isRead) return "unreadable";
    if (!exactText && (ldb.doubtful || ctldb.doubtful)) return null;
    return { ldb: ldb.summary(), ctldb: ctldb.summary() };
  }

  #digest(digest: TableDigest, row: readonly Cell[]): void {
    if (this.#isChanging(row)) return;
    digest.add(row);
    if (digest.rows % ROWS_BETWEEN_PROGRESS === 0) this.#options.onProgress(this.#name, digest.rows);
  }

  #isChanging(row: readonly Cell[]): boolean {
    if (this.#changed.size === 0) return false;
    const key = this.#keyAt.map((i) => row[i] ?? null);
    return this.#changed.has(this.#keyEncoder.encodeAsText(key));
  }

  async #differences(): Promise<RowDifferences | "unreadable"> {
    const manner: ReadManner = { order: "key", exactText: true };
    const finder = new DifferenceFinder(this.#settledRows(manner), {
      fields: this.#selection.fields,
      keyFields: this.#selection.keyFields,
      shown: this.#options.shownDifferences,
    });
    const isRead = await this.#pair.ctldb.readRows(this.#selection, manner, (row) => {
      if (!this.#isChanging(row)) finder.take(row);
    });
    return isRead ? finder.finish() : "unreadable";
  }

  *#settledRows(manner: ReadManner): Generator<readonly Cell[], void> {
    for (const row of this.#pair.ldb.rows(this.#selection, manner)) if (!this.#isChanging(row)) yield row;
  }
}
