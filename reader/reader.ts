/**
 * The reader: picks the session, runs a read on it, and reads again when the LDB had moved on (D16, R39).
 *
 * Keeps I10: nothing here or below it writes. A second attempt runs inside a transaction on the schema of that same
 * state, so it is the last word: what it throws is true of the LDB as it is now.
 */
import { CtlstoreError } from "../core/errors.ts";
import { toSequence } from "../core/sequence.ts";
import type { LdbDriver } from "../ldb/connection.ts";
import type { FollowedLdb } from "./followed-ldb.ts";
import {
  allTables,
  lastSequence,
  ledgerLatency,
  rowByKey,
  rowsByKeyPrefix,
  rowsByKeys,
  tableSchema,
} from "./reads.ts";
import { type Session, StaleSession } from "./session.ts";
import { mayGoBetter, readerError } from "./sqlite-errors.ts";
import type { Key, KeyValue, LdbReader, LdbReads, ReaderTable, Row, WaitOptions } from "./types.ts";
import { waitForSequence } from "./wait.ts";

/** One to meet a change, one to meet a replaced file, one to read on when there is no file to go to. */
const FURTHER_ATTEMPTS = 3;

/** Runs one read on the right session. */
type Run = <Result>(read: (session: Session) => Result) => Result;

/** The reads, over a way to run them. */
class Reads implements LdbReads {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  getRowByKey<T extends Row = Row>(family: string, table: string, ...key: KeyValue[]): T | null {
    return this.#run((session) => rowByKey(session, family, table, key)) as T | null;
  }

  getRows<T extends Row = Row>(family: string, table: string, keys: readonly Key[]): (T | null)[] {
    return this.#run((session) => rowsByKeys(session, family, table, keys)) as (T | null)[];
  }

  getRowsByKeyPrefix<T extends Row = Row>(
    family: string,
    table: string,
    ...prefix: KeyValue[]
  ): IterableIterator<T> {
    return this.#run((session) =>
      rowsByKeyPrefix(session, family, table, prefix),
    ).values() as IterableIterator<T>;
  }

  families(): string[] {
    return [...new Set(this.tables().map((table) => table.family))].sort();
  }

  tables(family?: string): { family: string; table: string }[] {
    return this.#run((session) => allTables(session, family));
  }

  tableSchema(family: string, table: string): ReaderTable {
    return this.#run((session) => tableSchema(session, family, table));
  }

  getLedgerLatency(): number {
    return this.#run((session) => ledgerLatency(session, Date.now() * 1000));
  }

  getLastSequence(): bigint {
    return this.#run(lastSequence);
  }
}

export interface ReaderDeps {
  readonly ldb: FollowedLdb;
  readonly driver: LdbDriver;
  readonly path: string;
}

export class Reader extends Reads implements LdbReader {
  readonly #deps: ReaderDeps;
  #isClosed = false;

  constructor(deps: ReaderDeps) {
    super((read) => this.#run(read));
    this.#deps = deps;
  }

  #run<Result>(read: (session: Session) => Result): Result {
    if (this.#isClosed) throw closedError();
    const session = this.#deps.ldb.current();
    try {
      return read(session);
    } catch (error) {
      // A snapshot's state cannot move, so neither can what is wrong with it.
      if (session.inTransaction || !mayGoBetter(this.#deps.driver, error)) throw this.#publicError(error);
    }
    return this.#runAgain(read);
  }

  #runAgain<Result>(read: (session: Session) => Result): Result {
    for (let attempt = 1; ; attempt++) {
      const session = this.#deps.ldb.follow();
      try {
        return session.transaction(() => read(session));
      } catch (error) {
        if (!(error instanceof StaleSession) || attempt >= FURTHER_ATTEMPTS) throw this.#publicError(error);
      }
    }
  }

  #publicError(error: unknown): unknown {
    return readerError(this.#deps.driver, error, this.#deps.path);
  }

  snapshot<Result>(read: (reads: LdbReads) => Result): Result {
    // Entered first and empty, so that an error of the caller's function is never taken for one of the LDB.
    let isOver = false;
    const reads = new Reads((inner) => {
      if (isOver) throw closedError();
      return this.#run(inner);
    });
    const outcome = this.#run((session) => session.transaction(() => attemptSync(read, reads)));
    isOver = true;
    if ("error" in outcome) throw outcome.error;
    return outcome.result;
  }

  async waitFor(sequence: number | bigint | string, options: WaitOptions): Promise<void> {
    await waitForSequence(() => this.getLastSequence(), toSequence(sequence), options);
  }

  ping(): void {
    this.getLastSequence();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deps.ldb.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Runs the caller's function once, keeping its error apart from errors of the LDB, which would be tried again. */
function attemptSync<Result>(
  read: (reads: LdbReads) => Result,
  reads: LdbReads,
): { result: Result } | { error: unknown } {
  try {
    const result = read(reads);
    if (isThenable(result)) {
      result.then(undefined, () => {});
      throw new TypeError("snapshot() needs a synchronous function: this one returned a promise");
    }
    return { result };
  } catch (error) {
    return { error };
  }
}

function closedError(): CtlstoreError {
  return new CtlstoreError(
    "reader_closed",
    "Cannot read: the reader or the snapshot is closed; it needs to be open",
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
