/**
 * The tables that a ledger describes, found by running its schema statements on an empty SQLite (I8).
 *
 * Used when a ctldb of the original is taken over: its catalog is what the LDBs have, and only a comparison with the
 * tables in MySQL shows what a crash between the two has left apart (D6, D7).
 */
import { Database } from "bun:sqlite";
import { CtlstoreError } from "../core/errors.ts";
import { fieldTypeFromSqlite } from "../core/field-types.ts";
import type { LedgerEntry } from "../core/ledger/entry.ts";
import { changesSchema, createTableStatement } from "../core/ledger/statements.ts";
import type { FieldName, LdbTableName } from "../core/names.ts";
import type { FieldSchema, TableSchema } from "../core/schema.ts";
import type { FoundTable } from "./store.ts";

export class LedgerSchema implements Disposable {
  readonly #db = new Database(":memory:");

  /** Begins with tables that are known already. */
  constructor(tables: readonly TableSchema[]) {
    for (const table of tables) this.#db.run(createTableStatement(table));
  }

  /** Takes one entry; those that only change rows are passed over. @throws CtlstoreError `ctldb_incompatible` */
  apply({ sequence, statement }: LedgerEntry): void {
    if (!changesSchema(statement)) return;
    try {
      this.#db.run(statement);
    } catch (cause) {
      throw new CtlstoreError(
        "ctldb_incompatible",
        `Cannot take over ledger entry ${sequence}: SQLite refuses it, and so does every LDB`,
        { cause, sequence, hint: "no Reflector gets past this entry: mend the ledger by hand first" },
      );
    }
  }

  tables(): FoundTable[] {
    const names = this.#db
      .query<{ name: string }, []>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%\\_\\_\\_%' ESCAPE '\\'",
      )
      .all();
    return names.map(({ name }) => this.#table(name as LdbTableName)).filter((table) => table !== null);
  }

  /** Null for a table with a column of a type that ctlstore does not have. */
  #table(name: LdbTableName): FoundTable | null {
    const columns = this.#db
      .query<{ name: string; type: string; pk: number }, [string]>(
        "SELECT name, type, pk FROM pragma_table_info(?)",
      )
      .all(name);
    const fields: FieldSchema[] = [];
    for (const column of columns) {
      const type = fieldTypeFromSqlite(column.type);
      if (type === null) return null;
      fields.push({ name: column.name as FieldName, type });
    }
    const key = columns.filter((column) => column.pk > 0).sort((a, b) => a.pk - b.pk);
    return { name, fields, keyFields: key.map((column) => column.name as FieldName) };
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
