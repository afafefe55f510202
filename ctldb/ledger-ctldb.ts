/** The CtlDb on top of any LedgerStore: what each call of the contract means for ledger and catalog. */
import { CtlstoreError } from "../core/errors.ts";
import { ACCESS_LIMITS } from "../core/limits.ts";
import type { FamilyName, TableName, WriterName } from "../core/names.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Catalog, FieldSchema, TableSchema } from "../core/schema.ts";
import type { AccessTimes } from "./access/access-cache.ts";
import { LedgerAuditTrail } from "./access/audit-trail.ts";
import type { AuditTrail, ChangeOptions, DeclaredReaders, Writers } from "./access/contract.ts";
import { LedgerOperators } from "./access/operators.ts";
import { LedgerDeclaredReaders } from "./access/readers.ts";
import { WriterGate } from "./access/writer-gate.ts";
import { LedgerWriters } from "./access/writers.ts";
import type { ClearResult, CtlDb, CtlDbStatus, WriteRequest, WriteResult } from "./contract.ts";
import type { GroupTimes } from "./group-times.ts";
import type { LedgerInspection } from "./inspection/contract.ts";
import { StoredLedgerInspection } from "./inspection/ledger-inspection.ts";
import { LedgerAccess } from "./ledger-access.ts";
import { LedgerTables } from "./ledger-tables.ts";
import { LedgerWrites } from "./ledger-writes.ts";
import type { Limits } from "./limits/contract.ts";
import { type LimitOptions, openLimits } from "./limits/open-limits.ts";
import type { TableSizes } from "./limits/sizes.ts";
import type { PlanLimits } from "./plan-write.ts";
import type { ChangePreview, ProposedChange } from "./preview/contract.ts";
import { previewChange } from "./preview/preview.ts";
import { Proof } from "./proof.ts";
import {
  type FoundRow,
  type PageSelection,
  type RowRequest,
  type RowsPage,
  type RowsRequest,
  rowSelectionOf,
  type StoredPage,
  selectionOf,
  toPage,
} from "./row-pages.ts";
import type { LedgerStore } from "./store.ts";
import type { QueueLimits } from "./write-queue.ts";

export interface CtlDbOptions extends LimitOptions {
  /** Where other limits than the usual ones are wanted. */
  readonly limits?: Partial<PlanLimits & QueueLimits>;
  /** Told the number of writes of each group that was committed, and how long it took. */
  readonly onGroup?: (writes: number, times: GroupTimes) => void;
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
  readonly #proof = new Proof();
  readonly #ledger: LedgerAccess;
  readonly #gate: WriterGate;
  readonly #writes: LedgerWrites;
  readonly #tables: LedgerTables;
  readonly #tableSizes: TableSizes;
  readonly #inspection: StoredLedgerInspection;
  #closed = false;

  readonly writers: Writers;
  readonly operators: LedgerOperators;
  readonly readers: DeclaredReaders;
  readonly audit: AuditTrail;
  readonly limits: Limits;

