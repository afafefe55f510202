/** What an LDB says of the state that it is in, besides its rows. */
import type { LdbConnection, LdbRow, LdbStatement } from "../ldb/connection.ts";
import { newestTimestampUs } from "./latency.ts";

export interface StateFacts {
  /** Of the last ledger entry in this state. */
  readonly sequence: bigint;
  /** When that entry was written, in microseconds since 1970; null when the LDB does not say. */
  readonly ledgerTimestampUs: number | null;
  /** The chain's link at the sequence: another history has another one there. Null in an LDB that the original moved. */
  readonly hash: Uint8Array | null;
  /** Which file it was read from: where a damaged LDB was rebuilt, another one holds other rows at the same sequence. */
  readonly file: string;
}

/** Reads the facts by one statement, prepared for the tables that the LDB has. */
export class StateFactsStatement {
  readonly #statement: LdbStatement;
  readonly #file: string;

  /** Call inside a read transaction, as `read`; for as long as the LDB's tables stay the same. */
  constructor(connection: LdbConnection, file: string) {
    this.#file = file;
    const find = connection.prepare(
      "SELECT name FROM sqlite_schema WHERE name LIKE '\\_ldb\\_%' ESCAPE '\\'",
      false,
    );
    const names = new Set(find.all().map((row) => row["name"]));
    find.finalize();
    this.#statement = connection.prepare(factsSql(names), true);
  }

  /** Of an LDB that has a sequence. */
  read(): StateFacts {
    const row: LdbRow = this.#statement.get() ?? {};
    const own = row["own_us"];
    return {
      sequence: BigInt(row["sequence"] as bigint),
      ledgerTimestampUs: newestTimestampUs(own === null ? null : Number(own), row["original"]),
      hash: row["hash"] instanceof Uint8Array ? row["hash"] : null,
      file: this.#file,
    };
  }

  finalize(): void {
    this.#statement.finalize();
  }
}

function factsSql(tables: ReadonlySet<unknown>): string {
  const hasMeta = tables.has("_ldb_meta");
  const own = hasMeta ? "m.ledger_timestamp_us" : "NULL";
  const hash = hasMeta ? "iif(m.hash_sequence = s.seq, m.hash, NULL)" : "NULL";
  const original = tables.has("_ldb_last_update")
    ? "(SELECT CAST(timestamp AS TEXT) FROM _ldb_last_update WHERE name = 'ledger')"
    : "NULL";
  const meta = hasMeta ? "LEFT JOIN _ldb_meta m ON m.id = 1" : "";
  return (
    `SELECT s.seq AS sequence, ${own} AS own_us, ${hash} AS hash, ${original} AS original ` +
    `FROM _ldb_seq s ${meta} WHERE s.id = 1`
  );
}
