/**
 * One connection to MySQL or MariaDB, set up the same way each time. The only file that knows mysql2's interface.
 *
 * mysql2's placeholders are never used: its escaping assumes backslash escapes, which are off here. Every statement is
 * text made with core/sql. Each query has a time limit, after which the connection is destroyed: MySQL itself has none.
 */
import mysql, { type Connection } from "mysql2";
import { CtlstoreError } from "../../core/errors.ts";
import { CTLDB_TIMEOUTS } from "../../core/limits.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { classifyMysqlError } from "./errors.ts";

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
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.completed = completed;
  }
}

export interface ServerFacts {
  /** Such as "MariaDB 10.11.19" or "MySQL 9.7.4". */
  readonly product: string;
  /** Compares by bytes and does not pad, so that keys are the same as in SQLite (D3). */
  readonly collation: string;
  readonly maxPacketBytes: number;
}

export class MysqlSession implements AsyncDisposable {
  readonly server: ServerFacts;
  readonly database: string;
  readonly #connection: Connection;
  #broken = false;

  private constructor(connection: Connection, database: string, server: ServerFacts) {
    this.#connection = connection;
    this.database = database;
    this.server = server;
    // An error between queries would otherwise be thrown at the process.
    connection.on("error", () => {
      this.#broken = true;
    });
  }

  /** @throws CtlstoreError `ctldb_unavailable`, `ctldb_incompatible` */
  static async connect(url: URL, signal?: AbortSignal): Promise<MysqlSession> {
    const database = decodeURIComponent(url.pathname.slice(1));
    const connection = mysql.createConnection({
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? 3306 : Number(url.port),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database,
      charset: "utf8mb4",
      connectTimeout: CTLDB_TIMEOUTS.connectMs,
      multipleStatements: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      dateStrings: true,
      enableKeepAlive: true,
      keepAliveInitialDelay: 10_000,
      ...(url.searchParams.has("tls") ? { ssl: {} } : {}),
    });
    try {
      await opened(connection, signal);
      const facts = await query(
        connection,
        "SELECT VERSION(), @@max_allowed_packet",
        CTLDB_TIMEOUTS.connectMs,
      );
      const session = new MysqlSession(connection, database, serverFacts(facts[0]?.rows[0]));
      await session.run(SESSION_SETUP(session.server.collation));
      return session;
    } catch (error) {
      connection.destroy();
      signal?.throwIfAborted();
      throw classifyMysqlError(error, `connect to the ctldb at ${url.hostname}:${url.port || 3306}`);
    }
  }

  get broken(): boolean {
    return this.#broken;
  }

