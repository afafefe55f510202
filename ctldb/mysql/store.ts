/**
 * The ctldb on MySQL, MariaDB or Aurora.
 *
 * The ledger lock is the row `ledger` of `locks`: incrementing its clock takes it, as in the original. Sequence and
 * link of the chain stand in the same row, so that commit order is sequence order (I1). A group costs two round trips:
 * lock with everything to be known, then all statements with COMMIT.
 */

import { CtlstoreError } from "../../core/errors.ts";
import { CTLDB_TIMEOUTS } from "../../core/limits.ts";
import type { WriterName } from "../../core/names.ts";
import { createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Catalog } from "../../core/schema.ts";
import { bytesLiteral, textLiteral } from "../../core/sql/literals.ts";
import { decodeChange } from "../catalog-row.ts";
import type { LedgerHead, LedgerStore, LedgerTail, LockedLedger, WriterRecord } from "../store.ts";
import { classifyMysqlError, isConnectionLost } from "./errors.ts";
import { LockedMysqlLedger } from "./locked-ledger.ts";
import { loadCatalog, SELECT_HEAD, selectWriters, toHead, toWriter } from "./rows.ts";
import { type MysqlResult, MysqlSession, StatementFailure } from "./session.ts";
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
    (SELECT COUNT(*) FROM ctlstore_schema_intents) FROM locks WHERE id = 'ledger'`,
].join(";");

/** Connects and brings the ctldb to today's form. @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible` */
export async function openMysqlStore(url: URL, deps: MysqlStoreDeps): Promise<LedgerStore> {
  const session = await MysqlSession.connect(url);
  try {
    const epoch = await initialise(session, { url, ...deps });
    return new MysqlStore(url, session, epoch, deps);
  } catch (error) {
    session.destroy();
    throw error;
  }
}

class MysqlStore implements LedgerStore {
  readonly kind = "mysql";
  readonly server: string;
  readonly epoch: string;
  readonly #url: URL;
  readonly #deps: MysqlStoreDeps;
  /** Ledger transactions; one at a time. */
  #writing: MysqlSession;
  #reading: Promise<MysqlSession> | null = null;
  #changing: MysqlSession | null = null;

  constructor(url: URL, session: MysqlSession, epoch: string, deps: MysqlStoreDeps) {
    this.#url = url;
    this.#writing = session;
    this.epoch = epoch;
    this.server = session.server.product;
    this.#deps = deps;
  }

