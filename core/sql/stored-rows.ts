/**
 * Rows of a table as SQLite stores them: every cell with its storage class, nothing converted (I8).
 *
 * A driver that gives integers as bigint tells all five classes apart by the type of the value. Only text that is not
 * UTF-8 it cannot show: that reads as U+FFFD, so whoever sees one there reads again with `exactText`.
 */
import { isUtf8 } from "node:buffer";
import type { SqlValue } from "../values.ts";
import { backtickQuoted } from "./identifiers.ts";

/** Text that is not UTF-8: damage, or somebody's own doing. */
export class InvalidText {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** One stored value: null, INTEGER (bigint), REAL (number), TEXT (string), BLOB (bytes). */
export type Cell = SqlValue | InvalidText;

/** What a decoder puts where the bytes were not UTF-8. */
export const REPLACEMENT_CHARACTER = "\ufffd";

export interface RowSelection {
  /** `family___table` */
  readonly table: string;
  /** Names of the fields, in the order in which their cells are wanted. */
  readonly fields: readonly string[];
  readonly keyFields: readonly string[];
}

export interface ReadManner {
  /** "key": ascending by the bytes of the key; "any" is faster. */
  readonly order: "any" | "key";
  /** Tells text that is not UTF-8 from text that holds U+FFFD; slower. */
  readonly exactText: boolean;
}

/** SELECT whose rows `StoredRowReader` takes. */
export function selectStoredRows({ table, fields, keyFields }: RowSelection, manner: ReadManner): string {
  const columns = fields.map((field, i) => `${backtickQuoted(field)} AS v${i}`);
  if (manner.exactText) {
    for (const [i, field] of fields.entries()) {
      const column = backtickQuoted(field);
      columns.push(`CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) END AS b${i}`);
    }
  }
  const order = keyFields.map((field) => `${backtickQuoted(field)} COLLATE BINARY`).join(", ");
  const suffix = manner.order === "key" ? ` ORDER BY ${order}` : "";
  return `SELECT ${columns.join(", ")} FROM ${backtickQuoted(table)}${suffix}`;
}

type DriverRow = Readonly<Record<string, SqlValue>>;

/** Takes the rows of one such SELECT. */
export class StoredRowReader {
  readonly #values: readonly string[];
  readonly #bytes: readonly string[];
  readonly #cells: Cell[];
  readonly #exactText: boolean;

  constructor(fieldCount: number, exactText: boolean) {
    this.#values = Array.from({ length: fieldCount }, (_, i) => `v${i}`);
    this.#bytes = Array.from({ length: fieldCount }, (_, i) => `b${i}`);
    this.#cells = new Array<Cell>(fieldCount).fill(null);
    this.#exactText = exactText;
  }

  /** The row's cells, in an array that the next call uses again. */
  cells(row: DriverRow): readonly Cell[] {
    for (const [i, name] of this.#values.entries()) {
      const value = row[name] ?? null;
      this.#cells[i] = this.#exactText && typeof value === "string" ? this.#text(row, i, value) : value;
    }
    return this.#cells;
  }

  #text(row: DriverRow, i: number, decoded: string): Cell {
    const bytes = row[this.#bytes[i] ?? ""];
    // A driver may give empty bytes as null.
    return !(bytes instanceof Uint8Array) || isUtf8(bytes) ? decoded : new InvalidText(bytes);
  }
}
