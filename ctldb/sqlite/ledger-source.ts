/** Reads the ledger of an embedded ctldb from its file, over a read-only connection of its own. */
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { CtlstoreError } from "../../core/errors.ts";
import { hashFromHex } from "../../core/ledger/chain.ts";
import type { LedgerBlock, LedgerDescription, LedgerEntry, LedgerSource } from "../../core/ledger/entry.ts";
import { REFLECTOR_LIMITS } from "../../core/limits.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { withSqliteErrors } from "./errors.ts";
import { readMeta } from "./tables.ts";

interface LedgerRow {
  readonly seq: bigint;
  readonly timestamp_us: bigint;
  readonly statement: string;
  readonly hash: Uint8Array | null;
  /** Only where it was asked for. */
  readonly trace?: string | null;
}

const COLUMNS = "seq, timestamp_us, statement, hash";

export class SqliteLedgerSource implements LedgerSource {
  readonly #path: string;
  readonly #wantsTraces: boolean;
  #db: Database | null = null;
  /** Identity of the file that is open. */
  #file = "";
  /** What is selected of an entry; null until the ledger was looked at. */
  #columns: string | null = null;

  /** @param options `traces`: entries shall have their `trace` */
  constructor(path: string, options: { readonly traces?: boolean } = {}) {
    this.#path = path;
    this.#wantsTraces = options.traces ?? false;
  }

  async describe(signal?: AbortSignal): Promise<LedgerDescription> {
    return this.#read(signal, (db) => {
      const epoch = readMeta(db, "epoch");
      const origin = readMeta(db, "origin");
      if (epoch === null || origin === null) throw notInitialised(this.#path);
      const bounds = db
        .query<{ first: bigint | null; last: bigint | null }, []>(
          "SELECT (SELECT min(seq) FROM ctlstore_dml_ledger) AS first, (SELECT max(seq) FROM ctlstore_dml_ledger) AS last",
        )
        .get();
      return {
        epoch,
        origin: hashFromHex(origin),
        takeoverSequence: toSequence(readMeta(db, "takeover_sequence") ?? "0"),
        firstSequence: toSequence(bounds?.first ?? 0n),
        headSequence: toSequence(bounds?.last ?? 0n),
      };
    });
  }

  async poll(after: Sequence, limit: number, signal?: AbortSignal): Promise<LedgerBlock> {
    return this.#read(signal, (db) => {
      const rows = db
        .query<LedgerRow, [bigint, number]>(
          `SELECT ${this.#columnsOf(db)} FROM ctlstore_dml_ledger WHERE seq >= ? ORDER BY seq LIMIT ?`,
        )
        .iterate(after, limit + 2);
      let anchor: LedgerEntry | null = null;
      const entries: LedgerEntry[] = [];
      let size = 0;
      for (const row of rows) {
        const entry = toEntry(row);
        if (entry.sequence === after) anchor = entry;
        else if (entries.length >= limit || size > REFLECTOR_LIMITS.pollBytes)
          return { anchor, entries, more: true };
        else {
          entries.push(entry);
          size += entry.statement.length;
        }
      }
      return { anchor, entries, more: false };
    });
  }

  /** A ledger that only older Executives have written has no traces yet: it is looked at again until it has. */
  #columnsOf(db: Database): string {
    if (!this.#wantsTraces) return COLUMNS;
    if (this.#columns === null && hasTraces(db)) this.#columns = `${COLUMNS}, trace`;
    return this.#columns ?? COLUMNS;
  }

  #read<T>(signal: AbortSignal | undefined, task: (db: Database) => T): T {
    signal?.throwIfAborted();
    return withSqliteErrors(`read the ledger in ${this.#path}`, () => {
      try {
        return task(this.#current());
      } catch (error) {
        // The file may not be what it was: begin afresh next time.
        this.#close();
        throw error;
      }
    });
  }

  /** The connection to the file that is there now: a restored backup is another file under the same name (R4). */
  #current(): Database {
    const file = fileIdentity(this.#path);
    if (this.#db !== null && file === this.#file) return this.#db;
    this.#close();
    this.#db = openReadOnly(this.#path);
    this.#file = file;
    const isLedger =
      this.#db.query("SELECT 1 FROM sqlite_schema WHERE name = 'ctlstore_meta'").get() !== null;
    if (!isLedger) throw notInitialised(this.#path);
    return this.#db;
  }

  #close(): void {
    this.#db?.close();
    this.#db = null;
    this.#columns = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }
}

function fileIdentity(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? "" : `${stats.dev}:${stats.ino}`;
}

function notInitialised(path: string): CtlstoreError {
  return new CtlstoreError(
    "ctldb_unavailable",
    `Cannot read the ledger in ${path}: the ctldb is not initialised yet`,
    { hint: "start an Executive on it, or check the path" },
  );
}

function openReadOnly(path: string): Database {
  const db = new Database(path, { readonly: true, safeIntegers: true });
  db.run("PRAGMA busy_timeout = 1000");
  return db;
}

function hasTraces(db: Database): boolean {
  const sql = "SELECT 1 FROM pragma_table_info('ctlstore_dml_ledger') WHERE name = 'trace'";
  return db.query(sql).get() !== null;
}

function toEntry(row: LedgerRow): LedgerEntry {
  return {
    sequence: toSequence(row.seq),
    timestampUs: Number(row.timestamp_us),
    statement: row.statement,
    hash: row.hash,
    ...(row.trace == null ? {} : { trace: row.trace }),
  };
}
