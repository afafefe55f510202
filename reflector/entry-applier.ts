/**
 * Applies the statement of one ledger entry inside the open transaction, or passes over it where an operator said so,
 * and explains a refusal with its sequence and what to do (R8, D10).
 */
import { CtlstoreError, isCtlstoreError, quote } from "../core/errors.ts";
import type { LedgerEntry } from "../core/ledger/entry.ts";
import type { ParsedUpsert } from "../core/ledger/parse-upsert.ts";
import { changesSchema } from "../core/ledger/statements.ts";
import { type LdbSkip, readSkips, recordSkipped } from "../ldb/position.ts";
import type { WritableDatabase } from "../ldb/writable-database.ts";
import type { ChangeRecorder } from "./changelog/change-recorder.ts";
import { isMarker } from "./ledger-cursor.ts";
import { StatementRunner } from "./statement-runner.ts";

/** What applying an entry came to: nothing, rows, tables, or an entry passed over. */
export type Effect = "none" | "rows" | "schema" | "skipped";

export class EntryApplier {
  readonly #database: WritableDatabase;
  readonly #ldbFolder: string;
  readonly #runner: StatementRunner;
  readonly #recorder: ChangeRecorder | null;
  readonly #toSkip: ReadonlySet<bigint>;
  #skips: readonly LdbSkip[];
  #statements = 0;

  /** @param recorder is told what was applied; null where nobody wants to know */
  constructor(database: WritableDatabase, ldbFolder: string, recorder: ChangeRecorder | null) {
    this.#database = database;
    this.#ldbFolder = ldbFolder;
    this.#recorder = recorder;
    this.#runner = new StatementRunner(database);
    this.#skips = readSkips(database);
    this.#toSkip = new Set(this.#skips.map((skip) => skip.sequence));
  }

  /** All permissions to pass over an entry, as last read. */
  get skips(): readonly LdbSkip[] {
    return this.#skips;
  }
  /** Statements run since the process began, also those that were rolled back. */
  get statements(): number {
    return this.#statements;
  }

  /** @throws CtlstoreError `statement_refused`, `ledger_malformed` (I7), or what is wrong with the LDB's file */
  apply(entry: LedgerEntry): Effect {
    if (isMarker(entry.statement)) {
      this.#recorder?.mark(entry.statement);
      return "none";
    }
    if (this.#toSkip.size > 0 && this.#toSkip.has(entry.sequence)) {
      recordSkipped(this.#database, entry.sequence, entry.statement);
      return "skipped";
    }
    const upsert = this.#run(entry);
    this.#statements += 1;
    this.#recorder?.record(entry, upsert);
    return changesSchema(entry.statement) ? "schema" : "rows";
  }

  #run(entry: LedgerEntry): ParsedUpsert | null {
    try {
      return this.#runner.run(entry.statement);
    } catch (error) {
      throw isCtlstoreError(error) ? this.#explain(entry, error) : error;
    }
  }

  /** Call after a transaction in which something was passed over. */
  reloadSkips(): void {
    this.#skips = readSkips(this.#database);
  }

  /** Frees what it holds of the database. */
  close(): void {
    this.#runner.forget();
  }

  #explain(entry: LedgerEntry, error: CtlstoreError): CtlstoreError {
    if (error.code !== "ledger_malformed" && error.code !== "statement_refused") return error;
    const { cause } = error;
    const reason = cause instanceof Error ? `SQLite refuses it: ${cause.message}` : error.message;
    return new CtlstoreError(
      error.code,
      `Cannot apply ledger entry ${entry.sequence} ${quote(entry.statement)}: ${reason}`,
      {
        sequence: entry.sequence,
        hint: `Reads go on from the state before it. To pass over it on this LDB alone, stop the Reflector, run "ctlstore ldb skip ${entry.sequence} --ldb ${this.#ldbFolder}" and start it again.`,
        ...(cause === undefined ? {} : { cause }),
      },
    );
  }
}
