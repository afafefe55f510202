/**
 * Finds the rows that differ, for a table whose digests do: both sides in key order, side by side, one row of each in
 * memory.
 */
import { type Cell, InvalidText } from "../core/sql/stored-rows.ts";
import { compareKeys, sameCell } from "./compare-cells.ts";
import type { NamedCells, RowDifference, RowDifferences } from "./report.ts";

type Row = readonly Cell[];

export interface DifferenceOptions {
  readonly fields: readonly string[];
  readonly keyFields: readonly string[];
  /** Differences to keep; all are counted. */
  readonly shown: number;
}

/** Takes the ctldb's rows one by one, and the LDB's as they are needed. */
export class DifferenceFinder {
  readonly #options: DifferenceOptions;
  readonly #keyAt: readonly number[];
  readonly #ldb: Iterator<Row>;
  readonly #counts = { missing: 0, extra: 0, different: 0 };
  readonly #shown: RowDifference[] = [];
  readonly #lastKeys: { ldb: Row | null; ctldb: Row | null } = { ldb: null, ctldb: null };
  #row: Row | null;

  /** @param ldb rows in key order */
  constructor(ldb: Iterator<Row>, options: DifferenceOptions) {
    this.#ldb = ldb;
    this.#options = options;
    this.#keyAt = options.keyFields.map((name) => options.fields.indexOf(name));
    this.#row = this.#next();
  }

  /** The next row of the ctldb, in key order. */
  take(central: Row): void {
    const key = this.#inOrder("ctldb", central);
    while (this.#row !== null) {
      const order = compareKeys(this.#keyOf(this.#row), key);
      if (order > 0) break;
      if (order === 0) {
        this.#compare(this.#row, central);
        this.#row = this.#next();
        return;
      }
      this.#note("extra", this.#row, null);
      this.#row = this.#next();
    }
    this.#note("missing", null, central);
  }

  /** Call after the last row of the ctldb. */
  finish(): RowDifferences {
    for (; this.#row !== null; this.#row = this.#next()) this.#note("extra", this.#row, null);
    return { ...this.#counts, shown: this.#shown };
  }

  #next(): Row | null {
    const { value } = this.#ldb.next();
    if (value === undefined) return null;
    this.#inOrder("ldb", value as Row);
    return value as Row;
  }

  /** Side by side only means something when both come in the same order. */
  #inOrder(side: "ldb" | "ctldb", row: Row): Row {
    const key = this.#keyOf(row);
    const last = this.#lastKeys[side];
    if (last !== null && compareKeys(last, key) > 0) {
      throw new Error(`the rows of the ${side} are not in the order of ${this.#options.keyFields}`);
    }
    this.#lastKeys[side] = key;
    return key;
  }

  #keyOf(row: Row): Cell[] {
    return this.#keyAt.map((i) => row[i] ?? null);
  }

  #compare(ldb: Row, ctldb: Row): void {
    const fields = this.#options.fields.filter((_, i) => !sameCell(ldb[i] ?? null, ctldb[i] ?? null));
    if (fields.length > 0) this.#note("different", ldb, ctldb, fields);
  }

  #note(kind: RowDifference["kind"], ldb: Row | null, ctldb: Row | null, fields: string[] = []): void {
    this.#counts[kind] += 1;
    if (this.#shown.length >= this.#options.shown) return;
    const row = this.#named(ldb ?? ctldb ?? []);
    const key = new Map(this.#options.keyFields.map((name) => [name, row.get(name) ?? null]));
    this.#shown.push({
      kind,
      key,
      fields,
      ldb: ldb === null ? null : this.#named(ldb),
      ctldb: ctldb === null ? null : this.#named(ctldb),
    });
  }

  /** A copy: readers use their arrays, and may use their bytes, again. */
  #named(row: Row): NamedCells {
    return new Map(this.#options.fields.map((name, i) => [name, copied(row[i] ?? null)]));
  }
}

function copied(cell: Cell): Cell {
  if (cell instanceof Uint8Array) return new Uint8Array(cell);
  return cell instanceof InvalidText ? new InvalidText(new Uint8Array(cell.bytes)) : cell;
}
