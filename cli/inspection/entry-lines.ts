/** Ledger entries as lines for people, one each, with columns that grow when something wider comes. */
import { shownText } from "../print.ts";
import { cellsOf, fitCells, padCells } from "../text-width.ts";
import type { LedgerEntry } from "./ledger-pages.ts";

/** Below this there is no use in fitting. */
const LEAST_STATEMENT_CELLS = 20;

export class EntryLines {
  readonly #columns: () => number | undefined;
  readonly #widths: number[] = [];

  /** @param columns of the terminal just now, into which each line fits; undefined where nothing is to be cut */
  constructor(columns: () => number | undefined) {
    this.#columns = columns;
  }

  /** Lines of entries that are known together: their columns are alike. */
  lines(entries: readonly LedgerEntry[]): string[] {
    for (const entry of entries) this.#widen(cellsBefore(entry));
    return entries.map((entry) => this.#line(entry));
  }

  #widen(cells: readonly string[]): void {
    for (const [i, cell] of cells.entries()) this.#widths[i] = Math.max(this.#widths[i] ?? 0, cellsOf(cell));
  }

  #line(entry: LedgerEntry): string {
    const cells = cellsBefore(entry).map((cell, i) => padCells(cell, this.#widths[i] ?? 0));
    const begin = `${cells.join("  ")}  `;
    const statement = shownText(entry.statement) + (entry.truncated === true ? "…" : "");
    const columns = this.#columns();
    if (columns === undefined) return `${begin}${statement}`;
    return begin + fitCells(statement, Math.max(LEAST_STATEMENT_CELLS, columns - cellsOf(begin)));
  }
}

/** All but the statement. */
function cellsBefore({ timestamp, sequence, writer, family, table, kind }: LedgerEntry): string[] {
  const path = family === null ? "-" : `${family}/${table ?? "*"}`;
  return [shortTime(timestamp), String(sequence), writer ?? "-", path, kind].map(shownText);
}

/** To the millisecond: JSON has the microseconds. */
function shortTime(timestamp: string): string {
  return timestamp.replace(/(\.\d{3})\d+(?=Z$)/, "$1");
}
