/**
 * Tells whether anything was changed in an embedded ctldb, beside the Executive that has it: first by SQLite's own counter
 * of commits, and where that moved, by what the tables hold.
 */
import { Database } from "bun:sqlite";

export interface CtlDbWatch extends Disposable {
  /** Equal before and after a request: it changed nothing. */
  state(): string;
}

/** Rows that tell one state from another; of long tables their end, since entries are only ever added there. */
const LOOKS = [
  "SELECT MAX(seq) FROM ctlstore_dml_ledger",
  "SELECT MAX(id) FROM ctlstore_audit",
  "SELECT * FROM locks ORDER BY id",
  "SELECT * FROM mutators ORDER BY writer",
  "SELECT * FROM families ORDER BY id",
  "SELECT * FROM ctlstore_operators ORDER BY 1",
  "SELECT * FROM ctlstore_readers ORDER BY 1, 2, 3",
  "SELECT * FROM max_table_sizes ORDER BY 1, 2",
  "SELECT * FROM max_writer_rates ORDER BY 1",
  "SELECT writer_name, bucket, amount FROM writer_usage ORDER BY 1, 2",
] as const;

export function watchCtlDb(path: string): CtlDbWatch {
  const database = new Database(path, { readonly: true, safeIntegers: true });
  const version = database.query<{ data_version: bigint }, []>("PRAGMA data_version");
  const looks = LOOKS.map((sql) => database.query(sql));
  let seen: bigint | undefined;
  let state = "";
  return {
    state: () => {
      const now = version.get()?.data_version;
      if (now !== seen || now === undefined)
        state = JSON.stringify(
          looks.map((look) => look.values()),
          asText,
        );
      seen = now;
      return state;
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function asText(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
