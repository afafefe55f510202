/**
 * The prepared reads of one table at one schema version.
 *
 * Statements are compiled at first use and kept. Each has a twin that reads integers exactly, compiled only when a
 * value looked too large for a number (I12).
 */
import type { LdbConnection, LdbRow, LdbStatement, LdbValue } from "../ldb/connection.ts";
import {
  countPrefixSql,
  type FieldSelection,
  KEY_INDEX,
  manySql,
  type OwnTables,
  pointSql,
  prefixSql,
} from "./read-sql.ts";
import { pickExactFields, pickFields, pickMixedFields, pickSafeFields, restoreText } from "./rows.ts";
import type { TableShape } from "./table-shape.ts";
import type { IntegerForm, Row } from "./types.ts";

/** Keys of one statement; more are read in several, of one state all the same. A power of two. */
const KEYS_PER_STATEMENT = 64;

interface Twin {
  readonly sql: string;
  readonly fast: LdbStatement;
  exact: LdbStatement | null;
}

export interface TableReadsDeps {
  readonly connection: LdbConnection;
  /** Called with the state columns of a row; throws when the row must not be used. */
  readonly onState: (row: LdbRow) => void;
  /** Called for each statement compiled. */
  readonly onPrepared: () => void;
}

export class TableReads {
  readonly shape: TableShape;
  readonly #deps: TableReadsDeps;
  readonly #tables: OwnTables;
  readonly #selection: FieldSelection;
  readonly #bigints: boolean;
  readonly #pickExact: (shape: TableShape, row: LdbRow) => Row;
  readonly #fieldNames: readonly string[];
  readonly #firstKey: string;
  readonly #many = new Map<number, Twin>();
  readonly #prefix = new Map<number, Twin>();
  readonly #counts = new Map<number, Twin>();
  #point: Twin | null = null;

  constructor(
    shape: TableShape,
    deps: TableReadsDeps,
    options: { tables: OwnTables; integers: IntegerForm },
  ) {
    this.shape = shape;
    this.#deps = deps;
    this.#tables = options.tables;
    this.#selection = { shape, cutsTextAtNul: deps.connection.cutsTextAtNul };
    this.#bigints = options.integers === "bigint";
    this.#pickExact = options.integers === "mixed" ? pickMixedFields : pickExactFields;
    this.#fieldNames = shape.fieldNames;
    this.#firstKey = shape.keyFields[0] ?? "";
  }

  /** The row with this key, its state checked; also without a row. */
  point(key: readonly LdbValue[]): Row | null {
    this.#point ??= this.#prepare(pointSql(this.#selection, this.#tables));
    const row = this.#checkedRow(this.#point.fast, key);
    if (row === null) return null;
    if (this.#bigints) return pickFields(this.#fieldNames, row);
    return pickSafeFields(this.#fieldNames, row) ?? this.#pointExact(this.#point, key);
  }

  #pointExact(twin: Twin, key: readonly LdbValue[]): Row | null {
    const row = this.#checkedRow(this.#exact(twin), key);
    return row === null ? null : this.#pickExact(this.shape, row);
  }

  /** The statement gives a row in any case, all nulls when there is none; a key that was found is never null. */
  #checkedRow(statement: LdbStatement, key: readonly LdbValue[]): LdbRow | null {
    const row = statement.get(...key) as LdbRow;
    this.#deps.onState(row);
    if (row[this.#firstKey] === null) return null;
    if (this.#selection.cutsTextAtNul) restoreText(this.#fieldNames, row);
    return row;
  }

  /** One row or null per key; call inside a read transaction. */
  many(keys: readonly (readonly LdbValue[])[]): (Row | null)[] {
    const found: (Row | null)[] = new Array<Row | null>(keys.length).fill(null);
    for (let from = 0; from < keys.length; from += KEYS_PER_STATEMENT) {
      const chunk = keys.slice(from, from + KEYS_PER_STATEMENT);
      this.#manyOfOneStatement(chunk, (index, row) => {
        found[from + index] = row;
      });
    }
    return found;
  }

  #manyOfOneStatement(
    keys: readonly (readonly LdbValue[])[],
    onRow: (index: number, row: Row) => void,
  ): void {
    let size = 1;
    while (size < keys.length) size *= 2;
    const twin = this.#cached(this.#many, size, () => manySql(this.#selection, size));
    const parameters: LdbValue[] = keys.flat();
    while (parameters.length < size * this.shape.keyFields.length) parameters.push(null);
    this.#all(twin, parameters, (row, picked) => onRow(Number(row[KEY_INDEX]), picked));
  }

