/**
 * Sizes of the tables of a ctldb in MySQL: `data_length` and `index_length`, the pages that InnoDB has given to a table and
 * its key.
 *
 * They are InnoDB's own statistics, which it renews only when a tenth of a table's rows have changed, and seconds after
 * that: two hundred long rows among five thousand short ones are never seen. So tables that have changed are counted by
 * ANALYZE TABLE before they are read, which takes a few milliseconds whatever their size. It is repeated for a while after
 * the last change, since InnoDB frees pages in the background, and it is not written to the binary log.
 *
 * What has changed is told by `update_time`; MySQL would answer with figures a day old, were it not told otherwise.
 *
 * Older servers close a table that was counted: until the longest query on it has ended nobody can use it, and whoever holds
 * the ledger lock waits for that with all others behind. There nothing is counted, and InnoDB's own figures must do.
 */
import { SIZE_WATCH_LIMITS } from "../../core/limits.ts";
import { splitLdbTableName } from "../../core/names.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { MysqlSession } from "./session.ts";

interface TableFacts {
  readonly name: string;
  readonly bytes: bigint;
  /** Unix seconds by the server's clock; null when the server does not know. */
  readonly changed: number | null;
  readonly now: number;
}

const SELECT_FACTS = `SELECT table_name, data_length + index_length, UNIX_TIMESTAMP(update_time), UNIX_TIMESTAMP()
  FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'`;

/** Whoever holds a table for longer, as for a change of it, has it counted in the next round. */
const LOCK_WAIT_SECONDS = 2;
/** Every table of one statement may have to be waited for. */
const COUNT_TIMEOUT_MS = 2 * LOCK_WAIT_SECONDS * SIZE_WATCH_LIMITS.tablesPerAnalyze * 1_000;
const ACTION = "measure the tables";

export class MysqlTableSizes {
  /** When each table was counted last, by the server's clock, and its last change as known then. */
  #counted = new Map<string, Pick<TableFacts, "changed"> & { readonly at: number }>();
  #session: MysqlSession | null = null;

  async measure(session: MysqlSession): Promise<ReadonlyMap<string, bigint>> {
    // The server may have been started anew, or be another one: it knows nothing of changes before.
    if (session !== this.#session) this.#counted.clear();
    this.#session = session;
    await session.execute(setUp(session.server.product), ACTION);
    const found = await readFacts(session);
    const stale = countsBesideQueries(session.server.product)
      ? found.filter((facts) => this.#isStale(facts))
      : [];
    const counted = await countPages(session, stale);
    const fresh = counted.length === 0 ? [] : await readFacts(session, counted);
    this.#remember(found, counted);
    return new Map([...found, ...fresh].map(({ name, bytes }) => [name, bytes]));
  }

  #isStale({ name, changed, now }: TableFacts): boolean {
    const counted = this.#counted.get(name);
    if (counted === undefined) return true;
    if (changed !== null) return counted.at <= changed + SIZE_WATCH_LIMITS.settleSeconds;
    // Forgotten with the table's definition, for which there was no room; changes may have been, too.
    return counted.changed !== null || now - counted.at >= SIZE_WATCH_LIMITS.unknownChangeSeconds;
  }

  /** The time is that before counting, so that a change meanwhile counts as one after it. */
  #remember(found: readonly TableFacts[], counted: readonly TableFacts[]): void {
    const names = new Set(found.map(({ name }) => name));
    const kept = [...this.#counted].filter(([name]) => names.has(name));
    const added = counted.map(({ name, changed, now }) => [name, { at: now, changed }] as const);
    this.#counted = new Map([...kept, ...added]);
  }
}

/** Those that could be counted: a table that is being changed cannot, nor one that has been dropped meanwhile. */
async function countPages(session: MysqlSession, tables: readonly TableFacts[]): Promise<TableFacts[]> {
  const failed = new Set<string>();
  for (let i = 0; i < tables.length; i += SIZE_WATCH_LIMITS.tablesPerAnalyze) {
    const names = tables.slice(i, i + SIZE_WATCH_LIMITS.tablesPerAnalyze).map(({ name }) => name);
    const sql = `ANALYZE NO_WRITE_TO_BINLOG TABLE ${names.join(",")}`;
    const [answer] = await session.execute(sql, ACTION, COUNT_TIMEOUT_MS);
    for (const [table, , kind] of answer?.rows ?? []) {
      if (/^error$/i.test(String(kind))) failed.add(String(table).slice(session.database.length + 1));
    }
  }
  return tables.filter(({ name }) => !failed.has(name));
}

async function readFacts(session: MysqlSession, only: readonly TableFacts[] = []): Promise<TableFacts[]> {
  const names = only.map(({ name }) => textLiteral(name)).join(",");
  const sql = only.length === 0 ? SELECT_FACTS : `${SELECT_FACTS} AND table_name IN (${names})`;
  return (await session.select(sql, ACTION)).flatMap(([name, bytes, changed, now]) => {
    if (splitLdbTableName(String(name)) === null) return [];
    return {
      name: String(name),
      bytes: BigInt(String(bytes ?? 0)),
      changed: changed === null || changed === undefined ? null : Number(changed),
      now: Number(now),
    };
  });
}

/**
 * Whether tables can be counted while queries run on them: from MySQL 8.0.24 on, Aurora MySQL 3.03, MariaDB 10.6.
 * @param product as `ServerFacts` has it
 */
export function countsBesideQueries(product: string): boolean {
  const [name, version = ""] = product.split(" ");
  const aurora = /mysql_aurora\.(.+)$/.exec(version)?.[1];
  if (aurora !== undefined) return isAtLeast(aurora, [3, 3]);
  return isAtLeast(version, name === "MariaDB" ? [10, 6] : [8, 0, 24]);
}

function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split(".").map(Number);
  const differing = wanted.findIndex((part, i) => part !== (parts[i] ?? 0));
  return differing < 0 || (parts[differing] ?? 0) > (wanted[differing] ?? 0);
}

/** For this session alone. MariaDB could be set to read whole tables for statistics that nobody here needs. */
function setUp(product: string): string {
  const own = product.startsWith("MariaDB")
    ? "use_stat_tables = 'never'"
    : "information_schema_stats_expiry = 0";
  return `SET SESSION ${own}, lock_wait_timeout = ${LOCK_WAIT_SECONDS}`;
}