  /**
   * Runs one or more statements in one round trip; those after a failing one do not run.
   * @throws StatementFailure
   */
  async run(sql: string, timeoutMs: number = CTLDB_TIMEOUTS.queryMs): Promise<MysqlResult[]> {
    try {
      return await query(this.#connection, sql, timeoutMs);
    } catch (error) {
      const driverError = error instanceof StatementFailure ? error.cause : error;
      if (isTimeout(driverError) || (driverError as { fatal?: boolean }).fatal) this.destroy();
      throw error;
    }
  }

  /** Rows of one SELECT. @throws CtlstoreError */
  async select(sql: string, action: string): Promise<MysqlRow[]> {
    try {
      return (await this.run(sql))[0]?.rows ?? [];
    } catch (error) {
      throw classifyMysqlError(error instanceof StatementFailure ? error.cause : error, action);
    }
  }

  /** Runs statements whose failure is an error and nothing else. @throws CtlstoreError */
  async execute(sql: string, action: string, timeoutMs?: number): Promise<MysqlResult[]> {
    try {
      return await this.run(sql, timeoutMs);
    } catch (error) {
      throw classifyMysqlError(error instanceof StatementFailure ? error.cause : error, action);
    }
  }

  /**
   * Rows of one SELECT as they arrive. When `onRow` returns false the rest is given up and the connection destroyed.
   * @throws CtlstoreError, or the signal's reason
   */
  async stream(
    sql: string,
    onRow: (row: MysqlRow) => boolean,
    options: { action: string; signal?: AbortSignal },
  ): Promise<void> {
    const { action, signal } = options;
    signal?.throwIfAborted();
    const onAbort = () => this.destroy();
    signal?.addEventListener("abort", onAbort, { once: true });
    let stopped = false;
    try {
      await new Promise<void>((resolve, reject) => {
        const command = this.#connection.query({ sql, rowsAsArray: true, timeout: CTLDB_TIMEOUTS.queryMs });
        command.on("result", (row) => {
          if (stopped || onRow(row as unknown as MysqlRow)) return;
          stopped = true;
          this.destroy();
          resolve();
        });
        command.on("error", reject);
        command.on("end", () => resolve());
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    } catch (error) {
      this.destroy();
      signal?.throwIfAborted();
      throw classifyMysqlError(error, action);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Drops the connection at once; the server rolls back what was open. */
  destroy(): void {
    this.#broken = true;
    this.#connection.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#broken) {
      this.#connection.destroy();
      return;
    }
    this.#broken = true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#connection.destroy();
        resolve();
      }, 1_000);
      this.#connection.end(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

const SESSION_SETUP = (collation: string): string =>
  [
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,ANSI_QUOTES'",
    `SET NAMES utf8mb4 COLLATE ${collation}`,
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    `SET SESSION innodb_lock_wait_timeout = ${CTLDB_TIMEOUTS.lockWaitSeconds}`,
    `SET SESSION lock_wait_timeout = ${CTLDB_TIMEOUTS.lockWaitSeconds}`,
    "SET SESSION autocommit = 1",
  ].join(";");

function opened(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    connection.once("error", reject);
    connection.connect((error) => {
      connection.removeListener("error", reject);
      if (error) reject(error);
      else resolve();
    });
  });
}

function query(connection: Connection, sql: string, timeoutMs: number): Promise<MysqlResult[]> {
  return new Promise((resolve, reject) => {
    const results: MysqlResult[] = [];
    const command = connection.query({ sql, rowsAsArray: true, timeout: timeoutMs });
    // One "fields" event opens each statement's answer, whether rows follow or not.
    command.on("fields", () => results.push({ rows: [], affectedRows: 0 }));
    command.on("result", (result) => {
      const current = results.at(-1);
      if (current === undefined) return;
      if (Array.isArray(result)) current.rows.push(result as unknown as MysqlRow);
      else current.affectedRows = (result as { affectedRows: number }).affectedRows;
    });
    command.on("error", (error) => reject(new StatementFailure(error, results.length)));
    command.on("end", () => resolve(results));
  });
}

function isTimeout(error: unknown): boolean {
  return (error as { code?: string } | null)?.code === "PROTOCOL_SEQUENCE_TIMEOUT";
}

function serverFacts(row: MysqlRow | undefined): ServerFacts {
  const version = String(row?.[0] ?? "");
  const maxPacketBytes = Number(row?.[1] ?? 0);
  const [, major = "0", minor = "0", patch = "0"] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  const number = Number(major) * 1_000_000 + Number(minor) * 1_000 + Number(patch);
  if (/mariadb/i.test(version)) {
    if (number >= 10_002_000) {
      return {
        product: `MariaDB ${major}.${minor}.${patch}`,
        collation: "utf8mb4_nopad_bin",
        maxPacketBytes,
      };
    }
  } else if (number >= 8_000_017 || /^8\.0\.mysql_aurora/.test(version)) {
    return { product: `MySQL ${version.split("-")[0]}`, collation: "utf8mb4_0900_bin", maxPacketBytes };
  }
  throw new CtlstoreError(
    "ctldb_incompatible",
    `Cannot use database server ${textLiteral(version)} as a ctldb: it has no binary collation without padding`,
    {
      hint: "MariaDB 10.2 or newer, MySQL 8.0.17 or newer, Aurora MySQL 3",
    },
  );
}
