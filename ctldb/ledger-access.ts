/**
 * The way to the ledger lock: one taker at a time in this process, unfinished schema changes finished first (D6, D7,
 * R38), and the catalog that holds under the lock.
 */
import { CtlstoreError, type ErrorCode } from "../core/errors.ts";
import type { WriterName } from "../core/names.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import { Mutex } from "../core/process/mutex.ts";
import { turnOfEventLoop } from "../core/process/turn.ts";
import type { Catalog } from "../core/schema.ts";
import type { Sequence } from "../core/sequence.ts";
import { audited } from "./access/audit-entry.ts";
import type { ChangeOptions } from "./access/contract.ts";
import { forgetReaders } from "./access/reader-rows.ts";
import { auditRecordOf } from "./access/schema-record.ts";
import { EntryAppender } from "./ledger-tail.ts";
import type { LedgerStore, LockedLedger, SchemaChange } from "./store.ts";

export interface LedgerAccessDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

type LockedTask<T> = (locked: LockedLedger, catalog: Catalog) => Promise<T>;

export class LedgerAccess {
  readonly #store: LedgerStore;
  readonly #deps: LedgerAccessDeps;
  readonly #turn = new Mutex();
  /** Of changes one at a time waits for its turn: a flood of them must not come before the writes of others (R34). */
  readonly #changes = new Mutex();
  /** The last one seen; equal versions mean equal catalogs. */
  #catalog: Catalog | null = null;
  #loading: Promise<Catalog> | null = null;

  constructor(store: LedgerStore, deps: LedgerAccessDeps) {
    this.#store = store;
    this.#deps = deps;
  }

  /** Runs a task when no other task of this process has the ledger lock or waits for it. */
  inTurn<T>(task: () => Promise<T> | T): Promise<T> {
    return this.#turn.run(task);
  }

  /** Makes a change in turn with the ledger lock and the catalog that holds under it; rolls back when it throws. */
  withLock<T>(task: LockedTask<T>, { judge }: Pick<ChangeOptions, "judge"> = {}): Promise<T> {
    return this.#changes.run(async () => {
      // An embedded ctldb answers without one: writes would come after the last of many changes.
      await turnOfEventLoop();
      await judge?.();
      return this.inTurn(() => this.#lockedTask(task));
    });
  }

  async #lockedTask<T>(task: LockedTask<T>): Promise<T> {
    const locked = await this.begin([]);
    try {
      return await task(locked, await this.catalogUnder(locked));
    } catch (error) {
      await locked.rollback().catch(() => {});
      throw error;
    }
  }

  /** Resolves when all that was asked for before has ended. */
  settled(): Promise<void> {
    return this.#changes.run(() => this.inTurn(() => {}));
  }

  /** Takes the ledger lock; for a task that runs in turn. */
  async begin(writers: readonly WriterName[]): Promise<LockedLedger> {
    let refusal: CtlstoreError | null = null;
    for (;;) {
      const locked = await this.#store.begin(writers);
      if (locked.unfinished.length === 0) return locked;
      if (refusal !== null) {
        // They could not even be given up: a person must look, and nobody shall wait for that.
        await locked.rollback().catch(() => {});
        throw refusal;
      }
      refusal = await this.#finish(locked);
    }
  }

  /** Finishes what a crash left half done. Returns why the database refuses it: it is given up then. */
  async #finish(locked: LockedLedger): Promise<CtlstoreError | null> {
    const { logger } = this.#deps;
    const changes = locked.unfinished.map(({ kind, schema }) => `${kind} ${schema.family}/${schema.table}`);
    logger.warn({ changes }, "finishing schema changes that were left half done");
    try {
      const catalog = await locked.loadCatalog();
      const applicable = locked.unfinished.filter((change) => stillApplies(change, catalog));
      await this.carryOut(applicable, locked);
      return null;
    } catch (error) {
      await locked.rollback().catch(() => {});
      if (!(error instanceof CtlstoreError) || !REFUSED_BY_DATABASE.has(error.code)) throw error;
      logger.error({ changes, error: error.message }, "schema changes left half done cannot be finished");
      return error;
    }
  }

  /** Makes changes of tables, appends them to the ledger, puts them into the audit trail and commits. */
  async carryOut(changes: readonly SchemaChange[], locked: LockedLedger): Promise<Sequence> {
    const nowUs = this.#deps.clock.nowUs();
    const appender = new EntryAppender(locked.head, nowUs);
    const records = changes.map((change) => {
      appender.appendSchemaChange(change);
      return auditRecordOf(change, appender.sequence);
    });
    const head = appender.head(locked.head.schemaVersion + 1n);
    const statements = changes.flatMap(({ kind, schema: { family, table } }) =>
      kind === "drop" ? [forgetReaders(family, table)] : [],
    );
    const audit = await audited(locked, records, { atUs: nowUs, statements });
    await locked.changeSchema(changes, {
      entries: appender.entries,
      head,
      cookies: [],
      newFamilies: [],
      ...audit,
    });
    this.forgetCatalog();
    return appender.sequence;
  }

  /** The catalog that holds under the lock. */
  async catalogUnder(locked: LockedLedger): Promise<Catalog> {
    if (this.#catalog?.version !== locked.head.schemaVersion) this.#catalog = await locked.loadCatalog();
    return this.#catalog;
  }

  /** The catalog as of now, also when another Executive has just changed it. */
  async newestCatalog(): Promise<Catalog> {
    const head = await this.#store.readHead();
    if (this.#catalog?.version !== head.schemaVersion) this.#catalog = await this.#store.loadCatalog();
    return this.#catalog;
  }

  /** The last catalog seen, which another Executive may have changed since; one load for all who need the first. */
  async knownCatalog(): Promise<Catalog> {
    if (this.#catalog !== null) return this.#catalog;
    this.#loading ??= this.newestCatalog().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** After a change of our own: whoever comes next shares one load of the new one. */
  forgetCatalog(): void {
    this.#catalog = null;
  }
}

const REFUSED_BY_DATABASE: ReadonlySet<ErrorCode> = new Set([
  "invalid_schema",
  "table_exists",
  "ctldb_incompatible",
]);

/** False for a change that a process began after it had lost the ledger lock, and that somebody else overtook. */
function stillApplies(change: SchemaChange, catalog: Catalog): boolean {
  const current = catalog.find(change.schema.family, change.schema.table);
  switch (change.kind) {
    case "create":
      return current === undefined && catalog.families.has(change.schema.family);
    case "drop":
      return current !== undefined;
    case "add-fields":
      return (
        current !== undefined && current.fields.length + change.added.length === change.schema.fields.length
      );
  }
}
