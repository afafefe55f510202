/**
 * The structural subset of a SQLite driver that bun:sqlite, node:sqlite and better-sqlite3 share.
 *
 * `drivers/` has one file per driver; nothing else imports one for the LDB. Keeps the reading half of I10: what a
 * driver opens here is read-only.
 */

export type LdbValue = null | number | bigint | string | Uint8Array;
export type LdbRow = Record<string, LdbValue>;

export interface LdbStatement {
  /** The first row, or undefined (null is turned into undefined by the driver's file). */
  get(...parameters: LdbValue[]): LdbRow | undefined;
  all(...parameters: LdbValue[]): LdbRow[];
  iterate(...parameters: LdbValue[]): IterableIterator<LdbRow>;
  /** Runs a statement that returns no rows. */
  run(): void;
  /** Frees the statement; calling it twice is fine. */
  finalize(): void;
}

export interface LdbConnection {
  /** Version of SQLite inside the driver, such as "3.54.1". */
  readonly sqliteVersion: string;
  /** True when the driver ends text at its first NUL (node:sqlite of Node 22 and Deno 2): read such text as bytes. */
  readonly cutsTextAtNul: boolean;
  /**
   * Compiles one statement.
   * @param exactIntegers integers come as bigint; otherwise as number, and one that a number cannot hold comes as a
   *   number of at least 2^53 in magnitude: read again with exact integers then
   */
  prepare(sql: string, exactIntegers: boolean): LdbStatement;
  /** Runs statements that return nothing. */
  exec(sql: string): void;
  close(): void;
}

/** Asks a fresh connection what its driver is like. */
export const DRIVER_PROBE_SQL = "SELECT sqlite_version() AS version, 'a' || char(0) || 'b' AS text";

export function driverFacts(row: LdbRow | undefined): Pick<LdbConnection, "sqliteVersion" | "cutsTextAtNul"> {
  return { sqliteVersion: String(row?.["version"]), cutsTextAtNul: row?.["text"] !== "a\0b" };
}

/** Opens an existing database read-only, never creating one. */
export type OpenLdbConnection = (path: string) => LdbConnection;

/** One way to reach SQLite. */
export interface LdbDriver {
  /** The module behind it, such as "node:sqlite". */
  readonly name: string;
  readonly open: OpenLdbConnection;
  /**
   * SQLite's primary result code of an error that this driver threw (`SQLITE_RESULT`), or null for any other error.
   * Errors are classified by this code alone, never by their text.
   */
  resultCode(error: unknown): number | null;
}

/** The primary result codes of SQLite that ctlstore tells apart. */
export const SQLITE_RESULT = {
  error: 1,
  permission: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  protocol: 15,
  schema: 17,
  notADatabase: 26,
} as const;
