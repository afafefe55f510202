/**
 * SQLite through node:sqlite: Node from 22.13 on, and Deno.
 *
 * The module is asked for at run time, so that importing this file is harmless where there is none.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  DRIVER_PROBE_SQL,
  driverFacts,
  type LdbConnection,
  type LdbDriver,
  type LdbRow,
  type LdbStatement,
  type LdbValue,
} from "../connection.ts";

type NodeSqlite = typeof import("node:sqlite");

/** node:sqlite, or null where the runtime has none. */
function findNodeSqlite(): NodeSqlite | null {
  return (process.getBuiltinModule?.("node:sqlite") as NodeSqlite | undefined) ?? null;
}

/** node:sqlite throws this when an integer does not fit a number. */
function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE";
}

/** A double of at least 2^53 where the integer is at least that: the sign agreed on with the reader. */
function roundIntegers(row: LdbRow): LdbRow {
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === "bigint") row[name] = Number(value);
  }
  return row;
}

const NO_BYTES = new Uint8Array();

/**
 * The parameters as node:sqlite binds them rightly: the empty bytes that Node 22 itself returns have no memory behind
 * them, and it would bind them as null.
 */
function bindable(parameters: LdbValue[]): LdbValue[] {
  for (let i = 0; i < parameters.length; i++) {
    const value = parameters[i];
    if (value instanceof Uint8Array && value.length === 0) parameters[i] = NO_BYTES;
  }
  return parameters;
}

class NodeStatement implements LdbStatement {
  readonly #statement: StatementSync;
  readonly #exactIntegers: boolean;

  constructor(statement: StatementSync, exactIntegers: boolean) {
    this.#statement = statement;
    this.#exactIntegers = exactIntegers;
    if (exactIntegers) statement.setReadBigInts(true);
  }

  get(...parameters: LdbValue[]): LdbRow | undefined {
    return this.#rounding(() => this.#statement.get(...bindable(parameters)) as LdbRow | undefined);
  }

  all(...parameters: LdbValue[]): LdbRow[] {
    return this.#rounding(() => this.#statement.all(...bindable(parameters)) as LdbRow[]);
  }

  iterate(...parameters: LdbValue[]): IterableIterator<LdbRow> {
    return this.#statement.iterate(...bindable(parameters)) as IterableIterator<LdbRow>;
  }

  run(): void {
    this.#statement.run();
  }

  /** node:sqlite frees a statement with its garbage, or when the database is closed. */
  finalize(): void {}

  #rounding<Result extends LdbRow | LdbRow[] | undefined>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      if (this.#exactIntegers || !isOutOfRange(error)) throw error;
    }
    this.#statement.setReadBigInts(true);
    try {
      const result = read();
      if (Array.isArray(result)) result.forEach(roundIntegers);
      else if (result !== undefined) roundIntegers(result);
      return result;
    } finally {
      this.#statement.setReadBigInts(false);
    }
  }
}

function wrap(database: DatabaseSync): LdbConnection {
  return {
    ...driverFacts(database.prepare(DRIVER_PROBE_SQL).get() as LdbRow | undefined),
    prepare: (sql, exactIntegers) => new NodeStatement(database.prepare(sql), exactIntegers),
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
  };
}

/** The driver, or null where the runtime has no node:sqlite. */
export function nodeDriver(): LdbDriver | null {
  const sqlite = findNodeSqlite();
  if (sqlite === null) return null;
  return {
    name: "node:sqlite",
    open(path) {
      const database = new sqlite.DatabaseSync(path, { readOnly: true });
      try {
        return wrap(database);
      } catch (error) {
        database.close();
        throw error;
      }
    },
    resultCode: (error) =>
      error instanceof Error && "errcode" in error && typeof error.errcode === "number"
        ? error.errcode & 0xff
        : null,
  };
}
