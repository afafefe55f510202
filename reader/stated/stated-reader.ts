/**
 * Reads that come with the state they were answered from: for whoever passes rows on, and says how old they are.
 *
 * Keys are given as functions of the table's shape, since only that says what a part has to be, and since it may change
 * between two attempts (D16). Integers come as numbers where that is exact, and as bigints beyond (I12).
 */
import { CtlstoreError } from "../../core/errors.ts";
import { READER_LIMITS } from "../../core/limits.ts";
import type { LdbDriver, LdbValue } from "../../ldb/connection.ts";
import { FollowedLdb, ldbFilePath } from "../followed-ldb.ts";
import { checkPrefix, originalKey } from "../keys.ts";
import { rowByKey, rowsByKeys } from "../reads.ts";
import { SeenState } from "../seen-state.ts";
import type { Session } from "../session.ts";
import { type Held, SessionRunner } from "../session-runner.ts";
import type { StateFacts } from "../state-facts.ts";
import type { TableReads } from "../table-reads.ts";
import type { TableShape } from "../table-shape.ts";
import type { KeyValue, ReaderWarning, Row } from "../types.ts";
import { warnOfOldSqlite, warnOnce } from "../warnings.ts";

export type { Held } from "../session-runner.ts";
export type { StateFacts } from "../state-facts.ts";
export type { TableShape } from "../table-shape.ts";

/** The parts of a key, once it is known what they have to be. */
export type KeyOf = (shape: TableShape) => readonly KeyValue[];

export interface StatedRow {
  /** Null when there is none with this key. */
  readonly row: Row | null;
  readonly shape: TableShape;
  readonly facts: StateFacts;
}

export interface StatedReaderOptions {
  /** The LDB's folder, or its `ldb.db`. */
  readonly path: string;
  readonly cacheBytes?: number;
  readonly fileCheckIntervalMs?: number;
  readonly onWarning?: (warning: ReaderWarning) => void;
}

/** Reads of one committed state. */
export class StateReads {
  readonly facts: StateFacts;
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.facts = session.facts();
  }

  /**
   * One row or null per key.
   * @throws CtlstoreError `unknown_table`, `invalid_name`, `invalid_key`, `request_too_large`
   */
  rowsByKeys(
    family: string,
    table: string,
    keys: readonly KeyOf[],
  ): { rows: (Row | null)[]; shape: TableShape } {
    const { shape } = this.#session.table(family, table);
    const parts = keys.map((keyOf) => keyOf(shape));
    return { rows: rowsByKeys(this.#session, family, table, parts), shape };
  }

  /** The rows whose key begins with these parts. @throws CtlstoreError `unknown_table`, `invalid_name`, `invalid_key` */
  prefix(family: string, table: string, prefixOf: KeyOf): PrefixRows {
    const reads = this.#session.table(family, table);
    return new PrefixRows(reads, checkPrefix(reads.shape, prefixOf(reads.shape)));
  }
}

/** Rows that are yet to be read, while their state is held. */
export class PrefixRows {
  readonly #reads: TableReads;
  /** The prefix, and the form in which the original stored it where that is another one (D5). */
  readonly #forms: readonly (readonly LdbValue[])[];

  constructor(reads: TableReads, prefix: LdbValue[]) {
    this.#reads = reads;
    const original = originalKey(prefix);
    this.#forms = original === null ? [prefix] : [prefix, original];
  }

  get shape(): TableShape {
    return this.#reads.shape;
  }

  /** How many there are; counts no further than `limit` of each form of the prefix. */
  count(limit: number): number {
    return this.#forms.reduce((count, form) => count + this.#reads.countPrefix(form, limit), 0);
  }

  /** In key order, at most `limit` of each form; every integer is a bigint. Return the iterator, or take all. */
  *rows(limit: number): Generator<Row, void> {
    for (const form of this.#forms) yield* this.#reads.iteratePrefix(form, limit);
  }
}

export class StatedReader implements Disposable {
  readonly #driver: LdbDriver;
  readonly #options: StatedReaderOptions & { readonly path: string };
  readonly #seen: SeenState;
  readonly #runner: SessionRunner;
  #isClosed = false;

  /** @throws CtlstoreError `ldb_not_found`, `ldb_damaged`, `ldb_incompatible`, `ldb_unavailable` */
  constructor(driver: LdbDriver, options: StatedReaderOptions) {
    this.#driver = driver;
    this.#options = { ...options, path: ldbFilePath(options.path) };
    this.#seen = new SeenState(this.#options.path);
    const ldb = this.#openLdb();
    warnOfOldSqlite(driver.name, ldb.current().connection.sqliteVersion, options.onWarning ?? warnOnce);
    this.#runner = this.#runnerOf(ldb);
  }

  /**
   * The row with this key. Costs no more than the row itself while the LDB stays in one state.
   * @throws CtlstoreError as `LdbReader.getRowByKey`
   */
  rowByKey(family: string, table: string, keyOf: KeyOf): StatedRow {
    this.#assertOpen();
    return this.#runner.run((session) => {
      const found = readRow(session, { family, table, keyOf });
      const facts = session.knownFacts();
      if (facts !== null) return { ...found, facts };
      return session.transaction(() => {
        const again = readRow(session, { family, table, keyOf });
        return { ...again, facts: session.facts() };
      });
    });
  }

  /** Runs reads on one state. The function must be synchronous, and short. */
  inOneState<Result>(read: (reads: StateReads) => Result): Result {
    this.#assertOpen();
    return this.#runner.run((session) => session.transaction(() => read(new StateReads(session))));
  }

  /**
   * Reads of one state that stays until it is released, on a connection of their own. It keeps the LDB's write-ahead
   * log from being cut: release it soon (R15).
   */
  hold<Result>(read: (reads: StateReads) => Result): Held<Result> {
    this.#assertOpen();
    const runner = this.#runnerOf(this.#openLdb());
    try {
      const held = runner.hold((session) => read(new StateReads(session)));
      let isHeld = true;
      const release = () => {
        if (!isHeld) return;
        isHeld = false;
        held.release();
        runner.close();
      };
      return { result: held.result, release };
    } catch (error) {
      runner.close();
      throw error;
    }
  }

  #openLdb(): FollowedLdb {
    const { path, cacheBytes, fileCheckIntervalMs, onWarning = warnOnce } = this.#options;
    return new FollowedLdb(
      // What one connection has seen, none may go back behind (R36).
      { driver: this.#driver, seen: this.#seen, onWarning },
      {
        path,
        integers: "mixed",
        cacheBytes: cacheBytes ?? READER_LIMITS.cacheBytes,
        checkIntervalMs: fileCheckIntervalMs ?? READER_LIMITS.fileCheckIntervalMs,
      },
    );
  }

  #runnerOf(ldb: FollowedLdb): SessionRunner {
    return new SessionRunner({ ldb, driver: this.#driver, path: this.#options.path });
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new CtlstoreError("reader_closed", "Cannot read: the reader is closed");
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#runner.close();
  }
}

interface RowRead {
  readonly family: string;
  readonly table: string;
  readonly keyOf: KeyOf;
}

function readRow(
  session: Session,
  { family, table, keyOf }: RowRead,
): { row: Row | null; shape: TableShape } {
  const { shape } = session.table(family, table);
  return { row: rowByKey(session, family, table, keyOf(shape)), shape };
}
