/**
 * The embedded ctldb: one SQLite file, WAL, synchronous=FULL (an acknowledged write survives a power cut).
 *
 * SQLite's DDL is transactional, so schema changes need no intents here. `BEGIN IMMEDIATE` is the ledger lock; it also
 * holds between processes.
 */
import { Database } from "bun:sqlite";
import { CtlstoreError } from "../../core/errors.ts";
import { formatLeaderTimestamp } from "../../core/ledger/timestamps.ts";
import type { FamilyName, WriterName } from "../../core/names.ts";
import { Catalog } from "../../core/schema.ts";
import { toSequence } from "../../core/sequence.ts";
import { decodeTable, encodeDefinition } from "../catalog-row.ts";
import { schemaStatements } from "../ledger-tail.ts";
import type {
  CommitOutcome,
  LedgerHead,
  LedgerStore,
  LedgerTail,
  LockedLedger,
  NewEntry,
  RowOperation,
  SchemaChange,
  WriterRecord,
} from "../store.ts";
import { classifySqliteError, withSqliteErrors } from "./errors.ts";
import { initialise } from "./tables.ts";

export class SqliteStore implements LedgerStore {
  readonly kind = "sqlite";
  readonly server: string;
  readonly epoch: string;
  readonly #db: Database;

  /** Opens or creates the file. @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible` */
  constructor(path: string) {
    this.#db = withSqliteErrors(
      `open the ctldb ${path}`,
      () => new Database(path, { create: true, safeIntegers: true }),
    );
    try {
      this.epoch = withSqliteErrors(`open the ctldb ${path}`, () => {
        this.#db.run("PRAGMA busy_timeout = 5000");
        this.#db.run("PRAGMA journal_mode = WAL");
        this.#db.run("PRAGMA synchronous = FULL");
        return initialise(this.#db);
      });
    } catch (error) {
      this.#db.close();
      throw error;
    }
    this.server = `SQLite ${this.#db.query<{ version: string }, []>("SELECT sqlite_version() AS version").get()?.version}`;
  }

  async begin(writers: readonly WriterName[]): Promise<LockedLedger> {
    return withSqliteErrors("take the ledger lock", () => {
      this.#db.run("BEGIN IMMEDIATE");
      const records = writers.flatMap((name) => readWriter(this.#db, name) ?? []);
      return new LockedSqliteLedger(
        this.#db,
        readHead(this.#db),
        new Map(records.map((record) => [record.name, record])),
      );
    });
  }

  async readHead(): Promise<LedgerHead> {
    return withSqliteErrors("read the ledger's head", () => readHead(this.#db));
  }

  async loadCatalog(): Promise<Catalog> {
    return withSqliteErrors("load the catalog", () => loadCatalog(this.#db));
  }

  async readWriter(writer: WriterName): Promise<WriterRecord | null> {
    return withSqliteErrors("read a writer", () => readWriter(this.#db, writer));
  }

  async insertWriter(record: WriterRecord): Promise<boolean> {
    return withSqliteErrors("register a writer", () => {
      const sql =
        "INSERT INTO mutators (writer, secret, cookie, clock) VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING";
      return this.#db.run(sql, [record.name, record.secretHash, record.cookie]).changes === 1;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#db.close();
  }
}

class LockedSqliteLedger implements LockedLedger {
  readonly head: LedgerHead;
  readonly writers: ReadonlyMap<WriterName, WriterRecord>;
  readonly unfinished: readonly SchemaChange[] = [];
  readonly #db: Database;
  #open = true;

  constructor(db: Database, head: LedgerHead, writers: ReadonlyMap<WriterName, WriterRecord>) {
    this.#db = db;
    this.head = head;
    this.writers = writers;
  }

  async loadCatalog(): Promise<Catalog> {
    return withSqliteErrors("load the catalog", () => loadCatalog(this.#db));
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
        for (const statement of schemaStatements(change)) this.#db.run(statement);
        this.#publish(change);
      }
      this.#writeTail(tail);
      this.#db.run("COMMIT");
      this.#open = false;
    });
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
    const { sequence, hash, schemaVersion } = tail.head;
    const sql =
      "UPDATE locks SET clock = clock + 1, seq = ?, hash = ?, schema_version = ? WHERE id = 'ledger'";
    this.#db.run(sql, [sequence, hash, schemaVersion]);
  }

  #insertEntries(entries: readonly NewEntry[]): void {
    const insert = this.#db.query(
      `INSERT INTO ctlstore_dml_ledger (seq, leader_ts, statement, timestamp_us, hash, family_name, table_name, writer)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    for (const { sequence, timestampUs, statement, hash, table, writer } of entries) {
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
      );
    }
  }

  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    if (this.#db.inTransaction) this.#db.run("ROLLBACK");
  }
}

function readHead(db: Database): LedgerHead {
  const sql = "SELECT seq, hash, schema_version FROM locks WHERE id = 'ledger'";
  const row = db.query<{ seq: bigint; hash: Uint8Array; schema_version: bigint }, []>(sql).get();
  if (row === null)
    throw new CtlstoreError("ctldb_incompatible", "Cannot read the ledger: its lock row is gone");
  return { sequence: toSequence(row.seq), hash: row.hash, schemaVersion: row.schema_version };
}

function readWriter(db: Database, name: WriterName): WriterRecord | null {
  const sql = "SELECT secret, cookie FROM mutators WHERE writer = ?";
  const row = db.query<{ secret: string; cookie: Uint8Array }, [string]>(sql).get(name);
  return row === null ? null : { name, secretHash: row.secret, cookie: row.cookie };
}

function loadCatalog(db: Database): Catalog {
  // One transaction, or the version could be older than the tables; inside the ledger lock there is one already.
  const load = () => {
    const families = db.query<{ name: string }, []>("SELECT name FROM families").all();
    const sql = "SELECT family_name, table_name, definition FROM ctlstore_tables";
    const tables = db.query<{ family_name: string; table_name: string; definition: string }, []>(sql).all();
    return new Catalog(
      readHead(db).schemaVersion,
      families.map((row) => row.name as FamilyName),
      tables.map((row) => decodeTable(row.family_name, row.table_name, row.definition)),
    );
  };
  return db.inTransaction ? load() : db.transaction(load)();
}
