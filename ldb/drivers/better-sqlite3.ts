/**
 * SQLite through better-sqlite3, an optional package for Node without node:sqlite (Node 20).
 *
 * It is looked up when the first LDB is opened, from where this file lies, so nothing needs it to be there.
 */
import { createRequire } from "node:module";
import {
  DRIVER_PROBE_SQL,
  driverFacts,
  type LdbConnection,
  type LdbDriver,
  type LdbRow,
  type LdbStatement,
  type LdbValue,
  SQLITE_RESULT,
} from "../connection.ts";

/** The part of better-sqlite3's interface used here; the project does not depend on its types. */
interface BetterStatement {
  get(...parameters: LdbValue[]): LdbRow | undefined;
  all(...parameters: LdbValue[]): LdbRow[];
  iterate(...parameters: LdbValue[]): IterableIterator<LdbRow>;
  run(): unknown;
  readonly reader: boolean;
  safeIntegers(enabled: boolean): BetterStatement;
}

interface BetterDatabase {
  prepare(sql: string): BetterStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

type BetterSqlite3 = new (
  path: string,
  options: { readonly: boolean; fileMustExist: boolean },
) => BetterDatabase;

const RESULT_NAMES: ReadonlyArray<readonly [prefix: string, code: number]> = [
  ["SQLITE_BUSY", SQLITE_RESULT.busy],
  ["SQLITE_LOCKED", SQLITE_RESULT.locked],
  ["SQLITE_PERM", SQLITE_RESULT.permission],
  ["SQLITE_READONLY", SQLITE_RESULT.readOnly],
  ["SQLITE_IOERR", SQLITE_RESULT.ioError],
  ["SQLITE_CORRUPT", SQLITE_RESULT.corrupt],
  ["SQLITE_FULL", SQLITE_RESULT.full],
  ["SQLITE_CANTOPEN", SQLITE_RESULT.cannotOpen],
  ["SQLITE_PROTOCOL", SQLITE_RESULT.protocol],
  ["SQLITE_SCHEMA", SQLITE_RESULT.schema],
  ["SQLITE_NOTADB", SQLITE_RESULT.notADatabase],
  ["SQLITE_ERROR", SQLITE_RESULT.error],
];

/** better-sqlite3 gives bytes as Buffer; every other driver gives Uint8Array. */
function plainBytes(row: LdbRow): LdbRow {
  for (const [name, value] of Object.entries(row)) {
    if (Buffer.isBuffer(value)) row[name] = new Uint8Array(value.buffer, value.byteOffset, value.length);
  }
  return row;
}

class BetterLdbStatement implements LdbStatement {
  readonly #statement: BetterStatement;

  constructor(statement: BetterStatement) {
    this.#statement = statement;
  }

  get(...parameters: LdbValue[]): LdbRow | undefined {
    const row = this.#statement.get(...parameters);
    return row === undefined ? undefined : plainBytes(row);
  }

  all(...parameters: LdbValue[]): LdbRow[] {
    return this.#statement.all(...parameters).map(plainBytes);
  }

  *iterate(...parameters: LdbValue[]): IterableIterator<LdbRow> {
    for (const row of this.#statement.iterate(...parameters)) yield plainBytes(row);
  }

  run(): void {
    this.#statement.run();
  }

  /** better-sqlite3 frees a statement with its garbage, or when the database is closed. */
  finalize(): void {}
}

function wrap(database: BetterDatabase): LdbConnection {
  return {
    ...driverFacts(database.prepare(DRIVER_PROBE_SQL).get()),
    prepare(sql, exactIntegers) {
      const statement = database.prepare(sql);
      // It refuses the choice for a statement that returns no rows, such as BEGIN.
      return new BetterLdbStatement(statement.reader ? statement.safeIntegers(exactIntegers) : statement);
    },
    exec: (sql) => void database.exec(sql),
    close: () => void database.close(),
  };
}

/** The driver. @throws whatever Node throws when the package is missing or built for another Node */
export function betterSqlite3Driver(): LdbDriver {
  const Database = createRequire(import.meta.url)("better-sqlite3") as BetterSqlite3;
  return {
    name: "better-sqlite3",
    open(path) {
      const database = new Database(path, { readonly: true, fileMustExist: true });
      try {
        return wrap(database);
      } catch (error) {
        database.close();
        throw error;
      }
    },
    resultCode(error) {
      if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return null;
      const { code } = error;
      if (!code.startsWith("SQLITE_")) return null;
      return RESULT_NAMES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? SQLITE_RESULT.error;
    },
  };
}
