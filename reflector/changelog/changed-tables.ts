/**
 * The tables that statements change, as far as the changelog must know them: what their keys are.
 *
 * Asked of the LDB inside the transaction that applies the statements, and forgotten when tables change or a
 * transaction is undone.
 */
import { type TableLines, tableLines } from "../../core/changelog/encode.ts";
import { CHANGELOG_LIMITS } from "../../core/limits.ts";
import { splitLdbTableName } from "../../core/names.ts";
import type { DatabaseRow, WritableDatabase } from "../../ldb/writable-database.ts";
import { type KeyColumn, keyColumn } from "./key-values.ts";

export interface ChangedTable {
  readonly lines: TableLines;
  /** `family___table`; empty for the unknown one. Equal for one table, also when it has been forgotten meanwhile. */
  readonly name: string;
  /** In key order; empty for a table that has no key, or that is not there. */
  readonly key: readonly KeyColumn[];
}

/** Stands for the table of a statement that does not say which one it changes. */
export const UNKNOWN_TABLE: ChangedTable = { lines: tableLines("", "", []), name: "", key: [] };

export class ChangedTables {
  readonly #database: WritableDatabase;
  readonly #tables = new Map<string, ChangedTable>();

  constructor(database: WritableDatabase) {
    this.#database = database;
  }

  /** @param name as a statement has it; SQLite takes capital letters for small ones */
  named(name: string): ChangedTable {
    return this.#tables.get(name) ?? this.#learn(name);
  }

  forget(): void {
    this.#tables.clear();
  }

  #learn(name: string): ChangedTable {
    if (this.#tables.size >= CHANGELOG_LIMITS.knownTables) this.forget();
    const lowerCase = name.toLowerCase();
    const known = lowerCase === name ? this.#read(name) : this.named(lowerCase);
    this.#tables.set(name, known);
    return known;
  }

  #read(name: string): ChangedTable {
    const parts = splitLdbTableName(name);
    if (parts === null) return UNKNOWN_TABLE;
    const key = this.#keyOf(name);
    return { lines: tableLines(parts.family, parts.table, key), name, key };
  }

  #keyOf(name: string): readonly KeyColumn[] {
    return this.#database
      .all("SELECT name, type, pk FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", name)
      .map(({ name: column, type }: DatabaseRow) => keyColumn(String(column), String(type)));
  }
}
