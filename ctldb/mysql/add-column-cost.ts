/**
 * Whether this server adds columns to a table at once, by its metadata alone, or writes the table anew.
 *
 * It cannot be asked: ALGORITHM=INSTANT either refuses or does it. So these are the documented conditions, for what our own
 * ALTER asks for: nullable columns without a default, at the end. `tests/ctldb/mysql-preview.test.ts` holds them against
 * what real servers do. Where something is not known, the dearer answer is given.
 */
import type { LdbTableName } from "../../core/names.ts";
import type { TableSchema } from "../../core/schema.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { MysqlRow, MysqlSession } from "./session.ts";

/** A table as the server tells of it. */
export interface TableFacts {
  readonly engine: string;
  readonly rowFormat: string;
  /** By the server's statistics. */
  readonly estimatedRows: bigint;
}

/** Null when there is no such table. */
export async function readTableFacts(session: MysqlSession, name: LdbTableName): Promise<TableFacts | null> {
  const rows = await session.select(
    `SELECT engine, row_format, table_rows FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name = ${textLiteral(name)}`,
    "look at a table",
  );
  const [engine, rowFormat, estimate] = rows[0] ?? [];
  if (engine === undefined) return null;
  return {
    engine: String(engine),
    rowFormat: String(rowFormat).toLowerCase(),
    estimatedRows: BigInt(String(estimate ?? 0)),
  };
}

/** @param schema the table after the change */
export async function addColumnCost(
  session: MysqlSession,
  { schema, facts }: { readonly schema: TableSchema; readonly facts: TableFacts },
  name: LdbTableName,
): Promise<"instant" | "rebuild"> {
  const isOrdinary = facts.engine === "InnoDB" && facts.rowFormat !== "compressed";
  const isInstant =
    isOrdinary &&
    !(await hasFullTextIndex(session, name)) &&
    (await isSwitchedOn(session)) &&
    (await hasVersionLeft(session, schema, name));
  return isInstant ? "instant" : "rebuild";
}

interface ServerVersion {
  readonly isMariadb: boolean;
  /** 10.11.19 as 10011019. */
  readonly number: number;
}

/** Aurora's version names no patch; all of its versions 3 are at least MySQL 8.0.23. */
function versionOf({ server }: MysqlSession): ServerVersion {
  const [, product, major = "0", minor = "0", patch = "23"] =
    /^(\w+) (\d+)\.(\d+)(?:\.(\d+))?/.exec(server.product) ?? [];
  const number = Number(major) * 1_000_000 + Number(minor) * 1_000 + Number(patch);
  return { isMariadb: product === "MariaDB", number };
}

/** Neither server adds columns at once to a table with one; ours have none, but somebody may have made one. */
async function hasFullTextIndex(session: MysqlSession, name: LdbTableName): Promise<boolean> {
  const sql = `SELECT 1 FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = ${textLiteral(name)} AND index_type = 'FULLTEXT' LIMIT 1`;
  return (await session.select(sql, "look at a table's indexes")).length > 0;
}

const MARIADB_INSTANT_SINCE = 10_003_002;
const MYSQL_INSTANT_SINCE = 8_000_012;

async function isSwitchedOn(session: MysqlSession): Promise<boolean> {
  const { isMariadb, number } = versionOf(session);
  if (number < (isMariadb ? MARIADB_INSTANT_SINCE : MYSQL_INSTANT_SINCE)) return false;
  const rows = await session.select(
    `SHOW VARIABLES WHERE Variable_name IN
      ('innodb_instant_alter_column_allowed', 'alter_algorithm', 'old_alter_table')`,
    "read settings",
  );
  return rows.every(allowsInstant);
}

/** MariaDB has these as words, MySQL only the last one, as a switch. */
function allowsInstant([name, value]: MysqlRow): boolean {
  const set = String(value).toUpperCase();
  return name === "innodb_instant_alter_column_allowed" ? set !== "NEVER" : set !== "COPY" && set !== "ON";
}

/** MySQL keeps a version of the row for each such change, up to a number; a rebuild begins anew. MariaDB does not count. */
async function hasVersionLeft(
  session: MysqlSession,
  schema: TableSchema,
  name: LdbTableName,
): Promise<boolean> {
  const { isMariadb, number } = versionOf(session);
  if (isMariadb) return true;
  const most = number >= 9_001_000 ? 255 : 64;
  // Each change of ours so far has added at least one of the fields beside the key; the last one is still to come.
  const atMost = schema.fields.length - schema.keyFields.length;
  return ((await readVersions(session, name)) ?? atMost - 1) < most;
}

/** Null where the user may not ask, or the server does not tell. */
async function readVersions(session: MysqlSession, name: LdbTableName): Promise<number | null> {
  const sql = `SELECT total_row_versions FROM information_schema.innodb_tables
    WHERE name = CONCAT(DATABASE(), '/', ${textLiteral(name)})`;
  const [result] = await session.run(sql).catch((error: unknown) => {
    if (session.broken) throw error;
    return [];
  });
  const versions = result?.rows[0]?.[0];
  return versions === undefined || versions === null ? null : Number(versions);
}
