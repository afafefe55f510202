/**
 * One opened LDB file: its connection, and the schema and statements cached for it.
 *
 * Every read is compared with the schema version of the very state it was answered from. When that has moved,
 * `StaleSession` is thrown, and whoever drives this reads again inside a transaction, where nothing can move (D16, R39).
 */
import { CtlstoreError } from "../core/errors.ts";
import { READER_LIMITS } from "../core/limits.ts";
import type { LdbConnection, LdbDriver, LdbRow, LdbStatement } from "../ldb/connection.ts";
import { SUPERSEDED } from "../ldb/layout.ts";
import { findOwnTables } from "./own-tables.ts";
import { type OwnTables, STATE_SEQUENCE, STATE_VERSION, stateColumns } from "./read-sql.ts";
import type { SeenState } from "./seen-state.ts";
import { type StateFacts, StateFactsStatement } from "./state-facts.ts";
import { parseLdbTableName } from "./table-name.ts";
import { TableReads } from "./table-reads.ts";
import { readTableShape, type TableShape } from "./table-shape.ts";
import type { IntegerForm } from "./types.ts";

/** The cached schema is not the LDB's any more, or the LDB has been replaced. Never reaches a caller. */
export class StaleSession extends Error {
  override readonly name = "StaleSession";
}

/**
 * Called with `family___table` and what the LDB has under that name, or null, before the table is read for the first time
 * and again after each change of the schema; throws when it must not be read.
 */
export type ShapeCheck = (ldbName: string, shape: TableShape | null) => void;

export interface SessionOptions {
  readonly path: string;
  /** What tells the file there from others that stood, or will stand, at the path that was asked for. */
  readonly file: string;
  readonly integers: IntegerForm;
  readonly cacheBytes: number;
  readonly checkShape?: ShapeCheck;
}

export class Session {
  readonly connection: LdbConnection;
  readonly #seen: SeenState;
  readonly #options: SessionOptions;
  readonly #begin: LdbStatement;
  readonly #end: LdbStatement;
  readonly #reads = new Map<string, Map<string, TableReads>>();
  #tables: OwnTables = { hasSequence: false, versionSource: "cookie" };
  #state: LdbStatement | null = null;
  #sequence: LdbStatement | null = null;
  #factsStatement: StateFactsStatement | null = null;
  #facts: StateFacts | null = null;
  /** Sequence of the state that the last read was answered from; as a double, see `stateColumns`. */
  #lastSequence = Number.NaN;
  #version = Number.NaN;
  #preparedStatements = 0;
  #inTransaction = false;
  /** True once a driver of this has been told that another generation replaced this one. */
  #saidSuperseded = false;

