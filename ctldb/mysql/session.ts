/**
 * One connection to MySQL or MariaDB, set up the same way each time. Only this file and `driver-connection.ts` know
 * mysql2's interface.
 *
 * mysql2's placeholders are never used: its escaping assumes backslash escapes, which are off here. Every statement is
 * text made with core/sql. Every wait ends: each query has a time limit, after which the connection is destroyed, and
 * when the connection dies, whatever waits for it fails (mysql2 tells only the connection, not its queries).
 */
import { CtlstoreError, messageOf } from "../../core/errors.ts";
import type { CtlDbTimeouts } from "../../core/limits.ts";
import { createDriverConnection, type DriverConnection, placeOf } from "./driver-connection.ts";
import { classifyMysqlError, forgetStatement, isConnectionLost, LostConnectionError } from "./errors.ts";
import { SELECT_SERVER_FACTS, type ServerFacts, sessionSetup, toServerFacts } from "./server-facts.ts";

/** BIGINT comes as decimal text, DATETIME as text, binary columns as Buffer. */
export type MysqlValue = null | number | string | Buffer;
export type MysqlRow = readonly MysqlValue[];

export interface MysqlResult {
  /** Of a SELECT. */
  readonly rows: MysqlRow[];
  /** Of anything else. */
  affectedRows: number;
}

/** A failure with how many of the statements sent together had been answered before. */
export class StatementFailure extends Error {
  readonly completed: number;

  constructor(cause: unknown, completed: number) {
    super(messageOf(cause), { cause });
    this.completed = completed;
  }
}

/** Where a ctldb is and how long to wait for it. */
export interface MysqlTarget {
  readonly url: URL;
  readonly timeouts: CtlDbTimeouts;
}

interface QueryOptions {
  readonly timeoutMs: number;
  /** Called with each row and the index of its statement; false gives up the rest and destroys the connection. */
  readonly onRow: (row: MysqlRow, statement: number) => boolean;
}

export class MysqlSession implements AsyncDisposable {
  readonly database: string;
  readonly timeouts: CtlDbTimeouts;
  readonly #driver: DriverConnection;
  /** Those who wait for an answer, to be told when the connection dies. */
  readonly #waiting = new Set<(cause: unknown) => void>();
  #server: ServerFacts | null = null;
  #broken = false;

