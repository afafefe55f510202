/** The CtlDb on top of any LedgerStore: what each call of the contract means for ledger and catalog. */
import { CtlstoreError } from "../core/errors.ts";
import { clearTableStatement } from "../core/ledger/statements.ts";
import { ACCESS_LIMITS } from "../core/limits.ts";
import type { FamilyName, TableName, WriterName } from "../core/names.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Catalog, FieldSchema, TableSchema } from "../core/schema.ts";
import type { AccessTimes } from "./access/access-cache.ts";
import { audited, UNNAMED_ACTOR } from "./access/audit-entry.ts";
import { LedgerAuditTrail } from "./access/audit-trail.ts";
import type { AuditRecord, AuditTrail, ChangeOptions, DeclaredReaders, Writers } from "./access/contract.ts";
import { assertGranted } from "./access/grants.ts";
import { LedgerOperators } from "./access/operators.ts";
import { LedgerDeclaredReaders } from "./access/readers.ts";
import { WriterGate } from "./access/writer-gate.ts";
import { LedgerWriters } from "./access/writers.ts";
import type { ClearResult, CtlDb, CtlDbStatus, WriteRequest, WriteResult } from "./contract.ts";
import { commitGroup, type GroupCommitDeps } from "./group-commit.ts";
import { LedgerAccess } from "./ledger-access.ts";
import { EntryAppender } from "./ledger-tail.ts";
import { useOf } from "./limits/admission.ts";
import { Admissions, type RefusalObserver } from "./limits/admissions.ts";
import type { LimitDefaults, Limits } from "./limits/contract.ts";
import { CurrentPolicy } from "./limits/current-policy.ts";
import { LedgerLimits, UNLIMITED } from "./limits/limits.ts";
import { TableSizes, type TableSizesOptions } from "./limits/sizes.ts";
import { DEFAULT_PLAN_LIMITS, type PlanLimits, planWrite, type WritePlan } from "./plan-write.ts";
import type { ChangePreview, ProposedChange } from "./preview/contract.ts";
import { previewChange } from "./preview/preview.ts";
import { Proof } from "./proof.ts";
import { type RowsPage, type RowsRequest, selectionOf, toPage } from "./row-pages.ts";
import {
  decideAddFields,
  decideClear,
  decideCreate,
  decideDrop,
  decided,
  decideFamily,
} from "./schema-decisions.ts";
import type { LedgerStore, LockedLedger, RowOperation, SchemaChange } from "./store.ts";
import { DEFAULT_QUEUE_LIMITS, type QueueLimits, WriteQueue } from "./write-queue.ts";

export interface CtlDbOptions {
  /** Where other limits than the usual ones are wanted. */
  readonly limits?: Partial<PlanLimits & QueueLimits>;
  /** Told the number of writes of each group that was committed. */
  readonly onGroup?: (writes: number) => void;
  /** What holds for writers and tables without limits of their own; no limits unless said. */
  readonly defaults?: Partial<LimitDefaults>;
  /** True: a writer to which no families were ever granted may write none, in place of all. */
  readonly requireGrants?: boolean;
  /** Told of each write that a limit refused. */
  readonly onRefused?: RefusalObserver;
  /** How tables are measured, and who is told. */
  readonly tableSizes?: TableSizesOptions;
  /** True: writers' secrets are stored as the original's Executive reads them, who writes to the same ctldb. */
  readonly originalSecrets?: boolean;
  /** Where other times than those of ACCESS_LIMITS are wanted. */
  readonly access?: Partial<AccessTimes>;
}

export interface CtlDbDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

const READ_ATTEMPTS = 3;

export class LedgerCtlDb implements CtlDb {
  readonly #store: LedgerStore;
  readonly #deps: CtlDbDeps;
  readonly #limits: PlanLimits;
  readonly #proof = new Proof();
  readonly #ledger: LedgerAccess;
  readonly #queue: WriteQueue;
  readonly #gate: WriterGate;
  readonly #requireGrants: boolean;
  readonly #admissions: Admissions;
  readonly #tableSizes: TableSizes;
  #closed = false;

  readonly writers: Writers;
  readonly operators: LedgerOperators;
  readonly readers: DeclaredReaders;
  readonly audit: AuditTrail;
  readonly limits: Limits;

