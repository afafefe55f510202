/** The rows of an embedded ctldb, from its file, over a read-only connection of its own for each view. */
import { Database, SQLiteError } from "bun:sqlite";
import { CtlstoreError } from "../../core/errors.ts";
import { ldbTableName } from "../../core/names.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import {
  type Cell,
  type ReadManner,
  type RowSelection,
  StoredRowReader,
  selectStoredRows,
} from "../../core/sql/stored-rows.ts";
import type { SqlValue } from "../../core/values.ts";
import type { LedgerChange, RowSource, RowView } from "../row-source.ts";
import type { FoundTable } from "../store.ts";
import { withSqliteErrors } from "./errors.ts";
import { loadCatalog } from "./rows.ts";
import { readMeta } from "./tables.ts";

export class SqliteRowSource implements RowSource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async openView(): Promise<RowView> {
    return withSqliteErrors(`read the ctldb ${this.#path}`, () => {
      const db = new Database(this.#path, { readonly: true, safeIntegers: true });
      try {
        db.run("PRAGMA busy_timeout = 1000");
        db.run("BEGIN");
        return new SqliteRowView(db, this.#path);
      } catch (error) {
        db.close();
        throw error;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class SqliteRowView implements RowView {
  readonly epoch: string;
  readonly headSequence: Sequence;
  readonly takeoverSequence: Sequence;
  readonly tables: readonly FoundTable[];
  readonly foreign = [];
  readonly #db: Database;

  /** Its first read fixes the state that the transaction sees. */
  constructor(db: Database, path: string) {
    this.#db = db;
    const isCtlDb = db.query("SELECT 1 FROM sqlite_schema WHERE name = 'ctlstore_meta'").get() !== null;
    const epoch = isCtlDb ? readMeta(db, "epoch") : null;
    if (epoch === null) {
      throw new CtlstoreError("ctldb_unavailable", `Cannot read ${path}: it is no ctldb`, {
        hint: "start an Executive on it, or check the path",
      });
    }
    this.epoch = epoch;
    this.takeoverSequence = toSequence(readMeta(db, "takeover_sequence") ?? "0");
    const head = db
      .query<{ seq: bigint | null }, []>("SELECT max(seq) AS seq FROM ctlstore_dml_ledger")
      .get();
    this.headSequence = toSequence(head?.seq ?? 0n);
    this.tables = loadCatalog(db)
      .tables()
      .map(({ family, table, fields, keyFields }) => ({
        name: ldbTableName(family, table),
        fields,
        keyFields,
      }));
  }

  async hashAt(sequence: Sequence): Promise<Uint8Array | null> {
    return withSqliteErrors("read the ledger", () => {
      const sql = "SELECT hash FROM ctlstore_dml_ledger WHERE seq = ?";
      return this.#db.query<{ hash: Uint8Array | null }, [bigint]>(sql).get(sequence)?.hash ?? null;
    });
  }

  async changesAfter(sequence: Sequence, onChange: (change: LedgerChange) => boolean): Promise<void> {
    withSqliteErrors("read the ledger", () => {
      const sql = "SELECT seq, statement FROM ctlstore_dml_ledger WHERE seq > ? ORDER BY seq";
      const rows = this.#db.query<{ seq: bigint; statement: string }, [bigint]>(sql).iterate(sequence);
      for (const row of rows)
        if (!onChange({ sequence: toSequence(row.seq), statement: row.statement })) break;
    });
  }

  async readRows(
    selection: RowSelection,
    manner: ReadManner,
    onRow: (cells: readonly Cell[]) => void,
  ): Promise<boolean> {
    const statement = this.#prepare(selectStoredRows(selection, manner));
    if (statement === null) return false;
    try {
      const reader = new StoredRowReader(selection.fields.length, manner.exactText);
      withSqliteErrors(`read table ${selection.table}`, () => {
        for (const row of statement.iterate()) onRow(reader.cells(row));
      });
      return true;
    } finally {
      statement.finalize();
    }
  }

  /** Null when the table or one of its columns is gone. */
  #prepare(sql: string) {
    try {
      return this.#db.prepare<Record<string, SqlValue>, []>(sql);
    } catch (error) {
      if (error instanceof SQLiteError && error.code === "SQLITE_ERROR") return null;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#db.close();
  }
}
