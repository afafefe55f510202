/** The ctldb made by the original ctlstore, loaded into MariaDB, and its SQL as it writes. */
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { textLiteral } from "../../core/sql/literals.ts";
import { sharedMariadb } from "../support/mariadb.ts";

const DUMP = join(import.meta.dir, "fixtures", "original-ctldb.sql.gz");

/** One text per table, and the dump's settings before them. */
async function dumpSections(): Promise<string[]> {
  const sql = new TextDecoder().decode(Bun.gunzipSync(await Bun.file(DUMP).bytes()));
  return sql.split(/(?=^-- Table structure for table `)/m);
}

/** True for the users' tables alone; `abc____tbl1` is one of family `abc_`. */
function isUserTable(section: string): boolean {
  return /^-- Table structure for table `\w+?___/.test(section);
}

/**
 * Loads the dump into a new database and returns its URL.
 * @param only the users' tables to load, for tests that need few; the ledger is always whole
 */
export async function loadOriginal(only?: readonly string[]): Promise<string> {
  const url = await (await sharedMariadb()).createDatabase();
  const isWanted = (section: string) =>
    only === undefined || !isUserTable(section) || only.some((name) => section.includes(`table \`${name}\``));
  const sql = (await dumpSections()).filter(isWanted).join("");
  const connection = await createConnection({ uri: url, charset: "utf8mb4", multipleStatements: true });
  try {
    await connection.query(sql);
  } finally {
    connection.destroy();
  }
  return url;
}

export interface OriginalWrite {
  /** What it runs on its own tables. */
  readonly sql: string;
  /** What it puts into the ledger. */
  readonly statement: string;
}

/**
 * Writes as the original's Executive does: lock, rows, ledger entries with a sequence of MySQL's own choice.
 * @param end ROLLBACK leaves a gap in the sequence
 */
export async function writeAsOriginal(
  url: string,
  writes: readonly OriginalWrite[],
  end: "COMMIT" | "ROLLBACK" = "COMMIT",
): Promise<void> {
  const connection = await createConnection({ uri: url, charset: "utf8mb4" });
  try {
    await connection.query("SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')");
    await connection.query("BEGIN");
    await connection.query("UPDATE locks SET clock = clock + 1 WHERE id = 'ledger'");
    const statements = writes.map((write) => write.statement);
    const fenced = writes.length > 1 ? ["--- BEGIN", ...statements, "--- COMMIT"] : statements;
    for (const { sql } of writes) await connection.query(sql);
    for (const statement of fenced) {
      await connection.query(`INSERT INTO ctlstore_dml_ledger (statement) VALUES(${textLiteral(statement)})`);
    }
    await connection.query(end);
  } finally {
    connection.destroy();
  }
}

/** A statement that is the same in both dialects. */
export function same(statement: string): OriginalWrite {
  return { sql: statement, statement };
}