  constructor(store: LedgerStore, deps: CtlDbDeps, options: CtlDbOptions = {}) {
    this.#store = store;
    this.#deps = deps;
    this.#limits = { ...DEFAULT_PLAN_LIMITS, ...options.limits };
    this.#ledger = new LedgerAccess(store, deps);
    const assertOpen = () => this.#assertOpen();
    const parts = { store, ledger: this.#ledger, clock: deps.clock, assertOpen };
    const times = { ...ACCESS_LIMITS, ...options.access };
    const secrets = { keepOriginalSecrets: options.originalSecrets ?? false };
    this.#gate = new WriterGate(parts, { ...times, ...secrets, names: ACCESS_LIMITS.cachedWriters });
    this.#requireGrants = options.requireGrants ?? false;
    this.writers = new LedgerWriters({ ...parts, gate: this.#gate }, secrets);
    this.operators = new LedgerOperators(parts, times);
    this.readers = new LedgerDeclaredReaders(parts);
    this.audit = new LedgerAuditTrail(parts);
    const defaults = { ...UNLIMITED, ...options.defaults };
    const policy = new CurrentPolicy(parts, defaults);
    this.#tableSizes = new TableSizes(
      {
        store,
        ...deps,
        catalog: () => this.#ledger.newestCatalog(),
        limits: () => policy.newest(),
      },
      options.tableSizes,
    );
    if (defaults.table !== null) this.#tableSizes.start();
    this.limits = new LedgerLimits(
      { ...parts, sizes: this.#tableSizes, onChange: () => this.#admissions.forgetSpent() },
      defaults,
    );
    this.#admissions = new Admissions(
      { policy, tables: this.#tableSizes, clock: deps.clock },
      {
        requireGrants: this.#requireGrants,
        ...(options.onRefused === undefined ? {} : { onRefused: options.onRefused }),
      },
    );
    const groupDeps: GroupCommitDeps = {
      begin: (writers) => this.#ledger.begin(writers),
      catalogUnder: (locked) => this.#ledger.catalogUnder(locked),
      replan: (request, catalog) => this.#planAndProve(request, catalog),
      admissions: this.#admissions,
      clock: deps.clock,
      ...(options.onGroup === undefined ? {} : { onGroup: options.onGroup }),
    };
    this.#queue = new WriteQueue((take) => this.#ledger.inTurn(() => commitGroup(take(), groupDeps)), {
      ...DEFAULT_QUEUE_LIMITS,
      ...options.limits,
    });
  }

  get kind(): "mysql" | "sqlite" {
    return this.#store.kind;
  }

  // Writes

  /** Who may not write learns nothing of the schema, and takes no place in the queue. */
  async write(request: WriteRequest): Promise<WriteResult> {
    this.#assertOpen();
    const writer = await this.#gate.authenticate(request.writer, request.secret);
    assertGranted(writer, request.family, { requireGrants: this.#requireGrants });
    // A flood is not worth planning.
    this.#queue.assertRoom(request.writer);
    this.#admissions.assertNotSpent(request.writer, { rows: BigInt(request.mutations.length), bytes: 0n });
    const plan = await this.#planFresh(request);
    this.#assertOpen();
    this.#admissions.assertNotSpent(request.writer, useOf(plan));
    const result = await this.#queue.add(request, plan);
    this.#tableSizes.wrote(plan.bytes);
    return result;
  }

  /** Plans with the cached catalog; what does not fit is tried once more with the newest before it is refused. */
  async #planFresh(request: WriteRequest): Promise<WritePlan> {
    const known = await this.#ledger.knownCatalog();
    try {
      return this.#planAndProve(request, known);
    } catch (error) {
      if (!(error instanceof CtlstoreError)) throw error;
    }
    return this.#planAndProve(request, await this.#ledger.newestCatalog());
  }

  #planAndProve(request: WriteRequest, catalog: Catalog): WritePlan {
    const statementBytes = Math.min(this.#limits.statementBytes, this.#store.maxStatementBytes);
    const plan = planWrite(request, catalog, { statementBytes });
    this.#proof.check(plan.operations, catalog);
    return plan;
  }

  // Schema

  async preview(change: ProposedChange): Promise<ChangePreview> {
    const catalog = await this.catalog();
    this.#assertOpen();
    const { limits, readers } = this;
    return previewChange(change, catalog, { store: this.#store, proof: this.#proof, limits, readers });
  }

  createFamily(family: FamilyName, options?: ChangeOptions): Promise<void> {
    return this.#withLock(async (locked, catalog) => {
      const newFamilies = decided(decideFamily(family, catalog));
      const head = { ...locked.head, schemaVersion: locked.head.schemaVersion + 1n };
      const record = { actor: actorOf(options), action: "family.create", target: family } as const;
      const audit = await audited(locked, [record], { atUs: this.#deps.clock.nowUs() });
      await locked.commit([], { entries: [], head, cookies: [], newFamilies, ...audit });
      this.#ledger.forgetCatalog();
    });
  }

  createTables(tables: readonly TableSchema[], options?: ChangeOptions): Promise<WriteResult> {
    const bounds = this.limits.defaults;
    return this.#changeSchema(options, (catalog) => decided(decideCreate(tables, catalog, bounds)));
  }

  addFields(
    family: FamilyName,
    table: TableName,
    fields: readonly FieldSchema[],
    options?: ChangeOptions,
  ): Promise<WriteResult> {
    const [change, bounds] = [{ family, table, fields }, this.limits.defaults];
    return this.#changeSchema(options, (catalog) => decided(decideAddFields(change, catalog, bounds)));
  }

  dropTable(family: FamilyName, table: TableName, options?: ChangeOptions): Promise<WriteResult> {
    return this.#changeSchema(options, (catalog) => decided(decideDrop(family, table, catalog)));
  }

  clearRows(family: FamilyName, table: TableName | null, options?: ChangeOptions): Promise<ClearResult> {
    return this.#withLock(async (locked, catalog) => {
      const tables = decided(decideClear(family, table, catalog));
      const operations = tables.map((schema): RowOperation => {
        const statement = clearTableStatement(schema.family, schema.table);
        return { kind: "clear", schema, values: [], statement };
      });
      const nowUs = this.#deps.clock.nowUs();
      const appender = new EntryAppender(locked.head, nowUs);
      appender.appendWrite(operations, null);
      const head = appender.head(locked.head.schemaVersion);
      const record: AuditRecord = {
        actor: actorOf(options),
        action: "rows.clear",
        target: table === null ? family : `${family}/${table}`,
        ...(table === null ? { detail: { tables: tables.map((schema) => schema.table) } } : {}),
        ...(operations.length > 0 ? { sequence: appender.sequence } : {}),
      };
      const audit = await audited(locked, [record], { atUs: nowUs });
      const outcome = await locked.commit([operations], {
        entries: appender.entries,
        head,
        cookies: [],
        newFamilies: [],
        ...audit,
      });
      if (outcome.status === "refused") throw outcome.error;
      return { sequence: appender.sequence, tables: tables.length };
    });
  }

  #changeSchema(
    options: ChangeOptions | undefined,
    decide: (catalog: Catalog) => readonly SchemaChange[],
  ): Promise<WriteResult> {
    return this.#withLock(async (locked, catalog) => {
      const actor = actorOf(options);
      const changes = decide(catalog).map((change) => ({ ...change, actor }));
      if (changes.length === 0) {
        await locked.rollback();
        return { sequence: locked.head.sequence };
      }
      this.#proof.checkSchema(changes, catalog);
      return { sequence: await this.#ledger.carryOut(changes, locked) };
    });
  }

