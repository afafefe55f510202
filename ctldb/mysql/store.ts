/**
 * The ctldb on MySQL, MariaDB or Aurora.
 *
 * The ledger lock is the row `ledger` of `locks`: incrementing its clock takes it, as in the original. Sequence and
 * link of the chain stand in the same row, so that commit order is sequence order (I1). A group costs two round trips:
 * lock with everything to be known, then all statements with COMMIT.
 */
import type { CtlDbTimeouts } from "../../core/limits.ts";
import type { WriterName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { Mutex } from "../../core/process/mutex.ts";
import { untilAborted } from "../../core/process/until-aborted.ts";
import type { Catalog } from "../../core/schema.ts";
import { decodeChange } from "../catalog-row.ts";
import { FLEET } from "../limits/fleet.ts";
import type { InspectedChange, Inspection } from "../preview/inspection.ts";
import type { PageSelection, StoredPage } from "../row-pages.ts";
import type {
  FoundRows,
  LedgerHead,
  LedgerStore,
  LockedLedger,
  LockedLedgerState,
  SchemaChange,
  SystemRow,
  WriterRecord,
} from "../store.ts";
import { wasCommitted } from "./commit-trace.ts";
import { ConnectGate } from "./connect-gate.ts";
import { LEADER_TIMESTAMP } from "./entries.ts";
import { classifyMysqlError, isConnectionLost } from "./errors.ts";
import { inspectChanges } from "./inspect-changes.ts";
import { LockedMysqlLedger } from "./locked-ledger.ts";
import { longestStatementBytes } from "./render.ts";
import { readPage } from "./row-pages.ts";
import {
  loadCatalog,
  SELECT_HEAD,
  selectUsage,
  selectWriters,
  toHead,
  toSystemRow,
  toUsage,
  toWriter,
} from "./rows.ts";
import { causeOf, type MysqlResult, MysqlSession, type MysqlTarget } from "./session.ts";
import { SessionKeeper } from "./session-keeper.ts";
import { MysqlTableSizes } from "./table-sizes.ts";
import { initialise, takeOver } from "./take-over.ts";

export interface MysqlStoreDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

const TAKE_LOCK = [
  "BEGIN",
  "UPDATE locks SET clock = clock + 1 WHERE id = 'ledger'",
  // The head must be the ledger's last entry, or somebody else has written; one row of a primary key.
  `SELECT seq, hash, schema_version, COALESCE((SELECT MAX(seq) FROM ctlstore_dml_ledger), 0),
    (SELECT COUNT(*) FROM ctlstore_schema_intents), policy_version, UNIX_TIMESTAMP() FROM locks WHERE id = 'ledger'`,
].join(";");

/** Connects and brings the ctldb to today's form. @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible` */
export async function openMysqlStore(
  url: URL,
  timeouts: CtlDbTimeouts,
  deps: MysqlStoreDeps,
): Promise<LedgerStore> {
  const target = { url, timeouts };
  const session = await MysqlSession.connect(target);
  try {
    const epoch = await initialise(session, { target, ...deps });
    return new MysqlStore(target, session, epoch, deps);
  } catch (error) {
    session.destroy();
    throw error;
  }
}

class MysqlStore implements LedgerStore {
  readonly kind = "mysql";
  readonly leaderTimestamp = LEADER_TIMESTAMP;
  readonly server: string;
  readonly epoch: string;
  readonly #target: MysqlTarget;
  readonly #deps: MysqlStoreDeps;
  /** Ledger transactions; one at a time. */
  readonly #writing: SessionKeeper;
  readonly #reading: SessionKeeper;
  /** Pages of tables, searches of the ledger and previews of changes, which take longer than what writers wait for; one at a time. */
  readonly #listing: SessionKeeper;
  readonly #listingTurn = new Mutex();
  /** Counting the pages of tables, in the background. */
  readonly #measuring: SessionKeeper;
  readonly #tableSizes = new MysqlTableSizes();
  /** DDL and intents. */
  readonly #changing: SessionKeeper;
  /** Statements beside the ledger, which may wait for rows that somebody else has locked: nobody who reads shall. */
  readonly #executing: SessionKeeper;
  #maxPacketBytes: number;

  constructor(target: MysqlTarget, session: MysqlSession, epoch: string, deps: MysqlStoreDeps) {
    this.#target = target;
    const keeping = { target, gate: new ConnectGate(deps), clock: deps.clock };
    this.#writing = new SessionKeeper(keeping, session);
    this.#reading = new SessionKeeper(keeping);
    this.#listing = new SessionKeeper(keeping);
    this.#measuring = new SessionKeeper(keeping);
    this.#changing = new SessionKeeper(keeping);
    this.#executing = new SessionKeeper(keeping);
    this.epoch = epoch;
    this.server = session.server.product;
    this.#maxPacketBytes = session.server.maxPacketBytes;
    this.#deps = deps;
  }

  get maxStatementBytes(): number {
    return longestStatementBytes(this.#maxPacketBytes);
  }

  async begin(writers: readonly WriterName[]): Promise<LockedLedger> {
    const sql =
      writers.length === 0
        ? TAKE_LOCK
        : `${TAKE_LOCK};${selectWriters(writers)};${selectUsage([...writers, FLEET])}`;
    for (;;) {
      const { session, results } = await this.#takeLock(sql);
      const [sequence, hash, schemaVersion, last, intents, policy, now] = results[2]?.rows[0] ?? [];
      try {
        const head = toHead([sequence ?? null, hash ?? null, schemaVersion ?? null]);
        if (BigInt(String(last)) !== head.sequence) {
          await takeOver(session, head, { target: this.#target, ...this.#deps });
          continue;
        }
        const records = (results[3]?.rows ?? []).map(toWriter);
        const writersByName = new Map(records.map((record) => [record.name, record]));
        const unfinished = Number(intents) === 0 ? [] : await readIntents(session);
        const nowSeconds = Number(now);
        const usage = toUsage(results[4]?.rows ?? [], nowSeconds);
        const policyVersion = BigInt(String(policy));
        return this.#locked(session, {
          head,
          writers: writersByName,
          usage,
          nowSeconds,
          policyVersion,
          unfinished,
        });
      } catch (error) {
        // Nobody will get this transaction to end it.
        await session.rollback();
        throw error;
      }
    }
  }

  #locked(session: MysqlSession, state: LockedLedgerState): LockedLedger {
    const { clock } = this.#deps;
    return new LockedMysqlLedger(state, {
      session,
      clock,
      ddlSession: () => this.#ddlSession(),
      wasCommitted: (tail) => wasCommitted(tail, { target: this.#target, ...this.#deps }),
    });
  }

  /** Asked first whether it still lives: it idles for days between two changes. */
  async #ddlSession(): Promise<MysqlSession> {
    const session = await this.#changing.get();
    await session.run("DO 0").catch(() => session.destroy());
    return this.#changing.get();
  }

  /** A connection that died while idle is found dead here, where trying again is safe. */
  async #takeLock(sql: string): Promise<{ session: MysqlSession; results: MysqlResult[] }> {
    for (let attempt = 1; ; attempt++) {
      const session = await this.#writing.get();
      this.#maxPacketBytes = session.server.maxPacketBytes;
      try {
        return { session, results: await session.run(sql) };
      } catch (error) {
        const cause = causeOf(error);
        const lost = isConnectionLost(cause);
        if (!lost) await session.rollback();
        if (!lost || attempt === 2) throw classifyMysqlError(cause, "take the ledger lock");
      }
    }
  }

  readHead(): Promise<LedgerHead> {
    return this.#read(async (session) =>
      toHead((await session.select(SELECT_HEAD, "read the ledger's head"))[0]),
    );
  }

  loadCatalog(): Promise<Catalog> {
    return this.#read(loadCatalog);
  }

  readPage(selection: PageSelection): Promise<StoredPage | null> {
    return this.#listingTurn.run(() =>
      this.#readWith(this.#listing, (session) => readPage(session, selection)),
    );
  }

  readWriter(writer: WriterName): Promise<WriterRecord | null> {
    return this.#read(async (session) => {
      const row = (await session.select(selectWriters([writer]), "read a writer"))[0];
      return row === undefined ? null : toWriter(row);
    });
  }

  inspect(changes: readonly InspectedChange[]): Promise<Inspection[]> {
    return this.#listingTurn.run(() =>
      this.#readWith(this.#listing, (session) => inspectChanges(session, changes, this.#deps.clock)),
    );
  }

  query(sql: string): Promise<SystemRow[]> {
    return this.#read(async (session) =>
      (await session.select(sql, "read the ctldb's tables")).map(toSystemRow),
    );
  }

  search(sql: string): Promise<FoundRows> {
    const { clock } = this.#deps;
    const read = async (session: MysqlSession) => {
      const startedMs = clock.monotonicMs();
      const rows = (await session.select(sql, "read the ctldb's tables")).map(toSystemRow);
      return { rows, tookMs: clock.monotonicMs() - startedMs };
    };
    return this.#listingTurn.run(() => this.#readWith(this.#listing, read));
  }

  execute(sql: string): Promise<number> {
    return this.#readWith(
      this.#executing,
      async (session) => (await session.execute(sql, "change the ctldb's tables"))[0]?.affectedRows ?? 0,
    );
  }

  nowSeconds(): Promise<number> {
    return this.#read(async (session) =>
      Number((await session.select("SELECT UNIX_TIMESTAMP()", "ask for the time"))[0]?.[0]),
    );
  }

  measureTables(signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    const measure = (session: MysqlSession) =>
      session.abortable(signal, () => this.#tableSizes.measure(session));
    const measuring = this.#readWith(this.#measuring, measure, signal);
    return untilAborted(measuring, signal);
  }

  /** Runs a task without the ledger lock; once more when the connection turns out to have died. */
  #read<T>(task: (session: MysqlSession) => Promise<T>): Promise<T> {
    return this.#readWith(this.#reading, task);
  }

  async #readWith<T>(
    keeper: SessionKeeper,
    task: (session: MysqlSession) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const session = await keeper.get();
      try {
        return await task(session);
      } catch (error) {
        if (!session.broken || attempt === 2 || signal?.aborted === true) throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const readers = [this.#reading, this.#listing, this.#measuring];
    for (const keeper of [this.#writing, ...readers, this.#changing, this.#executing])
      await keeper[Symbol.asyncDispose]();
  }
}

async function readIntents(session: MysqlSession): Promise<SchemaChange[]> {
  const rows = await session.select(
    "SELECT schema_change FROM ctlstore_schema_intents ORDER BY id",
    "read unfinished schema changes",
  );
  return rows.map(([change]) => decodeChange(String(change)));
}
