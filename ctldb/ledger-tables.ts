/** Changes of families and tables: decided under the ledger lock, in the ledger and the audit trail in one transaction. */
import { clearTableStatement } from "../core/ledger/statements.ts";
import type { FamilyName, TableName } from "../core/names.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Catalog, FieldSchema, TableSchema } from "../core/schema.ts";
import { audited, UNNAMED_ACTOR } from "./access/audit-entry.ts";
import type { AuditRecord, ChangeOptions } from "./access/contract.ts";
import type { ClearResult, WriteResult } from "./contract.ts";
import type { LedgerAccess } from "./ledger-access.ts";
import { EntryAppender } from "./ledger-tail.ts";
import type { Proof } from "./proof.ts";
import {
  decideAddFields,
  decideClear,
  decideCreate,
  decideDrop,
  decided,
  decideFamily,
  type SchemaBounds,
} from "./schema-decisions.ts";
import type { LockedLedger, RowOperation, SchemaChange } from "./store.ts";

export interface LedgerTablesDeps {
  readonly ledger: LedgerAccess;
  readonly clock: Clock;
  readonly proof: Proof;
  readonly bounds: SchemaBounds;
  /** @throws CtlstoreError `ctldb_unavailable` once the ctldb is being closed */
  readonly assertOpen: () => void;
}

/** See `CtlDb`, whose methods these are. */
export class LedgerTables {
  readonly #deps: LedgerTablesDeps;

  constructor(deps: LedgerTablesDeps) {
    this.#deps = deps;
  }

  createFamily(family: FamilyName, options?: ChangeOptions): Promise<void> {
    return this.#withLock(options, async (locked, catalog) => {
      const newFamilies = decided(decideFamily(family, catalog));
      const head = { ...locked.head, schemaVersion: locked.head.schemaVersion + 1n };
      const record = { actor: actorOf(options), action: "family.create", target: family } as const;
      const audit = await audited(locked, [record], { atUs: this.#deps.clock.nowUs() });
      await locked.commit([], { entries: [], head, cookies: [], newFamilies, ...audit });
      this.#deps.ledger.forgetCatalog();
    });
  }

  createTables(tables: readonly TableSchema[], options?: ChangeOptions): Promise<WriteResult> {
    const bounds = this.#deps.bounds;
    return this.#changeSchema(options, (catalog) => decided(decideCreate(tables, catalog, bounds)));
  }

  addFields(
    family: FamilyName,
    table: TableName,
    fields: readonly FieldSchema[],
    options?: ChangeOptions,
  ): Promise<WriteResult> {
    const [change, bounds] = [{ family, table, fields }, this.#deps.bounds];
    return this.#changeSchema(options, (catalog) => decided(decideAddFields(change, catalog, bounds)));
  }

  dropTable(family: FamilyName, table: TableName, options?: ChangeOptions): Promise<WriteResult> {
    return this.#changeSchema(options, (catalog) => decided(decideDrop(family, table, catalog)));
  }

  clearRows(family: FamilyName, table: TableName | null, options?: ChangeOptions): Promise<ClearResult> {
    return this.#withLock(options, async (locked, catalog) => {
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
    return this.#withLock(options, async (locked, catalog) => {
      const actor = actorOf(options);
      const changes = decide(catalog).map((change) => ({ ...change, actor }));
      if (changes.length === 0) {
        await locked.rollback();
        return { sequence: locked.head.sequence };
      }
      this.#deps.proof.checkSchema(changes, catalog);
      return { sequence: await this.#deps.ledger.carryOut(changes, locked) };
    });
  }

  async #withLock<T>(
    options: ChangeOptions | undefined,
    task: (locked: LockedLedger, catalog: Catalog) => Promise<T>,
  ): Promise<T> {
    this.#deps.assertOpen();
    return this.#deps.ledger.withLock(task, options);
  }
}

function actorOf(options: ChangeOptions | undefined): string {
  return options?.actor ?? UNNAMED_ACTOR;
}
