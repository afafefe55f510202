/**
 * The limits that hold: overrides as the ctldb has them, with an Executive's own defaults where there is none.
 *
 * A writer has the override of its own name, else that of the longest pattern (`loader:*`) that its name fits, else the
 * default. An override counts as a whole: one that says nothing of bytes, as the original's, does not limit them.
 */
import { type FamilyName, lowerCaseAscii, type TableName } from "../../core/names.ts";
import { NO_LIMIT, type Rate } from "../../core/rates.ts";
import type { SystemCell, SystemRow } from "../store.ts";
import type { LimitDefaults, SizeLimit, TableLimit, WriterRate } from "./contract.ts";
import { FLEET } from "./fleet.ts";

/** Every override in one round trip. Each kind has columns of its own: the original's tables may differ in collation. */
export const SELECT_OVERRIDES = `SELECT writer_name, NULL, NULL, max_rows_per_minute, max_bytes_per_minute FROM max_writer_rates
  UNION ALL SELECT NULL, family_name, table_name, warn_size_bytes, max_size_bytes FROM max_table_sizes`;

export class Policy {
  /** As they stand in the ctldb, by name; the fleet's is not among them. */
  readonly writers: readonly WriterRate[];
  /** As it stands in the ctldb; null when there is none. */
  readonly fleetOverride: Rate | null;
  /** By name, in lower case (D13). */
  readonly tables: readonly TableLimit[];
  readonly #defaults: LimitDefaults;
  readonly #writersByName: ReadonlyMap<string, Rate>;
  /** The longest prefix first. */
  readonly #patterns: ReadonlyArray<{ readonly prefix: string; readonly rate: Rate }>;
  readonly #tablesByName: ReadonlyMap<string, TableLimit>;
  /** Rates already looked up. */
  readonly #rates = new Map<string, Rate>();

  constructor(overrides: readonly SystemRow[], defaults: LimitDefaults) {
    const rates = overrides.filter(([writer]) => writer !== null).map(toWriterRate);
    this.#defaults = defaults;
    this.#writersByName = new Map(rates.map(({ writer, rate }) => [writer, rate]));
    this.fleetOverride = this.#writersByName.get(FLEET) ?? null;
    this.writers = rates.filter(({ writer }) => writer !== FLEET).sort(by(({ writer }) => writer));
    this.#patterns = this.writers
      .filter(({ writer }) => writer.endsWith("*"))
      .map(({ writer, rate }) => ({ prefix: writer.slice(0, -1), rate }))
      .sort((a, b) => b.prefix.length - a.prefix.length);
    this.#tablesByName = tableLimits(overrides.filter(([writer]) => writer === null));
    this.tables = [...this.#tablesByName.values()].sort(by(tableKey));
  }

  /** What the writer may write in a window. */
  rateOf(writer: string): Rate {
    let rate = this.#rates.get(writer);
    if (rate === undefined) {
      rate = this.#overrideFor(writer) ?? this.#defaults.writer;
      this.#rates.set(writer, rate);
    }
    return rate;
  }

  /** What all writers together may write in a window. */
  get fleet(): Rate {
    return this.fleetOverride ?? this.#defaults.fleet;
  }

  /** Null is no limit. */
  tableLimit(table: Pick<TableLimit, "family" | "table">): SizeLimit | null {
    return this.#tablesByName.get(tableKey(table))?.limit ?? this.#defaults.table;
  }

  #overrideFor(writer: string): Rate | null {
    const own = this.#writersByName.get(writer);
    if (own !== undefined) return own;
    return this.#patterns.find(({ prefix }) => writer.startsWith(prefix))?.rate ?? null;
  }
}

function toWriterRate([writer, , , rows, bytes]: SystemRow): WriterRate {
  return {
    writer: String(writer),
    rate: { rows: limitOf(rows), bytes: limitOf(bytes) },
  };
}

function limitOf(cell: SystemCell | undefined): bigint | null {
  if (cell === null) return null;
  const amount = amountOf(cell);
  return amount === NO_LIMIT ? null : amount;
}

/** The original writes names as they come. Where two differ in case alone, the one in lower case counts. */
function tableLimits(rows: readonly SystemRow[]): Map<string, TableLimit> {
  const limits = new Map<string, TableLimit>();
  for (const [, rawFamily, rawTable, warn, max] of rows) {
    const [family, table] = [lowerCaseAscii(String(rawFamily)), lowerCaseAscii(String(rawTable))];
    // Names that are none match no table.
    const limit: TableLimit = {
      family: family as FamilyName,
      table: table as TableName,
      limit: { warnBytes: amountOf(warn), maxBytes: amountOf(max) },
    };
    const isExact = family === rawFamily && table === rawTable;
    if (isExact || !limits.has(tableKey(limit))) limits.set(tableKey(limit), limit);
  }
  return limits;
}

/** A limit below zero, or one that is no number, lets nothing pass. */
function amountOf(cell: SystemCell | undefined): bigint {
  const text = String(cell);
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}

function tableKey({ family, table }: Pick<TableLimit, "family" | "table">): string {
  return `${family}/${table}`;
}

function by<T>(nameOf: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (nameOf(a) < nameOf(b) ? -1 : 1);
}
