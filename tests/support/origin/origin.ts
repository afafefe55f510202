/** A real system of record for tests: a MariaDB of its own that writes a row binlog, as an operator sets one up for Debezium. */
import { type Connection, createConnection } from "mysql2/promise";
import { startMariadb } from "../mariadb.ts";
import type { MysqlServer } from "../mysql-server.ts";
import type { OriginColumn } from "./column-codec.ts";

export interface Origin extends AsyncDisposable {
  readonly server: MysqlServer;
  readonly database: string;
  /** Runs a statement. Dates and big numbers of its rows are text. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** A further connection with the same settings, for whoever needs a transaction of its own. */
  connect(): Promise<Connection>;
  /** The columns of a table as they are now, in their order. */
  columns(table: string): Promise<readonly OriginColumn[]>;
}

const BINLOG_FLAGS = [
  "--log-bin=binlog",
  "--server-id=1",
  "--binlog-format=ROW",
  "--binlog-row-image=FULL",
  // The reader asks information_schema for types: what FULL metadata says of MariaDB's own types, it misreads.
  "--binlog-row-metadata=MINIMAL",
];

export async function startOrigin(): Promise<Origin> {
  const server = await startMariadb(BINLOG_FLAGS);
  const url = await server.createDatabase();
  const database = url.slice(url.lastIndexOf("/") + 1);
  const connect = () =>
    createConnection({
      uri: url,
      dateStrings: true,
      timezone: "+00:00",
      supportBigNumbers: true,
      bigNumberStrings: true,
      jsonStrings: true,
    });
  const connection = await connect();
  const query = async (sql: string) => {
    const [rows] = await connection.query(sql);
    return rows as Record<string, unknown>[];
  };
  return {
    server,
    database,
    query,
    connect,
    columns: async (table) => {
      const rows = await query(columnsQuery(database, table));
      return rows.map((row) => ({
        name: String(row["name"]),
        type: String(row["type"]),
        isNullable: row["nullable"] === "YES",
        isKey: row["column_key"] === "PRI",
        isJson: row["check_clause"] !== null,
      }));
    },
    async [Symbol.asyncDispose]() {
      await connection.end();
      await server.stop();
    },
  };
}

function columnsQuery(database: string, table: string): string {
  return `SELECT c.COLUMN_NAME AS name, c.COLUMN_TYPE AS type, c.IS_NULLABLE AS nullable, c.COLUMN_KEY AS column_key,
      k.CHECK_CLAUSE AS check_clause
    FROM information_schema.COLUMNS c LEFT JOIN information_schema.CHECK_CONSTRAINTS k
      ON k.CONSTRAINT_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME AND k.CONSTRAINT_NAME = c.COLUMN_NAME
      AND k.CHECK_CLAUSE LIKE 'json_valid(%'
    WHERE c.TABLE_SCHEMA = '${database}' AND c.TABLE_NAME = '${table}' ORDER BY c.ORDINAL_POSITION`;
}
