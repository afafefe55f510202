/** A lane in small: reads partitions in any order, applies units with their positions at once, and may be killed between two. */
import { silentLogger } from "../../../core/process/logger.ts";
import type { Observed, SnapshotTracker } from "../../../loader/lanes/snapshot-tracker.ts";
import type { Unit } from "../../../loader/lanes/units/unit.ts";
import {
  TransactionUnitMaker,
  type TransactionUnitMakerOptions,
} from "../../../loader/transactions/transaction-unit-maker.ts";
import { changeText, ECHO, nameOf, type OriginLog, PARTITIONS, TRANSACTION_TOPIC } from "./origin-log.ts";

const NOTHING: Observed = { task: null, openSnapshots: null };
export const NO_SNAPSHOTS: SnapshotTracker = { restore: () => [], observe: () => NOTHING, tick: () => [] };

/** What was applied: the rows of one unit. */
export interface Applied {
  readonly changes: readonly string[];
  readonly isTransaction: boolean;
  readonly rows: ReadonlyMap<string, number>;
}

export class LaneRun {
  readonly rows = new Map<string, number>();
  readonly positions = new Map<string, number>();
  readonly applied: Applied[] = [];
  readonly counts = new Map<string, number>();
  readonly #origin: OriginLog;
  readonly #random: () => number;
  readonly #options: Partial<TransactionUnitMakerOptions>;
  #maker: TransactionUnitMaker;
  readonly #read = new Map<string, number>();

  constructor(origin: OriginLog, random: () => number, options: Partial<TransactionUnitMakerOptions> = {}) {
    this.#origin = origin;
    this.#random = random;
    this.#options = options;
    this.#maker = this.#newMaker();
  }

  get held(): number {
    return this.#maker.held.records;
  }

  /** Reads everything that there is. @param killAfter chance of a kill after a unit */
  readAll(killAfter = 0): void {
    for (;;) {
      const ready = PARTITIONS.filter((place) => this.#next(nameOf(place)) !== undefined);
      const place = ready[Math.floor(this.#random() * ready.length)];
      if (place === undefined) return;
      // Several of one partition in a row, as a fetch brings them.
      for (let burst = 1 + this.#random() * 6; burst > 0; burst--) {
        const record = this.#next(nameOf(place));
        if (record === undefined) break;
        this.#read.set(nameOf(place), record.record.offset + 1);
        if (this.#apply(this.#maker.push(record), killAfter)) break;
      }
    }
  }

  /** @returns whether anything went */
  tick(nowMs: number, isAtEnd = true): boolean {
    const units = this.#maker.tick(nowMs, () => isAtEnd);
    this.#apply(units, 0);
    return units.length > 0;
  }

  /** Long after the last record. */
  settle(): void {
    for (let nowMs = 0; this.held > 0 && nowMs < 1_000_000; nowMs += 1_000) this.tick(nowMs);
  }

  /** What was new in each unit, each change once; a unit may repeat others beside. */
  firstEffects(): readonly (readonly string[])[] {
    const seen = new Set<string>();
    return this.applied.flatMap(({ changes }) => {
      const fresh = new Set(changes.filter((change) => !seen.has(change)));
      for (const change of fresh) seen.add(change);
      return fresh.size === 0 ? [] : [[...fresh]];
    });
  }

  /** Everything in memory is gone. */
  restart(): void {
    this.#read.clear();
    this.#maker = this.#newMaker();
  }

  #next(name: string) {
    const at = this.#read.get(name) ?? this.positions.get(name) ?? 0;
    return this.#origin.log.get(name)?.[at];
  }

  #apply(units: readonly Unit[], killAfter: number): boolean {
    for (const unit of units) {
      if (unit.kind === "rows") {
        const changes = unit.mutations
          .filter(({ mutation }) => mutation.values !== ECHO)
          .map(({ mutation }) => changeText(mutation));
        for (const { mutation } of unit.mutations) {
          const name = `${mutation.table}/${mutation.keyText}`;
          if (mutation.delete) this.rows.delete(name);
          else this.rows.set(name, Number(mutation.values["n"]));
        }
        if (changes.length > 0)
          this.applied.push({ changes, isTransaction: unit.isTransaction, rows: new Map(this.rows) });
      }
      for (const { next, ...place } of unit.advances) {
        const name = nameOf(place);
        if (next <= (this.positions.get(name) ?? 0)) throw new Error(`${name} goes back to ${next}`);
        this.positions.set(name, next);
      }
      if (this.#random() < killAfter) {
        this.restart();
        return true;
      }
    }
    return false;
  }

  #newMaker(): TransactionUnitMaker {
    const count = (name: string) => this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    return new TransactionUnitMaker(
      { tracker: NO_SNAPSHOTS, logger: silentLogger, meter: { transaction: count } },
      { transactionTopic: TRANSACTION_TOPIC, partitions: PARTITIONS, ...this.#options },
    );
  }
}
