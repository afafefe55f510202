/**
 * A consumer of the changelog with a copy of all rows: what a cache does, in the hardest form, since it keeps everything.
 *
 * It keeps copy and cursor in a file, now and then, both at once; whoever goes on with that file is the consumer after a
 * crash. What it was told is kept too, for whoever compares that with the ledger.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import type { ChangeEvent, Changes, LdbReader, LdbReads, Row } from "../../reader/types.ts";
import { until } from "../support/until.ts";

/** What was told after one place without a break: the place, and the events. */
export interface Segment {
  readonly since: bigint;
  readonly events: ChangeEvent[];
}

interface Kept {
  readonly cursor: string;
  readonly tables: ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, string]>]>;
}

export type Copy = Map<string, Map<string, string>>;

/** The LDB has less than this reader has read, or nothing: it will. */
const PASSES = new Set(["ldb_regressed", "ldb_empty"]);

/** A row, or a key, as text that is equal only when it is; null fields say as much as missing ones. */
function textOf(row: Row): string {
  const fields = Object.entries(row).filter(([, value]) => value !== null);
  return JSON.stringify(
    fields.map(([name, value]) => [
      name,
      typeof value,
      value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value),
    ]),
  );
}

/** All rows of an LDB. */
export function copyOf(reads: LdbReads): Copy {
  const copy: Copy = new Map();
  for (const { family, table } of reads.tables())
    copy.set(`${family}/${table}`, rowsOf(reads, family, table));
  return copy;
}

function rowsOf(reads: LdbReads, family: string, table: string): Map<string, string> {
  const { keyFields } = reads.tableSchema(family, table);
  const rows = [...reads.getRowsByKeyPrefix(family, table)];
  return new Map(rows.map((row) => [keyOf(row, keyFields), textOf(row)]));
}

function keyOf(row: Row, keyFields: readonly string[]): string {
  return textOf(Object.fromEntries(keyFields.map((name) => [name, row[name] ?? null])));
}

/** Tables without rows, and rows in any order, are the same copy. */
export function canonical(copy: Copy): string {
  const tables = [...copy].filter(([, rows]) => rows.size > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(tables.map(([name, rows]) => [name, [...rows.values()].sort()]));
}

export class CopyKeeper {
  readonly segments: Segment[] = [];
  /** Why it was told to forget everything, each time. */
  readonly invalidations: string[] = [];
  readonly changes: Changes;
  readonly #reader: LdbReader;
  readonly #path: string;
  copy: Copy = new Map();

  private constructor(reader: LdbReader, path: string, changes: Changes) {
    this.#reader = reader;
    this.#path = path;
    this.changes = changes;
  }

  /** Goes on from the file; without one, fills a copy. */
  static async begin(reader: LdbReader, path: string): Promise<CopyKeeper> {
    if (existsSync(path)) {
      const kept = JSON.parse(readFileSync(path, "utf8")) as Kept; // written below
      const keeper = new CopyKeeper(reader, path, reader.changes({ since: kept.cursor, pollIntervalMs: 1 }));
      keeper.copy = new Map(kept.tables.map(([name, rows]) => [name, new Map(rows)]));
      keeper.#beginSegment();
      return keeper;
    }
    const changes = await until(
      () => {
        const begun = reader.changes({ pollIntervalMs: 1 });
        return begun.cursor === null ? null : begun;
      },
      { what: "a changelog", intervalMs: 2 },
    );
    const keeper = new CopyKeeper(reader, path, changes);
    await keeper.#reload();
    keeper.#beginSegment();
    return keeper;
  }

  #beginSegment(): void {
    this.segments.push({ since: this.sequence, events: [] });
  }

  /** Where it is. */
  get sequence(): bigint {
    return BigInt(this.changes.cursor?.split("@")[0] ?? 0);
  }

  /** Deals with one event; false when the iteration was ended. */
  async step(): Promise<boolean> {
    const { done, value } = await this.changes.next();
    if (done === true) return false;
    if (value.kind === "invalidate") {
      this.invalidations.push(value.reason);
      this.segments.push({ since: value.sequence, events: [] });
    } else this.segments.at(-1)?.events.push(value);
    await this.#apply(value);
    return true;
  }

  /** Makes copy and cursor survive. */
  keep(): void {
    const kept: Kept = {
      cursor: this.changes.cursor ?? "",
      tables: [...this.copy].map(([name, rows]) => [name, [...rows]]),
    };
    writeFileSync(`${this.#path}.new`, JSON.stringify(kept));
    renameSync(`${this.#path}.new`, this.#path);
  }

  async #apply(event: ChangeEvent): Promise<void> {
    switch (event.kind) {
      case "invalidate":
        return this.#reload();
      case "clear":
      case "drop":
        this.copy.delete(`${event.family}/${event.table}`);
        return;
      case "schema":
        return; // the rows are the same
      case "reload":
        return this.#readable(() => this.#readTable(event.family, event.table));
      default:
        return this.#readable(() => this.#readRow(event));
    }
  }

  async #reload(): Promise<void> {
    await this.#readable(() => {
      this.copy = this.#reader.snapshot(copyOf);
    });
  }

  #readTable(family: string, table: string): void {
    this.copy.set(`${family}/${table}`, ifKnown(() => rowsOf(this.#reader, family, table)) ?? new Map());
  }

  #readRow(event: Extract<ChangeEvent, { kind: "upsert" | "delete" }>): void {
    const { family, table, key, keyFields, sequence } = event;
    const row = ifKnown(() => this.#reader.getRowByKey(family, table, ...key));
    if (this.#reader.getLastSequence() < sequence)
      throw new CtlstoreError("internal", `Cannot go on: the LDB does not hold ${sequence}, which was told`);
    const name = `${family}/${table}`;
    const rows = this.copy.get(name) ?? new Map<string, string>();
    this.copy.set(name, rows);
    const id = textOf(Object.fromEntries(keyFields.map((field, i) => [field, key[i] ?? null])));
    if (row === null) rows.delete(id);
    else rows.set(id, textOf(row));
  }

  /** A forced bootstrap may have gone back: nothing can be read until the LDB is where it was. */
  async #readable(read: () => void): Promise<void> {
    let failure: unknown = null;
    await until(
      () => {
        try {
          read();
          failure = null;
        } catch (error) {
          if (isCtlstoreError(error) && PASSES.has(error.code)) return false;
          failure = error;
        }
        return true;
      },
      { what: "an LDB that can be read", intervalMs: 2 },
    );
    if (failure !== null) throw failure;
  }
}

function ifKnown<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (isCtlstoreError(error) && error.code === "unknown_table") return null;
    throw error;
  }
}
