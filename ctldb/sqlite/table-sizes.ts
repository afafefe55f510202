/**
 * Sizes of the tables of an embedded ctldb: the pages of each and of its key, as SQLite's `dbstat` counts them.
 *
 * It reads every page of the file, two microseconds each while they are cached, so it is done in slices, on a connection of
 * its own, and only when something was written since the last time. The event loop never waits for longer than a slice (R21).
 */
import { Database } from "bun:sqlite";
import { SIZE_WATCH_LIMITS } from "../../core/limits.ts";
import { splitLdbTableName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";

/** In the order of the file's B-trees, so that a page is read once. */
const PAGES = "SELECT name, pgsize FROM dbstat";
const OWNERS = "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index'";

export class SqliteTableSizes implements Disposable {
  readonly #db: Database;
  readonly #clock: Clock;
  /** `PRAGMA data_version` of the last time: SQLite's own sign that another connection has committed. */
  #version: bigint | null = null;
  #sizes: ReadonlyMap<string, bigint> = new Map();

  /** @param path of a ctldb that exists */
  constructor(path: string, clock: Clock) {
    this.#db = new Database(path, { readwrite: true, safeIntegers: true });
    this.#db.run("PRAGMA query_only = ON");
    this.#clock = clock;
  }

  async measure(signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    const version = this.#dataVersion();
    if (version !== this.#version) {
      this.#sizes = await this.#count(signal);
      this.#version = version;
    }
    return this.#sizes;
  }

  #dataVersion(): bigint | null {
    return this.#db.query<{ data_version: bigint }, []>("PRAGMA data_version").get()?.data_version ?? null;
  }

  /** One state of the file: the read transaction stays open over the slices. Nothing here writes. */
  async #count(signal: AbortSignal): Promise<Map<string, bigint>> {
    this.#db.run("BEGIN");
    const pages = this.#db.prepare<{ name: string; pgsize: bigint }, []>(PAGES);
    try {
      const byTree = new Map<string, bigint>();
      let count = 0;
      let sliceEndMs = this.#clock.monotonicMs() + SIZE_WATCH_LIMITS.sliceMs;
      for (const { name, pgsize } of pages.iterate()) {
        byTree.set(name, (byTree.get(name) ?? 0n) + pgsize);
        count += 1;
        if (count % SIZE_WATCH_LIMITS.slicePages !== 0 || this.#clock.monotonicMs() < sliceEndMs) continue;
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
        sliceEndMs = this.#clock.monotonicMs() + SIZE_WATCH_LIMITS.sliceMs;
      }
      return this.#byTable(byTree);
    } finally {
      pages.finalize();
      this.#db.run("ROLLBACK");
    }
  }

  #byTable(byTree: ReadonlyMap<string, bigint>): Map<string, bigint> {
    const indexes = this.#db.query<{ name: string; tbl_name: string }, []>(OWNERS).all();
    const owners = new Map(indexes.map(({ name, tbl_name }) => [name, tbl_name]));
    const sizes = new Map<string, bigint>();
    for (const [tree, bytes] of byTree) {
      const table = owners.get(tree) ?? tree;
      if (splitLdbTableName(table) !== null) sizes.set(table, (sizes.get(table) ?? 0n) + bytes);
    }
    return sizes;
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