  constructor(store: LedgerStore, deps: CtlDbDeps, options: CtlDbOptions = {}) {
    this.#store = store;
    this.#ledger = new LedgerAccess(store, deps);
    const assertOpen = () => this.#assertOpen();
    const parts = { store, ledger: this.#ledger, clock: deps.clock, assertOpen };
    const times = { ...ACCESS_LIMITS, ...options.access };
    const secrets = { keepOriginalSecrets: options.originalSecrets ?? false };
    this.#gate = new WriterGate(parts, { ...times, ...secrets, names: ACCESS_LIMITS.cachedWriters });
    this.writers = new LedgerWriters({ ...parts, gate: this.#gate }, secrets);
    this.operators = new LedgerOperators(parts, times);
    this.readers = new LedgerDeclaredReaders(parts);
    this.audit = new LedgerAuditTrail(parts);
    const limiting = openLimits({ ...parts, logger: deps.logger }, options);
    const { admissions } = limiting;
    this.limits = limiting.limits;
    this.#tableSizes = limiting.tableSizes;
    this.#inspection = new StoredLedgerInspection({ ...parts, catalog: () => this.catalog() });
    this.#tables = new LedgerTables({ ...parts, proof: this.#proof, bounds: this.limits.defaults });
    this.#writes = new LedgerWrites(
      { ...parts, gate: this.#gate, admissions, tableSizes: this.#tableSizes, proof: this.#proof },
      options,
    );
  }

  get kind(): "mysql" | "sqlite" {
    return this.#store.kind;
  }

  get inspection(): LedgerInspection {
    return this.#inspection;
  }

  get waitingWrites(): number {
    return this.#writes.waiting;
  }

  // Writes

  write(request: WriteRequest): Promise<WriteResult> {
    return this.#told(this.#writes.write(request));
  }

  /** Whoever waits for the ledger to grow is told of what this process has written. */
  async #told<Result extends WriteResult>(writing: Promise<Result>): Promise<Result> {
    const result = await writing;
    this.#inspection.wrote(result.sequence);
    return result;
  }

  // Schema

  async preview(change: ProposedChange): Promise<ChangePreview> {
    const catalog = await this.catalog();
    this.#assertOpen();
    const { limits, readers } = this;
    return previewChange(change, catalog, { store: this.#store, proof: this.#proof, limits, readers });
  }

  createFamily(family: FamilyName, options?: ChangeOptions): Promise<void> {
    return this.#tables.createFamily(family, options);
  }

  createTables(tables: readonly TableSchema[], options?: ChangeOptions): Promise<WriteResult> {
    return this.#told(this.#tables.createTables(tables, options));
  }

  addFields(
    family: FamilyName,
    table: TableName,
    fields: readonly FieldSchema[],
    options?: ChangeOptions,
  ): Promise<WriteResult> {
    return this.#told(this.#tables.addFields(family, table, fields, options));
  }

  dropTable(family: FamilyName, table: TableName, options?: ChangeOptions): Promise<WriteResult> {
    return this.#told(this.#tables.dropTable(family, table, options));
  }

  clearRows(family: FamilyName, table: TableName | null, options?: ChangeOptions): Promise<ClearResult> {
    return this.#told(this.#tables.clearRows(family, table, options));
  }

  async catalog(): Promise<Catalog> {
    this.#assertOpen();
    return this.#ledger.newestCatalog();
  }

  async readRows(request: RowsRequest): Promise<RowsPage> {
    const { selection, page } = await this.#readPage(request, (schema) => selectionOf(request, schema));
    return toPage(selection, page);
  }

  async readRow(request: RowRequest): Promise<FoundRow> {
    const { selection, page } = await this.#readPage(request, (schema) => rowSelectionOf(request, schema));
    const [values] = page.rows;
    if (values !== undefined) return { schema: selection.schema, values, sequence: page.sequence };
    const { family, table } = request;
    throw new CtlstoreError(
      "unknown_row",
      `Cannot find the row in ${family}/${table}: there is none with this key`,
    );
  }

  /** A table that is being changed is looked at again with the newest catalog. */
  async #readPage(
    { family, table }: Pick<RowsRequest, "family" | "table">,
    select: (schema: TableSchema) => PageSelection,
  ): Promise<{ readonly selection: PageSelection; readonly page: StoredPage }> {
    for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt++) {
      const selection = select((await this.catalog()).table(family, table));
      const page = await this.#store.readPage(selection);
      if (page !== null) return { selection, page };
    }
    throw new CtlstoreError(
      "ctldb_unavailable",
      `Cannot read table ${family}/${table}: it is being changed, or not as its schema says`,
      { retryAfterSeconds: 1 },
    );
  }

  // Writers

  async authenticate(writer: WriterName, secret: string): Promise<void> {
    this.#assertOpen();
    await this.#gate.authenticate(writer, secret);
  }

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

  /** A store that is used after its end would connect again, and nobody would close that connection. */
  #assertOpen(): void {
    if (!this.#closed) return;
    throw new CtlstoreError("ctldb_unavailable", "Cannot use the ctldb: the Executive is stopping");
  }

  /** Lets the writes that are queued finish, then closes the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#inspection[Symbol.dispose]();
    await this.#tableSizes.stop();
    await this.#writes.drained();
    await this.#ledger.settled();
    await Promise.all([this.#gate.settled(), this.operators.settled()]);
    this.#proof[Symbol.dispose]();
    await this.#store[Symbol.asyncDispose]();
  }
}
