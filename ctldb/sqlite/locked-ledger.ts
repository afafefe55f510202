/**
 * An open transaction of the embedded ctldb, which holds the ledger lock.
 *
 * Its database connection is used by nobody else: whoever reads sees what is committed.
 */
import type { Database } from "bun:sqlite";
import { CtlstoreError } from "../../core/errors.ts";
import { formatLeaderTimestamp } from "../../core/ledger/timestamps.ts";
import { ldbTableName, type WriterName } from "../../core/names.ts";
import type { Catalog } from "../../core/schema.ts";
import { encodeDefinition } from "../catalog-row.ts";
import { schemaStatements } from "../ledger-tail.ts";
import type { Usage } from "../limits/contract.ts";
import type {
  CommitOutcome,
  LedgerHead,
  LedgerTail,
  LockedLedger,
  LockedLedgerState,
  NewEntry,
  RowOperation,
  SchemaChange,
  SystemRow,
  WriterRecord,
} from "../store.ts";
import { strayTable } from "../stray-table.ts";
import { classifySqliteError, withSqliteErrors } from "./errors.ts";
import { loadCatalog, systemRows } from "./rows.ts";

export class LockedSqliteLedger implements LockedLedger {
  readonly head: LedgerHead;
  readonly writers: ReadonlyMap<WriterName, WriterRecord>;
  readonly usage: ReadonlyMap<string, Usage>;
  readonly nowSeconds: number;
  readonly policyVersion: bigint;
  readonly unfinished: readonly SchemaChange[] = [];
  readonly #db: Database;
  #open = true;

  constructor(db: Database, state: Omit<LockedLedgerState, "unfinished">) {
    this.#db = db;
    this.head = state.head;
    this.writers = state.writers;
    this.usage = state.usage;
    this.nowSeconds = state.nowSeconds;
    this.policyVersion = state.policyVersion;
  }

  async loadCatalog(): Promise<Catalog> {
    return withSqliteErrors("load the catalog", () => loadCatalog(this.#db));
  }

  async query(sql: string): Promise<SystemRow[]> {
    return withSqliteErrors("read the ctldb's tables", () => systemRows(this.#db, sql));
  }

  async commit(units: ReadonlyArray<readonly RowOperation[]>, tail: LedgerTail): Promise<CommitOutcome> {
    for (const [unit, operations] of units.entries()) {
      const error = this.#runUnit(operations);
      if (error !== null) return { status: "refused", unit, error };
    }
    withSqliteErrors("commit to the ledger", () => {
      this.#writeTail(tail);
      this.#db.run("COMMIT");
      this.#open = false;
    });
    return { status: "committed" };
  }

  /** Null when every statement ran; otherwise the savepoint has been rolled back. */
  #runUnit(operations: readonly RowOperation[]): CtlstoreError | null {
    this.#db.run("SAVEPOINT unit");
    try {
      for (const operation of operations) this.#db.run(operation.statement);
      this.#db.run("RELEASE unit");
      return null;
    } catch (error) {
      const classified = classifySqliteError(error, "apply a mutation");
      if (!(classified instanceof CtlstoreError) || classified.code === "ctldb_unavailable") throw classified;
      this.#db.run("ROLLBACK TO unit");
      this.#db.run("RELEASE unit");
      return classified;
    }
  }

  async changeSchema(changes: readonly SchemaChange[], tail: LedgerTail): Promise<void> {
    withSqliteErrors("change the schema", () => {
      for (const change of changes) {
        if (change.kind === "create") this.#assertNotThere(change.schema);
        for (const statement of schemaStatements(change)) this.#db.run(statement);
        this.#publish(change);
      }
      this.#writeTail(tail);
      this.#db.run("COMMIT");
      this.#open = false;
    });
  }

  /** Refuses to create what stands in the database already although the catalog does not know it. */
  #assertNotThere({ family, table }: SchemaChange["schema"]): void {
    const name = ldbTableName(family, table);
    if (this.#db.query("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) === null) return;
    throw strayTable(name);
  }

  #publish({ kind, schema }: SchemaChange): void {
    if (kind === "drop") {
      this.#db.run("DELETE FROM ctlstore_tables WHERE family_name = ? AND table_name = ?", [
        schema.family,
        schema.table,
      ]);
      return;
    }
    const sql = "REPLACE INTO ctlstore_tables (family_name, table_name, definition) VALUES (?, ?, ?)";
    this.#db.run(sql, [schema.family, schema.table, encodeDefinition(schema)]);
  }

  #writeTail(tail: LedgerTail): void {
    this.#insertEntries(tail.entries);
    for (const { writer, cookie, moves } of tail.cookies) {
      this.#db.run("UPDATE mutators SET cookie = ?, clock = clock + ? WHERE writer = ?", [
        cookie,
        moves,
        writer,
      ]);
    }
    for (const family of tail.newFamilies) this.#db.run("INSERT INTO families (name) VALUES (?)", [family]);
    for (const statement of tail.statements ?? []) this.#db.run(statement);
    const { sequence, hash, schemaVersion } = tail.head;
    const sql = `UPDATE locks SET clock = clock + 1, seq = ?, hash = ?, schema_version = ?,
      policy_version = policy_version + ? WHERE id = 'ledger'`;
    this.#db.run(sql, [sequence, hash, schemaVersion, tail.changesPolicy === true ? 1 : 0]);
  }

  #insertEntries(entries: readonly NewEntry[]): void {
    const insert = this.#db.query(
      `INSERT INTO ctlstore_dml_ledger
         (seq, leader_ts, statement, timestamp_us, hash, family_name, table_name, writer, trace)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    for (const { sequence, timestampUs, statement, hash, table, writer, trace } of entries) {
      const leaderTimestamp = formatLeaderTimestamp(timestampUs);
      insert.run(
        sequence,
        leaderTimestamp,
        statement,
        timestampUs,
        hash,
        table?.family ?? null,
        table?.table ?? null,
        writer,
        trace,
      );
    }
  }

  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    if (this.#db.inTransaction) this.#db.run("ROLLBACK");
  }
}
