/**
 * All rows of a ctldb (MySQL or SQLite) or of an LDB in one canonical form, so that equal means equal to the byte (I8).
 *
 * A dump maps `family___table` to its columns and its rows. Each cell says how it is stored and what it holds; rows are
 * sorted by their own text, since the order in which a database returns them means nothing.
 */
import { Database } from "bun:sqlite";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { fieldTypeFromMysql, fieldTypeFromSqlite } from "../../core/field-types.ts";
import { splitLdbTableName } from "../../core/names.ts";
import type { SqlValue } from "../../core/values.ts";

export interface TableDump {
  /** `name type`, in the order of the columns. */
  readonly columns: readonly string[];
  /** Names in the order of the primary key. */
  readonly key: readonly string[];
  /** One text per row, cells joined by `|`; sorted. */
  readonly rows: readonly string[];
}

export type RowsDump = Readonly<Record<string, TableDump>>;

/**
 * One cell: `null`, `integer 5`, `real 1.5e+0`, `text "a"`, `blob 0a1b`. Text and blobs are equal only when their
 * bytes are.
 */
export function canonicalCell(value: SqlValue): string {
  if (value === null) return "null";
  if (typeof value === "bigint") return `integer ${value}`;
  if (typeof value === "number") return `real ${value.toExponential()}`;
  if (typeof value === "string") return `text ${JSON.stringify(value)}`;
  return `blob ${Buffer.from(value).toString("hex")}`;
}

/** One row of a dump, for models that know what should be there. */
export function canonicalRow(values: readonly SqlValue[]): string {
  return values.map(canonicalCell).join("|");
}

function textCell(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  // Bytes that are no UTF-8 would all read as U+FFFD: show them as what they are.
  return Buffer.from(text).equals(bytes) ? canonicalCell(text) : `text x${bytes.toString("hex")}`;
}

function sortedDump(tables: ReadonlyArray<readonly [string, TableDump]>): RowsDump {
  return Object.fromEntries([...tables].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Dumps the users' tables of an open SQLite database that was opened with `safeIntegers`. */
export function dumpSqliteDatabase(db: Database): RowsDump {
  const names = db
    .prepare<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .map(({ name }) => name)
    .filter((name) => splitLdbTableName(name) !== null);
  return sortedDump(names.map((name) => [name, dumpSqliteTable(db, name)] as const));
}

interface SqliteColumn {
  readonly name: string;
  readonly type: string;
  readonly pk: bigint | number;
}

function dumpSqliteTable(db: Database, table: string): TableDump {
  const columns = db
    .prepare<SqliteColumn, [string]>("SELECT name, type, pk FROM pragma_table_info(?)")
    .all(table);
  const cells = columns.map(({ name }) => {
    const column = `\`${name}\``;
    return `typeof(${column}), CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) ELSE ${column} END`;
  });
  const statement = db.prepare(`SELECT ${cells.join(", ")} FROM \`${table}\``);
  const rows = statement.values().map((values) => {
    const texts: string[] = [];
    for (let i = 0; i < values.length; i += 2) texts.push(sqliteCell(String(values[i]), values[i + 1]));
    return texts.join("|");
  });
  statement.finalize();
  const key = columns.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk));
  return {
    columns: columns.map(({ name, type }) => `${name} ${fieldTypeFromSqlite(type) ?? type}`),
    key: key.map(({ name }) => name),
    rows: rows.sort(),
  };
}

function sqliteCell(storage: string, value: unknown): string {
  switch (storage) {
    case "null":
      return "null";
    case "integer":
      if (typeof value !== "bigint") throw new Error("open the database with safeIntegers");
      return canonicalCell(value);
    case "real":
      return canonicalCell(value as number);
    case "text":
      return textCell(Buffer.from((value ?? new Uint8Array()) as Uint8Array));
    default:
      return canonicalCell((value ?? new Uint8Array()) as Uint8Array);
  }
}

/** Dumps an LDB or an embedded ctldb, by its file. */
export function dumpSqliteFile(path: string): RowsDump {
  const db = new Database(path, { readonly: true, safeIntegers: true });
  try {
    db.run("PRAGMA busy_timeout = 5000");
    return db.transaction(() => dumpSqliteDatabase(db))();
  } finally {
    db.close();
  }
}

/** Dumps the users' tables of a ctldb in MySQL or MariaDB as of one moment. */
export async function dumpMysql(url: string): Promise<RowsDump> {
  const connection = await createConnection({
    uri: url,
    charset: "utf8mb4",
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  try {
    await connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT");
    const select = async (sql: string) =>
      (await connection.query<RowDataPacket[][]>({ sql, rowsAsArray: true }))[0] as unknown as unknown[][];
    const columns = await select(
      `SELECT table_name, column_name, column_type, data_type FROM information_schema.columns
       WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`,
    );
    const keys = await select(
      `SELECT table_name, column_name FROM information_schema.statistics
       WHERE table_schema = DATABASE() AND index_name = 'PRIMARY' ORDER BY table_name, seq_in_index`,
    );
    const tables: Array<readonly [string, TableDump]> = [];
    for (const [name, found] of Map.groupBy(columns, ([table]) => String(table))) {
      if (splitLdbTableName(name) === null) continue;
      const key = keys.filter(([table]) => table === name).map(([, column]) => String(column));
      tables.push([name, await dumpMysqlTable(name, found, key, select)]);
    }
    return sortedDump(tables);
  } finally {
    connection.destroy();
  }
}

async function dumpMysqlTable(
  table: string,
  columns: readonly unknown[][],
  key: readonly string[],
  select: (sql: string) => Promise<unknown[][]>,
): Promise<TableDump> {
  const types = columns.map(([, , , dataType]) => String(dataType).toLowerCase());
  const cells = columns.map(([, name], i) => {
    if (types[i] === "bigint") return `\`${name}\``;
    // mysql2 reads some doubles of sixteen digits with the last one wrong.
    if (types[i] === "double") return `CAST(\`${name}\` AS CHAR)`;
    // Bytes, whatever the connection makes of the column's character set.
    return `HEX(\`${name}\`)`;
  });
  const rows = (await select(`SELECT ${cells.join(", ")} FROM \`${table}\``)).map((row) =>
    row.map((value, i) => mysqlCell(types[i] ?? "", value)).join("|"),
  );
  return {
    columns: columns.map(([, name, type]) => `${name} ${fieldTypeFromMysql(String(type)) ?? type}`),
    key,
    rows: rows.sort(),
  };
}

function mysqlCell(dataType: string, value: unknown): string {
  if (value === null) return "null";
  if (dataType === "bigint") return canonicalCell(BigInt(String(value)));
  if (dataType === "double") return canonicalCell(Number(value));
  const bytes = Buffer.from(String(value), "hex");
  return /char|text/.test(dataType) ? textCell(bytes) : canonicalCell(bytes);
}

/** Dumps a ctldb by the URL that `openCtlDb` takes. */
export async function dumpCtlDb(url: string): Promise<RowsDump> {
  return url.startsWith("sqlite:") ? dumpSqliteFile(url.slice("sqlite:".length)) : dumpMysql(url);
}
