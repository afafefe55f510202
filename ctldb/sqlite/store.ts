/**
 * The embedded ctldb: one SQLite file, WAL, synchronous=FULL (an acknowledged write survives a power cut).
 *
 * SQLite's DDL is transactional, so schema changes need no intents here. `BEGIN IMMEDIATE` is the ledger lock; it also
 * holds between processes. Ledger transactions have a connection of their own: everything else, on the second one, sees
 * and changes nothing of what is not committed.
 */
import { Database } from "bun:sqlite";
import type { CtlDbTimeouts } from "../../core/limits.ts";
import type { WriterName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import { Mutex } from "../../core/process/mutex.ts";
import { turnOfEventLoop } from "../../core/process/turn.ts";
import { windowStart } from "../../core/rates.ts";
import type { Catalog } from "../../core/schema.ts";
import { FLEET } from "../limits/fleet.ts";
import type { InspectedChange, Inspection } from "../preview/inspection.ts";
import type { PageSelection, StoredPage } from "../row-pages.ts";
import type { FoundRows, LedgerHead, LedgerStore, LockedLedger, SystemRow, WriterRecord } from "../store.ts";
import { type BusyOptions, whenNotBusy } from "./busy.ts";
import { classifySqliteError } from "./errors.ts";
import { inspectChanges } from "./inspect-changes.ts";
import { LockedSqliteLedger } from "./locked-ledger.ts";
import { readPage } from "./row-pages.ts";
import { loadCatalog, readHead, readPolicyVersion, readUsage, readWriter, systemRows } from "./rows.ts";
import { SqliteTableSizes } from "./table-sizes.ts";
import { initialise } from "./tables.ts";

/** Opens or creates the file. @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible` */
export async function openSqliteStore(
  path: string,
  timeouts: CtlDbTimeouts,
  deps: { readonly clock: Clock },
): Promise<LedgerStore> {
  const busy = { clock: deps.clock, timeoutMs: timeouts.lockWaitSeconds * 1000 };
  const connections: Database[] = [];
  try {
    const open = async () => {
      const db = new Database(path, { create: true, safeIntegers: true });
      connections.push(db);
      // The first statement already waits for whoever is turning a new file's journal into a write-ahead log.
      await whenNotBusy(() => db.run("PRAGMA synchronous = FULL"), busy);
      return db;
    };
    const writing = await open();
    const epoch = await whenNotBusy(() => setUp(writing), busy);
    const reading = await open();
    return new SqliteStore({ path, writing, reading, epoch, busy });
  } catch (error) {
    for (const db of connections) db.close();
    throw classifySqliteError(error, `open the ctldb ${path}`);
  }
}

function setUp(db: Database): string {
  db.run("PRAGMA journal_mode = WAL");
  return initialise(db);
}

interface SqliteStoreParts {
  readonly path: string;
  readonly writing: Database;
  readonly reading: Database;
  readonly epoch: string;
  readonly busy: BusyOptions;
}

class SqliteStore implements LedgerStore {
  readonly kind = "sqlite";
  /** SQLite takes statements of a gigabyte. */
  readonly maxStatementBytes = Number.MAX_SAFE_INTEGER;
  /** As it stands: the embedded ctldb is always in UTC. */
  readonly leaderTimestamp = "leader_ts";
  readonly server: string;
  readonly epoch: string;
  /** Ledger transactions; one at a time. */
  readonly #writing: Database;
  readonly #reading: Database;
  readonly #busy: BusyOptions;
  readonly #path: string;
  readonly #searchTurn = new Mutex();
  /** Opened when first asked for. */
  #tableSizes: SqliteTableSizes | null = null;

  constructor({ path, writing, reading, epoch, busy }: SqliteStoreParts) {
    this.#path = path;
    this.#writing = writing;
    this.#reading = reading;
    this.#busy = busy;
    this.epoch = epoch;
    const row = reading.query<{ version: string }, []>("SELECT sqlite_version() AS version").get();
    this.server = `SQLite ${row?.version}`;
  }

  begin(writers: readonly WriterName[]): Promise<LockedLedger> {
    const db = this.#writing;
    return this.#run("take the ledger lock", () => {
      db.run("BEGIN IMMEDIATE");
      try {
        const records = writers.flatMap((name) => readWriter(db, name) ?? []);
        const nowSeconds = this.#nowSeconds();
        return new LockedSqliteLedger(db, {
          head: readHead(db),
          writers: new Map(records.map((record) => [record.name, record])),
          usage: readUsage(db, writers.length === 0 ? [] : [...writers, FLEET], windowStart(nowSeconds)),
          nowSeconds,
          policyVersion: readPolicyVersion(db),
        });
      } catch (error) {
        db.run("ROLLBACK");
        throw error;
      }
    });
  }

  readHead(): Promise<LedgerHead> {
    return this.#run("read the ledger's head", () => readHead(this.#reading));
  }

  loadCatalog(): Promise<Catalog> {
    return this.#run("load the catalog", () => loadCatalog(this.#reading));
  }

  readPage(selection: PageSelection): Promise<StoredPage | null> {
    return this.#run("read a table", () => readPage(this.#reading, selection));
  }

  readWriter(writer: WriterName): Promise<WriterRecord | null> {
    return this.#run("read a writer", () => readWriter(this.#reading, writer));
  }

  async inspect(changes: readonly InspectedChange[]): Promise<Inspection[]> {
    try {
      return await inspectChanges(this.#path, changes, this.#busy.clock);
    } catch (error) {
      throw classifySqliteError(error, "look at the tables");
    }
  }

  query(sql: string): Promise<SystemRow[]> {
    return this.#run("read the ctldb's tables", () => systemRows(this.#reading, sql));
  }

  /**
   * There is one event loop, and SQLite's answers come within it: whoever searches takes small steps, and one of all who do in
   * each turn of the loop.
   */
  search(sql: string): Promise<FoundRows> {
    const { clock } = this.#busy;
    const read = () => {
      const startedMs = clock.monotonicMs();
      const rows = systemRows(this.#reading, sql);
      return { rows, tookMs: clock.monotonicMs() - startedMs };
    };
    return this.#searchTurn.run(async () => {
      await turnOfEventLoop();
      return this.#run("read the ctldb's tables", read);
    });
  }

  execute(sql: string): Promise<number> {
    return this.#run("change the ctldb's tables", () => this.#reading.run(sql).changes);
  }

  /** One machine has the file, so its clock is the one that is shared. */
  #nowSeconds(): number {
    return Math.floor(this.#busy.clock.nowUs() / 1_000_000);
  }

  async nowSeconds(): Promise<number> {
    return this.#nowSeconds();
  }

  async measureTables(signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    try {
      this.#tableSizes ??= new SqliteTableSizes(this.#path, this.#busy.clock);
      return await this.#tableSizes.measure(signal);
    } catch (error) {
      throw classifySqliteError(error, "measure the tables");
    }
  }

  async #run<T>(action: string, task: () => T): Promise<T> {
    try {
      return await whenNotBusy(task, this.#busy);
    } catch (error) {
      throw classifySqliteError(error, action);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tableSizes?.[Symbol.dispose]();
    // After the searches that have asked already.
    await this.#searchTurn.run(() => {});
    this.#reading.close();
    this.#writing.close();
  }
}
