/** SQLite through bun:sqlite. The file that the reader uses under Bun. */
import { Database, SQLiteError, type Statement } from "bun:sqlite";
import {
  DRIVER_PROBE_SQL,
  driverFacts,
  type LdbConnection,
  type LdbDriver,
  type LdbRow,
  type LdbStatement,
  type LdbValue,
} from "../connection.ts";

class BunStatement implements LdbStatement {
  readonly #statement: Statement<LdbRow, LdbValue[]>;

  constructor(statement: Statement<LdbRow, LdbValue[]>) {
    this.#statement = statement;
  }

  get(...parameters: LdbValue[]): LdbRow | undefined {
    return this.#statement.get(...parameters) ?? undefined;
  }

  all(...parameters: LdbValue[]): LdbRow[] {
    return this.#statement.all(...parameters);
  }

  iterate(...parameters: LdbValue[]): IterableIterator<LdbRow> {
    return this.#statement.iterate(...parameters);
  }

  run(): void {
    this.#statement.run();
  }

  finalize(): void {
    this.#statement.finalize();
  }
}

function openBunConnection(path: string): LdbConnection {
  const database = new Database(path, { readonly: true });
  try {
    const probe = database.prepare<LdbRow, []>(DRIVER_PROBE_SQL);
    const facts = driverFacts(probe.get() ?? undefined);
    probe.finalize();
    return {
      ...facts,
      prepare(sql, exactIntegers) {
        const statement = database.prepare<LdbRow, LdbValue[]>(sql);
        return new BunStatement(statement.safeIntegers(exactIntegers));
      },
      exec: (sql) => void database.exec(sql),
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

export const bunDriver: LdbDriver = {
  name: "bun:sqlite",
  open: openBunConnection,
  resultCode: (error) => (error instanceof SQLiteError ? error.errno & 0xff : null),
};