  async begin(writers: readonly WriterName[]): Promise<LockedLedger> {
    for (;;) {
      const [, , heads, found] = await this.#takeLock(writers);
      const [sequence, hash, schemaVersion, last, intents] = heads?.rows[0] ?? [];
      const head = toHead([sequence ?? null, hash ?? null, schemaVersion ?? null]);
      if (BigInt(String(last)) !== head.sequence) {
        await takeOver(this.#writing, head, { url: this.#url, ...this.#deps });
        continue;
      }
      const records = (found?.rows ?? []).map(toWriter);
      const state = {
        head,
        writers: new Map(records.map((record) => [record.name, record])),
        unfinished: Number(intents) === 0 ? [] : await this.#readIntents(),
      };
      return new LockedMysqlLedger(state, {
        session: this.#writing,
        ddlSession: () => this.#ddlSession(),
        wasCommitted: (tail) => this.#wasCommitted(tail),
      });
    }
  }

  /** A connection that died while idle is found dead here, where trying again is safe. */
  async #takeLock(writers: readonly WriterName[]): Promise<MysqlResult[]> {
    const sql = writers.length === 0 ? TAKE_LOCK : `${TAKE_LOCK};${selectWriters(writers)}`;
    for (let attempt = 1; ; attempt++) {
      if (this.#writing.broken) this.#writing = await MysqlSession.connect(this.#url);
      try {
        return await this.#writing.run(sql);
      } catch (error) {
        const cause = error instanceof StatementFailure ? error.cause : error;
        const lost = isConnectionLost(cause);
        if (lost) this.#writing.destroy();
        else await this.#writing.run("ROLLBACK").catch(() => this.#writing.destroy());
        if (!lost || attempt === 2) throw classifyMysqlError(cause, "take the ledger lock");
      }
    }
  }

  async #readIntents() {
    const rows = await this.#writing.select(
      "SELECT schema_change FROM ctlstore_schema_intents ORDER BY id",
      "read unfinished schema changes",
    );
    return rows.map(([change]) => decodeChange(String(change)));
  }

  async #ddlSession(): Promise<MysqlSession> {
    if (this.#changing === null || this.#changing.broken)
      this.#changing = await MysqlSession.connect(this.#url);
    return this.#changing;
  }

  /**
   * Waits behind the lost transaction for the ledger lock, then looks for what it would have left.
   * @throws CtlstoreError `commit_outcome_unknown` when the ctldb stays away
   */
  async #wasCommitted(tail: LedgerTail): Promise<boolean> {
    const backoff = createBackoff({ baseMs: 50, maxMs: 1_000 });
    const deadlineMs = this.#deps.clock.monotonicMs() + CTLDB_TIMEOUTS.resolveCommitMs;
    for (;;) {
      try {
        await using session = await MysqlSession.connect(this.#url);
        const results = await session.run(
          `BEGIN;UPDATE locks SET clock = clock + 1 WHERE id = 'ledger';${traceOf(tail)};ROLLBACK`,
        );
        const committed = Number(results[2]?.rows[0]?.[0]) > 0;
        this.#deps.logger.warn(
          { committed },
          "the answer to a commit was lost; asked the ctldb what became of it",
        );
        return committed;
      } catch (error) {
        if (this.#deps.clock.monotonicMs() > deadlineMs) {
          throw new CtlstoreError(
            "commit_outcome_unknown",
            "Cannot tell whether the write was committed: the ctldb went away",
            {
              cause: error,
              hint: "read the cookie when the service is back: it moved if the write was committed",
              retryAfterSeconds: 5,
            },
          );
        }
        await this.#deps.clock.sleep(backoff.nextMs());
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

  readWriter(writer: WriterName): Promise<WriterRecord | null> {
    return this.#read(async (session) => {
      const row = (await session.select(selectWriters([writer]), "read a writer"))[0];
      return row === undefined ? null : toWriter(row);
    });
  }

  insertWriter({ name, secretHash, cookie }: WriterRecord): Promise<boolean> {
    const sql = `INSERT IGNORE INTO mutators (writer, secret, cookie, clock)
      VALUES (${textLiteral(name)}, '${secretHash}', ${bytesLiteral(cookie)}, 0)`;
    return this.#read(
      async (session) => (await session.execute(sql, "register a writer"))[0]?.affectedRows === 1,
    );
  }

  /** Runs a task without the ledger lock; once more when the connection turns out to have died. */
  async #read<T>(task: (session: MysqlSession) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const session = await this.#readSession();
      try {
        return await task(session);
      } catch (error) {
        const lost = error instanceof CtlstoreError && error.code === "ctldb_unavailable";
        if (lost) session.destroy();
        if (!lost || attempt === 2) throw error;
      }
    }
  }

  async #readSession(): Promise<MysqlSession> {
    const current = await this.#reading?.catch(() => null);
    if (current && !current.broken) return current;
    this.#reading = MysqlSession.connect(this.#url);
    return this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing[Symbol.asyncDispose]();
    await this.#changing?.[Symbol.asyncDispose]();
    const reading = await this.#reading?.catch(() => null);
    await reading?.[Symbol.asyncDispose]();
  }
}

/** A SELECT that counts what only this transaction would have left. */
function traceOf({ entries, cookies, newFamilies }: LedgerTail): string {
  const last = entries.at(-1);
  if (last !== undefined) {
    return `SELECT COUNT(*) FROM ctlstore_dml_ledger WHERE seq = ${last.sequence} AND hash = ${bytesLiteral(last.hash)}`;
  }
  const cookie = cookies.at(-1);
  if (cookie !== undefined) {
    return `SELECT COUNT(*) FROM mutators WHERE writer = ${textLiteral(cookie.writer)} AND cookie = ${bytesLiteral(cookie.cookie)}`;
  }
  return `SELECT COUNT(*) FROM families WHERE name IN (${["", ...newFamilies].map(textLiteral).join(",")})`;
}
