/** An open MySQL transaction that holds the ledger lock. */
import { CtlstoreError } from "../../core/errors.ts";
import type { WriterName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Catalog } from "../../core/schema.ts";
import type { Usage } from "../limits/contract.ts";
import type {
  CommitOutcome,
  LedgerHead,
  LedgerTail,
  LockedLedger,
  LockedLedgerState,
  RowOperation,
  SchemaChange,
  SystemRow,
  WriterRecord,
} from "../store.ts";
import { classifyMysqlError, isConnectionLost } from "./errors.ts";
import { keptAlive } from "./keep-alive.ts";
import { applyStatements, type Packing, packets, packingFor, tailStatements } from "./render.ts";
import { loadCatalogInTransaction, toSystemRow } from "./rows.ts";
import {
  assertNotThere,
  FORGET_INTENTS,
  publishStatements,
  recordIntents,
  releaseDdlLock,
  runDdl,
  takeDdlLock,
} from "./schema-changes.ts";
import { type MysqlSession, StatementFailure } from "./session.ts";

export interface LockedLedgerDeps {
  readonly session: MysqlSession;
  readonly clock: Clock;
  /** A second connection, for DDL. */
  readonly ddlSession: () => Promise<MysqlSession>;
  /** Finds out whether a COMMIT whose answer was lost took effect. */
  readonly wasCommitted: (tail: LedgerTail) => Promise<boolean>;
}

interface Step {
  readonly sql: string;
  /** Index of the unit that it belongs to, or null. */
  readonly unit: number | null;
}

export class LockedMysqlLedger implements LockedLedger {
  readonly head: LedgerHead;
  readonly writers: ReadonlyMap<WriterName, WriterRecord>;
  readonly usage: ReadonlyMap<string, Usage>;
  readonly nowSeconds: number;
  readonly policyVersion: bigint;
  readonly unfinished: readonly SchemaChange[];
  readonly #deps: LockedLedgerDeps;
  readonly #session: MysqlSession;
  readonly #packing: Packing;
  #open = true;

  constructor(state: LockedLedgerState, deps: LockedLedgerDeps) {
    this.head = state.head;
    this.writers = state.writers;
    this.usage = state.usage;
    this.nowSeconds = state.nowSeconds;
    this.policyVersion = state.policyVersion;
    this.unfinished = state.unfinished;
    this.#deps = deps;
    this.#session = deps.session;
    this.#packing = packingFor(deps.session.server.maxPacketBytes);
  }

  loadCatalog(): Promise<Catalog> {
    return loadCatalogInTransaction(this.#session);
  }

  async query(sql: string): Promise<SystemRow[]> {
    return (await this.#session.select(sql, "read the ctldb's tables")).map(toSystemRow);
  }

  async commit(units: ReadonlyArray<readonly RowOperation[]>, tail: LedgerTail): Promise<CommitOutcome> {
    const steps: Step[] = units.flatMap((operations, unit) =>
      // A savepoint of the same name replaces the one before.
      ["SAVEPOINT unit", ...applyStatements(operations, this.#packing)].map((sql) => ({ sql, unit })),
    );
    for (const sql of [...tailStatements(tail, this.#packing), "COMMIT"]) steps.push({ sql, unit: null });
    // Clearing takes as long as there are rows: seconds for a table at its hard size limit.
    const isLong = units.some((operations) => operations.some(({ kind }) => kind === "clear"));
    const { ddlMs, queryMs } = this.#session.timeouts;
    return this.#runSteps(steps, tail, isLong ? ddlMs : queryMs);
  }

  async #runSteps(
    steps: readonly Step[],
    tail: LedgerTail,
    timeoutMs: number = this.#session.timeouts.queryMs,
  ): Promise<CommitOutcome> {
    const texts = steps.map((step) => step.sql);
    let done = 0;
    for (const packet of packets(texts, this.#packing)) {
      try {
        await this.#session.run(packet.join(";"), timeoutMs);
      } catch (error) {
        const failure = error instanceof StatementFailure ? error : new StatementFailure(error, 0);
        const withCommit = done + packet.length === steps.length;
        return this.#afterFailure(failure, steps[done + failure.completed], withCommit, tail);
      }
      done += packet.length;
    }
    this.#open = false;
    return { status: "committed" };
  }

  async #afterFailure(
    failure: StatementFailure,
    step: Step | undefined,
    withCommit: boolean,
    tail: LedgerTail,
  ): Promise<CommitOutcome> {
    if (isConnectionLost(failure.cause)) {
      this.#open = false;
      this.#session.destroy();
      if (withCommit && (await this.#deps.wasCommitted(tail))) return { status: "committed" };
      throw classifyMysqlError(failure.cause, "commit to the ledger");
    }
    const error = classifyMysqlError(failure.cause, "apply a mutation");
    // A passing condition (a lock wait, a deadlock) is nobody's fault: the whole group is told to come again.
    if (step === undefined || step.unit === null || error.code === "ctldb_unavailable") throw error;
    await this.#session.execute("ROLLBACK TO SAVEPOINT unit", "undo a write");
    return { status: "refused", unit: step.unit, error };
  }

  async changeSchema(changes: readonly SchemaChange[], tail: LedgerTail): Promise<void> {
    const ddl = await this.#deps.ddlSession();
    try {
      await takeDdlLock(ddl);
      await keptAlive(this.#session, this.#deps.clock, () => this.#intendAndRun(ddl, changes));
      const statements = [...publishStatements(changes), ...tailStatements(tail, this.#packing), "COMMIT"];
      await this.#afterIntent(
        this.#runSteps(
          statements.map((sql) => ({ sql, unit: null })),
          tail,
        ),
      );
    } finally {
      await releaseDdlLock(ddl);
    }
  }

  async #intendAndRun(ddl: MysqlSession, changes: readonly SchemaChange[]): Promise<void> {
    const repairing = this.unfinished.length > 0;
    if (!repairing) {
      // A process that slept here has lost the ledger lock with its connection: it must not begin any more.
      await this.#session.execute("DO 0", "keep the ledger lock");
      await assertNotThere(ddl, changes);
    }
    try {
      if (!repairing) await recordIntents(ddl, changes);
      await runDdl(ddl, changes, repairing);
    } catch (error) {
      // Nothing is known after a lost connection, not even whether there is an intent: if there is, it stays.
      if (ddl.broken) throw this.#mayYetHappen(error);
      // Refused and undone: nobody shall try to finish it.
      await this.#afterIntent(ddl.execute(FORGET_INTENTS, "forget a schema change"));
      throw error;
    }
  }

  async #afterIntent<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      throw this.#mayYetHappen(error);
    }
  }

  /** What is recorded will be finished by whoever writes next: the caller must not be told that nothing was changed. */
  #mayYetHappen(error: unknown): unknown {
    if (this.unfinished.length > 0 || !(error instanceof CtlstoreError)) return error;
    return new CtlstoreError(
      "commit_outcome_unknown",
      `Cannot finish the schema change: ${error.message}; where it was recorded, the next write will finish it`,
      { cause: error, hint: "read the schema when the service is back" },
    );
  }

  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#session.rollback();
  }
}