  private constructor({ url, timeouts }: MysqlTarget) {
    this.timeouts = timeouts;
    this.#driver = createDriverConnection(url, timeouts);
    this.database = this.#driver.database;
    const { connection } = this.#driver;
    connection.on("error", (error) => this.#fail(error));
    connection.on("end", () => this.#fail(new LostConnectionError("the server closed the connection")));
  }

  /** @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible`, or the signal's reason */
  static async connect(target: MysqlTarget, signal?: AbortSignal): Promise<MysqlSession> {
    signal?.throwIfAborted();
    const { url, timeouts } = target;
    const session = new MysqlSession(target);
    try {
      await session.abortable(signal, async () => {
        await session.#opened();
        session.#assertAsWanted();
        const [facts] = await session.run(SELECT_SERVER_FACTS, timeouts.connectMs);
        const [version, maxPacketBytes] = facts?.rows[0] ?? [];
        session.#server = toServerFacts(String(version), Number(maxPacketBytes));
        await session.run(sessionSetup(session.server, timeouts), timeouts.connectMs);
      });
      return session;
    } catch (error) {
      session.destroy();
      signal?.throwIfAborted();
      throw classifyMysqlError(causeOf(error), `connect to the ctldb at ${placeOf(url)}`);
    }
  }

  get server(): ServerFacts {
    if (this.#server === null) throw new Error("the session is not set up yet");
    return this.#server;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /**
   * Runs one or more statements in one round trip; those after a failing one do not run.
   * @throws StatementFailure
   */
  async run(sql: string, timeoutMs: number = this.timeouts.queryMs): Promise<MysqlResult[]> {
    const results: MysqlResult[] = [];
    const onRow = (row: MysqlRow, statement: number) => {
      results[statement]?.rows.push(row);
      return true;
    };
    await this.#query(sql, { timeoutMs, onRow }, results);
    return results;
  }

  /** Rows of one SELECT. @throws CtlstoreError */
  async select(sql: string, action: string): Promise<MysqlRow[]> {
    return (await this.execute(sql, action))[0]?.rows ?? [];
  }

  /** Runs statements whose failure is an error and nothing else. @throws CtlstoreError */
  async execute(sql: string, action: string, timeoutMs?: number): Promise<MysqlResult[]> {
    try {
      return await this.run(sql, timeoutMs);
    } catch (error) {
      throw classifyMysqlError(causeOf(error), action);
    }
  }

  /**
   * Rows of one SELECT as they arrive. When `onRow` returns false the rest is given up and the connection destroyed.
   * @throws CtlstoreError
   */
  async stream(
    sql: string,
    onRow: (row: MysqlRow) => boolean,
    action: string,
    timeoutMs: number = this.timeouts.queryMs,
  ): Promise<void> {
    try {
      await this.#query(sql, { timeoutMs, onRow }, []);
    } catch (error) {
      throw classifyMysqlError(causeOf(error), action);
    }
  }

  /** Runs a task on this session; an abort destroys the session, which ends the task. */
  async abortable<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const onAbort = () => this.destroy();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await task();
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Ends the open transaction without a trace: where that cannot be said any more, with the connection. */
  async rollback(): Promise<void> {
    if (!this.#broken) await this.run("ROLLBACK").catch(() => this.destroy());
  }

  /** Drops the connection at once; the server rolls back what was open. */
  destroy(): void {
    this.#fail(new LostConnectionError("the connection was given up"));
  }

  /** Says good-bye to the server; waits a second for its answer at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#broken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#driver.connection.end(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    this.destroy();
  }

  #fail(cause: unknown): void {
    this.#broken = true;
    for (const reject of [...this.#waiting]) reject(cause);
    this.#waiting.clear();
    this.#driver.destroy();
  }

  /** A promise that also fails when the connection dies. */
  #awaiting(start: (resolve: () => void, reject: (cause: unknown) => void) => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const onLost = (cause: unknown) => settle(() => reject(cause));
      const settle = (end: () => void) => {
        this.#waiting.delete(onLost);
        end();
      };
      this.#waiting.add(onLost);
      start(() => settle(resolve), onLost);
    });
  }

  #opened(): Promise<void> {
    return this.#awaiting((resolve, reject) => {
      this.#driver.connection.connect((error) => (error ? reject(error) : resolve()));
    });
  }

  #assertAsWanted(): void {
    if (this.#driver.isAsWanted()) return;
    throw new CtlstoreError("internal", "Cannot use the ctldb: the driver has not checked the server by TLS");
  }

  /** @param results gets one element per statement that is answered */
  async #query(sql: string, { timeoutMs, onRow }: QueryOptions, results: MysqlResult[]): Promise<void> {
    if (this.#broken) throw new StatementFailure(new LostConnectionError("the connection is closed"), 0);
    let answered = 0;
    let enough = false;
    try {
      await this.#awaiting((resolve, reject) => {
        const command = this.#driver.connection.query({ sql, rowsAsArray: true, timeout: timeoutMs });
        // One "fields" event opens each statement's answer, whether rows follow or not.
        command.on("fields", () => {
          answered += 1;
          results.push({ rows: [], affectedRows: 0 });
        });
        command.on("result", (result) => {
          if (!Array.isArray(result)) {
            const current = results[answered - 1];
            if (current !== undefined)
              current.affectedRows = (result as { affectedRows: number }).affectedRows;
          } else if (!enough && !onRow(result as unknown as MysqlRow, answered - 1)) {
            enough = true;
            resolve();
          }
        });
        command.on("error", reject);
        command.on("end", resolve);
      });
    } catch (error) {
      forgetStatement(error);
      // After a timeout, too, nobody may use this connection again: the answer may still come.
      if (isConnectionLost(error)) this.destroy();
      throw new StatementFailure(error, answered);
    }
    if (enough) this.destroy();
  }
}

/** The driver's error behind a failure. */
export function causeOf(error: unknown): unknown {
  return error instanceof StatementFailure ? error.cause : error;
}
