/**
 * Runs one ledger statement on the LDB, by the fastest way that does exactly what its text says.
 *
 * Compiling the text is most of the cost of an upsert, so upserts of our own form run as prepared statements; the
 * parser leaves alone whatever is not exactly one of those (I7), and that runs as text, after a look at what it is.
 */
import { CtlstoreError, type ErrorCode } from "../core/errors.ts";
import { type ParsedUpsert, UpsertParser } from "../core/ledger/parse-upsert.ts";
import { changesSchema } from "../core/ledger/statements.ts";
import type { PreparedStatement, WritableDatabase } from "../ldb/writable-database.ts";
import { objectionTo } from "./statement-guard.ts";

/** Tables whose upserts stay prepared; far more than a busy ledger has at once (I13). */
const MOST_PREPARED = 256;

interface PreparedUpsert {
  readonly statement: PreparedStatement;
  readonly values: number;
}

export class StatementRunner {
  readonly #database: WritableDatabase;
  readonly #parser = new UpsertParser();
  readonly #prepared = new Map<string, PreparedUpsert>();

  constructor(database: WritableDatabase) {
    this.#database = database;
  }

  /**
   * @returns the parts of an upsert of ours, since they are known now; null for any other statement
   * @throws CtlstoreError `ledger_malformed` (I7), `statement_refused`, or what is wrong with the LDB's file; the
   *   message of the first two says only why
   */
  run(statement: string): ParsedUpsert | null {
    const upsert = this.#parser.parse(statement);
    if (upsert !== null) {
      this.#runUpsert(upsert, statement);
      return upsert;
    }
    const objection = objectionTo(statement);
    if (objection !== null) throw refusal(objection.code, objection.text);
    // SQLite would compile them again by itself; a dropped table's are of no use any more.
    if (changesSchema(statement)) this.forget();
    this.#database.execute(statement);
    return null;
  }

  /** Frees the prepared statements. */
  forget(): void {
    for (const { statement } of this.#prepared.values()) statement.finalize();
    this.#prepared.clear();
  }

  #runUpsert(upsert: ParsedUpsert, statement: string): void {
    const prepared = this.#prepared.get(upsert.prefix) ?? this.#prepare(upsert);
    // Another number of values than the columns: its text tells SQLite so.
    if (prepared.values === upsert.values.length) prepared.statement.run(upsert.values);
    else this.#database.execute(statement);
  }

  #prepare(upsert: ParsedUpsert): PreparedUpsert {
    if (this.#prepared.size >= MOST_PREPARED) this.forget();
    const values = upsert.values.length;
    const marks = Array.from({ length: values }, () => "?").join(",");
    const prepared = { statement: this.#database.prepare(`${upsert.prefix}${marks})`), values };
    this.#prepared.set(upsert.prefix, prepared);
    return prepared;
  }
}

function refusal(code: ErrorCode, text: string): CtlstoreError {
  return new CtlstoreError(code, text);
}
