/**
 * The structural subset of a SQLite driver that bun:sqlite, node:sqlite and better-sqlite3 share.
 *
 * `drivers/` has one file per driver; nothing else imports one for the LDB.
 */

export type LdbValue = null | number | bigint | string | Uint8Array;
export type LdbRow = Record<string, LdbValue>;

export interface LdbStatement {
  /** The first row, or undefined (null is turned into undefined by the driver's file). */
  get(...parameters: LdbValue[]): LdbRow | undefined;
  all(...parameters: LdbValue[]): LdbRow[];
  iterate(...parameters: LdbValue[]): IterableIterator<LdbRow>;
  /** Frees the statement; calling it twice is fine. */
  finalize(): void;
}

export interface LdbConnection {
  /** Version of SQLite inside the driver, such as "3.54.1". */
  readonly sqliteVersion: string;
  /**
   * Compiles one statement.
   * @param exactIntegers integers come as bigint; otherwise as number, and one that a number cannot hold comes as a
   *   number of at least 2^53 in magnitude or makes the driver throw: read again with exact integers then
   */
  prepare(sql: string, exactIntegers: boolean): LdbStatement;
  /** Runs statements that return nothing. */
  exec(sql: string): void;
  close(): void;
}

/** Opens an existing database read-only, never creating one. */
export type OpenLdbConnection = (path: string) => LdbConnection;