  /** Up to `limit` rows whose key begins with the prefix, in key order; call inside a read transaction. */
  prefix(prefix: readonly LdbValue[], limit: number): Row[] {
    const twin = this.#cached(this.#prefix, prefix.length, () => prefixSql(this.#selection, prefix.length));
    const rows: Row[] = [];
    this.#all(twin, [...prefix, limit], (_row, picked) => {
      rows.push(picked);
    });
    return rows;
  }

  /**
   * As `prefix`, one row after the other, whatever they amount to: every integer is a bigint. Call inside a read
   * transaction that is open until the last row was taken, or until the iterator has returned.
   */
  *iteratePrefix(prefix: readonly LdbValue[], limit: number): Generator<Row, void> {
    const twin = this.#cached(this.#prefix, prefix.length, () => prefixSql(this.#selection, prefix.length));
    for (const row of this.#exact(twin).iterate(...prefix, limit)) {
      if (this.#selection.cutsTextAtNul) restoreText(this.#fieldNames, row);
      yield pickFields(this.#fieldNames, row);
    }
  }

  /** How many rows there are whose key begins with the prefix; counts no further than `limit`. */
  countPrefix(prefix: readonly LdbValue[], limit: number): number {
    const twin = this.#cached(this.#counts, prefix.length, () => countPrefixSql(this.shape, prefix.length));
    return Number(twin.fast.get(...prefix, limit)?.["count"]);
  }

  #all(twin: Twin, parameters: readonly LdbValue[], onRow: (row: LdbRow, picked: Row) => void): void {
    const rows = this.#allOf(twin.fast, parameters);
    let exactRows: LdbRow[] | null = null;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as LdbRow;
      const picked = this.#bigints
        ? pickFields(this.#fieldNames, row)
        : pickSafeFields(this.#fieldNames, row);
      if (picked !== null) {
        onRow(row, picked);
        continue;
      }
      // The transaction pins the state, so the second reading has the same rows in the same order.
      exactRows ??= this.#allOf(this.#exact(twin), parameters);
      onRow(row, this.#pickExact(this.shape, exactRows[i] as LdbRow));
    }
  }

  #allOf(statement: LdbStatement, parameters: readonly LdbValue[]): LdbRow[] {
    const rows = statement.all(...parameters);
    if (this.#selection.cutsTextAtNul) for (const row of rows) restoreText(this.#fieldNames, row);
    return rows;
  }

  #cached(cache: Map<number, Twin>, size: number, sql: () => string): Twin {
    let twin = cache.get(size);
    if (twin === undefined) {
      twin = this.#prepare(sql());
      cache.set(size, twin);
    }
    return twin;
  }

  #prepare(sql: string): Twin {
    const fast = this.#deps.connection.prepare(sql, this.#bigints);
    this.#deps.onPrepared();
    return { sql, fast, exact: null };
  }

  #exact(twin: Twin): LdbStatement {
    twin.exact ??= this.#deps.connection.prepare(twin.sql, true);
    return twin.exact;
  }

  finalize(): void {
    const point = this.#point === null ? [] : [this.#point];
    const several = [this.#many, this.#prefix, this.#counts];
    for (const twin of [...point, ...several.flatMap((cache) => [...cache.values()])]) {
      twin.fast.finalize();
      twin.exact?.finalize();
    }
    this.#point = null;
    for (const cache of several) cache.clear();
  }
}