  async catalog(): Promise<Catalog> {
    this.#assertOpen();
    return this.#ledger.newestCatalog();
  }

  /** A table that is being changed is looked at again with the newest catalog. */
  async readRows(request: RowsRequest): Promise<RowsPage> {
    const { family, table } = request;
    for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt++) {
      const selection = selectionOf(request, (await this.catalog()).table(family, table));
      const page = await this.#store.readPage(selection);
      if (page !== null) return toPage(selection, page);
    }
    throw new CtlstoreError(
      "ctldb_unavailable",
      `Cannot read table ${family}/${table}: it is being changed, or not as its schema says`,
      { retryAfterSeconds: 1 },
    );
  }

  // Writers

  async readCookie(writer: WriterName, secret: string): Promise<Uint8Array> {
    this.#assertOpen();
    return this.#gate.readCookie(writer, secret);
  }

  async status(): Promise<CtlDbStatus> {
    this.#assertOpen();
    const head = await this.#store.readHead();
    return {
      kind: this.#store.kind,
      server: this.#store.server,
      epoch: this.#store.epoch,
      headSequence: head.sequence,
      schemaVersion: head.schemaVersion,
    };
  }

  async #withLock<T>(task: (locked: LockedLedger, catalog: Catalog) => Promise<T>): Promise<T> {
    this.#assertOpen();
    return this.#ledger.withLock(task);
  }

  /** A store that is used after its end would connect again, and nobody would close that connection. */
  #assertOpen(): void {
    if (!this.#closed) return;
    throw new CtlstoreError("ctldb_unavailable", "Cannot use the ctldb: the Executive is stopping");
  }

  /** Lets the writes that are queued finish, then closes the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#tableSizes.stop();
    await this.#queue.drained();
    await this.#ledger.inTurn(() => {});
    await Promise.all([this.#gate.settled(), this.operators.settled()]);
    this.#proof[Symbol.dispose]();
    await this.#store[Symbol.asyncDispose]();
  }
}

function actorOf(options: ChangeOptions | undefined): string {
  return options?.actor ?? UNNAMED_ACTOR;
}
