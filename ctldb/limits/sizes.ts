/**
 * What the tables take in the ctldb, measured in the background, and which of them are over their limits (R35).
 *
 * A figure is what was measured last; between two rounds it stands still. Where there is none (a new table, one that was
 * dropped and made again, a database that could not be asked for long) nothing is refused: a limit guards hosts against
 * slow growth, and must not stop writers by mistake.
 */
import { messageOf } from "../../core/errors.ts";
import { dropTableStatement } from "../../core/ledger/statements.ts";
import { SIZE_WATCH_LIMITS, TABLE_SIZE_LIMITS } from "../../core/limits.ts";
import { ldbTableName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Catalog, TableSchema } from "../../core/schema.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerHead, LedgerStore, LockedLedger } from "../store.ts";
import type { SizeLimit, TableSize } from "./contract.ts";
import type { FullTables } from "./growth.ts";
import { MeasurePace } from "./measure-pace.ts";
import { type SizeCrossing, SizeCrossings, type ToldStates } from "./size-crossings.ts";
import { sizeState } from "./size-states.ts";

/** What a round of measuring found. */
export interface SizesReport {
  /** Every table of the catalog, the largest first. */
  readonly sizes: readonly TableSize[];
  /** Crossings of limits that nobody else tells. */
  readonly crossings: readonly SizeCrossing[];
}

export interface TableSizesDeps {
  readonly store: Pick<LedgerStore, "measureTables" | "readHead" | "query" | "execute">;
  readonly catalog: () => Promise<Catalog>;
  /** The limits that hold, as last committed. */
  readonly limits: () => Promise<{ tableLimit(schema: TableSchema): SizeLimit | null }>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface TableSizesOptions {
  readonly intervalMs?: number;
  /** Told after every round. */
  readonly onReport?: (report: SizesReport) => void;
}

interface Figure {
  readonly bytes: bigint;
  readonly measuredMs: number;
  /** Read before measuring. */
  readonly head: LedgerHead;
}

export class TableSizes implements FullTables {
  readonly #deps: TableSizesDeps;
  readonly #crossings: SizeCrossings;
  readonly #pace: MeasurePace;
  readonly #onReport: (report: SizesReport) => void;
  #figures = new Map<string, Figure>();
  readonly #stopping = new AbortController();
  #loop: Promise<void> | null = null;
  /** The round that began last, or the one that is awaited first. */
  #round: Promise<void> = Promise.resolve();
  #hasMeasured = false;
  /** How old a figure may become: the next one is long due by then. */
  #trustedMs: number = SIZE_WATCH_LIMITS.staleMs;
  #isFailing = false;

  constructor(deps: TableSizesDeps, { intervalMs, onReport }: TableSizesOptions = {}) {
    this.#deps = deps;
    this.#crossings = new SizeCrossings(deps.store);
    this.#pace = new MeasurePace(deps.clock, intervalMs ?? TABLE_SIZE_LIMITS.measureIntervalMs);
    this.#onReport = onReport ?? (() => {});
  }

  /** Measures now and then on, until it is stopped; calling it again does nothing. */
  start(): void {
    const { signal } = this.#stopping;
    if (this.#loop !== null || signal.aborted) return;
    const round = () => {
      this.#round = this.#measure();
      return this.#round;
    };
    this.#loop = this.#pace.run(round, signal);
  }

  /** To be told the bytes of what was committed: after much of it the tables are measured sooner. */
  wrote(bytes: number): void {
    this.#pace.wrote(bytes);
  }

  /** Gives up the round under way. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the Executive is stopping"));
    await this.#loop;
  }

  /** Where only a table's own limit asks for measuring, the first question about it begins it. */
  isFull(schema: TableSchema, limit: SizeLimit | null): boolean {
    if (limit === null) return false;
    this.start();
    const bytes = this.bytesOf(schema);
    return bytes !== null && sizeState(bytes, limit) === "full";
  }

  /** As last measured; null when that is not known, or was too long ago. */
  bytesOf({ family, table }: Pick<TableSchema, "family" | "table">): bigint | null {
    const figure = this.#figures.get(ldbTableName(family, table));
    if (figure === undefined) return null;
    const ageMs = this.#deps.clock.monotonicMs() - figure.measuredMs;
    return ageMs > this.#trustedMs ? null : figure.bytes;
  }

  /** A table that any Executive has dropped since it was measured is another one now: its figure is forgotten. */
  async isSameTable(
    { family, table }: TableSchema,
    locked: Pick<LockedLedger, "head" | "query">,
  ): Promise<boolean> {
    const name = ldbTableName(family, table);
    const figure = this.#figures.get(name);
    if (figure === undefined) return false;
    const wasDropped = async () => {
      const drop = textLiteral(dropTableStatement(family, table));
      const after = `seq > ${figure.head.sequence}`;
      const sql = `SELECT COUNT(*) FROM ctlstore_dml_ledger WHERE ${after} AND statement = ${drop}`;
      return Number((await locked.query(sql))[0]?.[0]) > 0;
    };
    if (figure.head.schemaVersion === locked.head.schemaVersion) return true;
    const entries = locked.head.sequence - figure.head.sequence;
    const isSame = entries <= SIZE_WATCH_LIMITS.searchedEntries && !(await wasDropped());
    // Measured anew meanwhile: the next write is judged by that.
    if (this.#figures.get(name) !== figure) return false;
    if (isSame) this.#figures.set(name, { ...figure, head: locked.head });
    else this.#figures.delete(name);
    return isSame;
  }

  /** Every table of the catalog, the largest first. Waits for the first round, not for a new one. */
  async list(): Promise<TableSize[]> {
    this.start();
    if (!this.#hasMeasured) await this.#round;
    const [catalog, limits] = await Promise.all([this.#deps.catalog(), this.#deps.limits()]);
    const sizes = catalog.tables().map((schema): TableSize => {
      const { family, table } = schema;
      const [bytes, limit] = [this.bytesOf(schema), limits.tableLimit(schema)];
      return { family, table, bytes, limit, state: bytes === null ? "unmeasured" : sizeState(bytes, limit) };
    });
    return sizes.sort((a, b) => ((b.bytes ?? -1n) > (a.bytes ?? -1n) ? 1 : -1));
  }

  /** Never rejects: a round that fails leaves the figures of the one before. */
  async #measure(): Promise<void> {
    const { store, clock, logger } = this.#deps;
    const { signal } = this.#stopping;
    try {
      const beganMs = clock.monotonicMs();
      const [head, told] = [await store.readHead(), await this.#crossings.told()];
      const measured = await store.measureTables(signal);
      const measuredMs = clock.monotonicMs();
      this.#figures = new Map([...measured].map(([name, bytes]) => [name, { bytes, measuredMs, head }]));
      this.#trustedMs = SIZE_WATCH_LIMITS.staleMs + this.#pace.gapMs(measuredMs - beganMs);
      this.#hasMeasured = true;
      await this.#report(told);
      if (this.#isFailing) logger.info({}, "tables are measured again");
      this.#isFailing = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!this.#isFailing) logger.warn({ error: messageOf(error) }, "cannot measure the tables");
      this.#isFailing = true;
    }
  }

  async #report(told: ToldStates): Promise<void> {
    const sizes = await this.list();
    const measured = sizes.flatMap((size) => (size.bytes === null ? [] : [{ ...size, bytes: size.bytes }]));
    const crossings = await this.#crossings.claim(told, measured, this.#deps.clock.nowUs());
    this.#onReport({ sizes, crossings });
  }
}