  /** @throws the driver's errors, and CtlstoreError `ldb_incompatible` */
  constructor(driver: LdbDriver, seen: SeenState, options: SessionOptions) {
    this.#seen = seen;
    this.#options = options;
    this.connection = driver.open(options.path);
    try {
      this.connection.exec(
        `PRAGMA busy_timeout = ${READER_LIMITS.busyTimeoutMs};
         PRAGMA cache_size = -${Math.ceil(options.cacheBytes / 1024)};
         PRAGMA temp_store = MEMORY`,
      );
      this.#begin = this.connection.prepare("BEGIN", false);
      this.#end = this.connection.prepare("COMMIT", false);
      this.#inOneState(() => this.#refresh());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** The reads of a table. @throws CtlstoreError `unknown_table`, `invalid_name` */
  table(family: string, table: string): TableReads {
    return this.#reads.get(family)?.get(table) ?? this.#load(family, table);
  }

  #load(family: string, table: string): TableReads {
    const name = parseLdbTableName(family, table);
    const shape = readTableShape(this.connection, name);
    this.#options.checkShape?.(name, shape);
    if (shape === null) {
      throw new CtlstoreError("unknown_table", `Cannot read ${family}/${table}: the LDB has no such table`);
    }
    if (this.#preparedStatements > READER_LIMITS.cachedStatements) this.#forgetStatements();
    const reads = new TableReads(
      shape,
      {
        connection: this.connection,
        onState: (row) => this.#accept(row),
        onPrepared: () => {
          this.#preparedStatements += 1;
        },
      },
      { tables: this.#tables, integers: this.#options.integers },
    );
    let ofFamily = this.#reads.get(family);
    if (ofFamily === undefined) {
      ofFamily = new Map();
      this.#reads.set(family, ofFamily);
    }
    ofFamily.set(table, reads);
    return reads;
  }

  /**
   * Runs reads on one committed state, with the schema cache brought up to it. Inside another one it just runs.
   * @throws StaleSession once, when another generation has replaced this one; where there is none to go to after all,
   *   the next call reads on (I15). CtlstoreError `ldb_empty`, `ldb_regressed`, `ldb_incompatible`
   */
  transaction<Result>(read: () => Result): Result {
    if (this.#inTransaction) return read();
    return this.#inOneState(() => {
      this.#enterState();
      return read();
    });
  }

  /**
   * As `transaction`, which stays open until `release`, for what is read in several turns. Not inside another one.
   * @throws as `transaction`, and what `read` throws; then nothing is open
   */
  hold<Result>(read: () => Result): { readonly result: Result; readonly release: () => void } {
    this.#begin.run();
    this.#inTransaction = true;
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      this.#inTransaction = false;
      this.#endTransaction();
    };
    try {
      this.#enterState();
      return { result: read(), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** What is known, without asking, of the state that the last read was answered from; null when it must be asked. */
  knownFacts(): StateFacts | null {
    // Beyond 2^53 two sequences may look alike.
    const isKnown = this.#facts !== null && Number.isSafeInteger(this.#lastSequence);
    return isKnown && Number(this.#facts?.sequence) === this.#lastSequence ? this.#facts : null;
  }

  /** Of the present state; call inside a transaction. */
  facts(): StateFacts {
    const known = this.knownFacts();
    if (known !== null) return known;
    this.#factsStatement ??= new StateFactsStatement(this.connection, this.#options.file);
    this.#facts = this.#factsStatement.read();
    return this.#facts;
  }

  /** Compares the state with what is cached, and brings the cache up to it; call inside a transaction. */
  #enterState(): void {
    const row = this.#readState();
    if (row[STATE_VERSION] === SUPERSEDED && !this.#saidSuperseded) {
      this.#saidSuperseded = true;
      throw new StaleSession();
    }
    if (row[STATE_VERSION] === this.#version) this.#accept(row);
    else this.#accept(this.#refresh());
  }

  /** The last sequence, exactly; call inside a transaction. */
  exactSequence(): bigint {
    this.#sequence ??= this.connection.prepare("SELECT seq AS value FROM _ldb_seq WHERE id = 1", true);
    return BigInt(this.#sequence.get()?.["value"] as bigint);
  }

  #inOneState<Result>(read: () => Result): Result {
    this.#begin.run();
    this.#inTransaction = true;
    try {
      return read();
    } finally {
      this.#inTransaction = false;
      this.#endTransaction();
    }
  }

  #endTransaction(): void {
    try {
      this.#end.run();
    } catch {
      // After an I/O error SQLite has ended the transaction itself, and the error that did it is on its way.
    }
  }

  /** @throws StaleSession; CtlstoreError `ldb_empty`, `ldb_regressed` */
  #accept(row: LdbRow): void {
    if (row[STATE_VERSION] !== this.#version) throw new StaleSession();
    const sequence = row[STATE_SEQUENCE] as number | null;
    this.#seen.accept(sequence);
    this.#lastSequence = sequence as number; // null was refused
  }

  #readState(): LdbRow {
    this.#state ??= this.connection.prepare(`SELECT ${stateColumns(this.#tables)}`, false);
    return this.#state.get() as LdbRow;
  }

  /** Forgets what was cached and looks at the LDB again; call inside a transaction. Returns the state. */
  #refresh(): LdbRow {
    this.#forgetStatements();
    this.#state?.finalize();
    this.#sequence?.finalize();
    this.#factsStatement?.finalize();
    this.#state = null;
    this.#sequence = null;
    this.#factsStatement = null;
    this.#facts = null;
    this.#tables = findOwnTables(this.connection, this.#options.path);
    const row = this.#readState();
    this.#version = row[STATE_VERSION] as number;
    return row;
  }

  #forgetStatements(): void {
    for (const ofFamily of this.#reads.values()) for (const reads of ofFamily.values()) reads.finalize();
    this.#reads.clear();
    this.#preparedStatements = 0;
  }

  close(): void {
    this.#forgetStatements();
    const own = [this.#state, this.#sequence, this.#factsStatement, this.#begin, this.#end];
    for (const statement of own) statement?.finalize();
    this.connection.close();
  }
}
