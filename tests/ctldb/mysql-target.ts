/** A MySQL-like server as a target of the conformance suite, and SQL behind a ctldb's back. */
import { createConnection, type RowDataPacket } from "mysql2/promise";
import type { MysqlServer } from "../support/mysql-server.ts";
import type { ConformanceTarget } from "./conformance.ts";

/** Runs one statement on the database of a URL, as an administrator would by hand; rows as arrays. */
export async function mysqlQuery(url: string, sql: string): Promise<unknown[][]> {
  const connection = await createConnection({ uri: url, charset: "utf8mb4", multipleStatements: false });
  try {
    const [rows] = await connection.query<RowDataPacket[][]>({ sql, rowsAsArray: true });
    return rows as unknown as unknown[][];
  } finally {
    connection.destroy();
  }
}

/** Several statements one after the other on one connection. */
export async function mysqlScript(url: string, statements: readonly string[]): Promise<void> {
  const connection = await createConnection({ uri: url, charset: "utf8mb4" });
  try {
    for (const sql of statements) await connection.query(sql);
  } finally {
    connection.destroy();
  }
}

export function mysqlTarget(
  name: string,
  server: RegExp,
  shared: () => Promise<MysqlServer>,
): ConformanceTarget {
  return {
    name,
    kind: "mysql",
    server,
    createDatabase: async () => (await shared()).createDatabase(),
    sql: (url, statement) => mysqlScript(url, [statement]),
  };
}
