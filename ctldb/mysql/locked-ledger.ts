/** An open MySQL transaction that holds the ledger lock. */
import type { WriterName } from "../../core/names.ts";
import type { Catalog } from "../../core/schema.ts";
import type {
  CommitOutcome,
  LedgerHead,
  LedgerTail,
  LockedLedger,
  RowOperation,
  SchemaChange,
  WriterRecord,
} from "../store.ts";
import { classifyMysqlError, isConnectionLost } from "./errors.ts";
import { applyStatements, packets, tailStatements } from "./render.ts";
import { loadCatalogInTransaction } from "./rows.ts";
import {
  assertNotThere,
  publishStatements,
  recordIntents,
  releaseDdlLock,
  runDdl,
  takeDdlLock,
} from "./schema-changes.ts";
import { type MysqlSession, StatementFailure } from "./session.ts";

export interface LockedLedgerState {
  readonly head: LedgerHead;
  readonly writers: ReadonlyMap<WriterName, WriterRecord>;
  readonly unfinished: readonly SchemaChange[];
}

export interface LockedLedgerDeps {
  readonly session: MysqlSession;
  /** A second connection, for DDL. */
  readonly ddlSession: () => Promise<MysqlSession>;
  /** Finds out whether a COMMIT whose answer was lost took effect. */
  readonly wasCommitted: (tail: LedgerTail) => Promise<boolean>;
}

/** A packet of several statements stays far below the server's limit, counted in characters of up to 3 bytes. */
const PACKET_CHARS = 1024 * 1024;

interface Step {
  readonly sql: string;
  /** Index of the unit that it belongs to, or null. */
  readonly unit: number | null;
}

export class LockedMysqlLedger implements LockedLedger {
  readonly head: LedgerHead;
  readonly writers: ReadonlyMap<WriterName, WriterRecord>;
  readonly unfinished: readonly SchemaChange[];
  readonly #deps: LockedLedgerDeps;
  readonly #session: MysqlSession;
  #open = true;

  constructor(state: LockedLedgerState, deps: LockedLedgerDeps) {
    this.head = state.head;
    this.writers = state.writers;
    this.unfinished = state.unfinished;
    this.#deps = deps;
    this.#session = deps.session;
  }

  loadCatalog(): Promise<Catalog> {
    return loadCatalogInTransaction(this.#session);
  }

  async commit(units: ReadonlyArray<readonly RowOperation[]>, tail: LedgerTail): Promise<CommitOutcome> {
    const steps: Step[] = units.flatMap((operations, unit) =>
      // A savepoint of the same name replaces the one before.
      ["SAVEPOINT unit", ...applyStatements(operations)].map((sql) => ({ sql, unit })),
    );
    for (const sql of [...tailStatements(tail), "COMMIT"]) steps.push({ sql, unit: null });
    return this.#runSteps(steps, tail);
  }

  async #runSteps(steps: readonly Step[], tail: LedgerTail): Promise<CommitOutcome> {
    let done = 0;
    for (const packet of packets(
      steps.map((step) => step.sql),
      PACKET_CHARS,
    )) {
      try {
        await this.#session.run(packet.join(";"));
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
    const repairing = this.unfinished.length > 0;
    const ddl = await this.#deps.ddlSession();
    try {
      await takeDdlLock(ddl);
      if (!repairing) {
        await assertNotThere(ddl, changes);
        await recordIntents(ddl, changes);
      }
      await this.#runDdlOrForget(ddl, changes, repairing);
      const statements = [...publishStatements(changes), ...tailStatements(tail), "COMMIT"];
      await this.#runSteps(
        statements.map((sql) => ({ sql, unit: null })),
        tail,
      );
    } finally {
      await releaseDdlLock(ddl);
    }
  }

  async #runDdlOrForget(
    ddl: MysqlSession,
    changes: readonly SchemaChange[],
    repairing: boolean,
  ): Promise<void> {
    try {
      await runDdl(ddl, changes, repairing);
    } catch (error) {
      // Refused and undone: nobody shall try to finish it. After a lost connection nothing is known, so the intent stays.
      if (!ddl.broken) await ddl.execute("DELETE FROM ctlstore_schema_intents", "forget a schema change");
      throw error;
    }
  }

  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    if (this.#session.broken) return;
    await this.#session.run("ROLLBACK").catch(() => this.#session.destroy());
  }
}
