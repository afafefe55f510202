/**
 * The reader as its callers have it.
 *
 * Keeps I10: nothing here or below it writes. Every read goes through a `SessionRunner`, which knows when to read again.
 */
import { CtlstoreError } from "../core/errors.ts";
import { toSequence } from "../core/sequence.ts";
import { ChangeStream } from "./changes/change-stream.ts";
import { EndOfReader } from "./changes/end-of-reader.ts";
import { checkChangesOptions } from "./changes/options.ts";
import {
  allTables,
  lastSequence,
  ledgerLatency,
  rowByKey,
  rowsByKeyPrefix,
  rowsByKeys,
  tableSchema,
} from "./reads.ts";
import type { Session } from "./session.ts";
import type { SessionRunner } from "./session-runner.ts";
import type {
  Changes,
  ChangesOptions,
  Key,
  KeyValue,
  LdbReader,
  LdbReads,
  ReaderTable,
  Row,
  WaitOptions,
} from "./types.ts";
import { sequenceOrNull, waitForSequence } from "./wait.ts";

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

export class Reader extends Reads implements LdbReader {
  readonly #runner: SessionRunner;
  readonly #options: { readonly ldbPath: string; readonly bigints: boolean };
  readonly #end = new EndOfReader();
  #isClosed = false;

  /** @param options where `ldb.db` is, and whether every integer is a bigint */
  constructor(runner: SessionRunner, options: { readonly ldbPath: string; readonly bigints: boolean }) {
    super((read) => this.#run(read));
    this.#runner = runner;
    this.#options = options;
  }

  #run<Result>(read: (session: Session) => Result): Result {
    if (this.#isClosed) throw closedError();
    return this.#runner.run(read);
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

  changes(options: ChangesOptions = {}): Changes {
    if (this.#isClosed) throw closedError();
    const { ldbPath, bigints } = this.#options;
    return new ChangeStream(
      {
        ldb: {
          sequence: () => sequenceOrNull(() => this.getLastSequence()),
          follow: () => this.#runner.follow(),
        },
        reader: this.#end,
        bigints,
      },
      checkChangesOptions(options, ldbPath),
    );
  }

  ping(): void {
    this.getLastSequence();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#end.close(closedError());
    this.#runner.close();
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
