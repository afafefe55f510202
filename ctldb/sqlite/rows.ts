/** Reads of the embedded ctldb's own tables. */
import type { Database } from "bun:sqlite";
import { CtlstoreError } from "../../core/errors.ts";
import type { FamilyName, WriterName } from "../../core/names.ts";
import { Catalog } from "../../core/schema.ts";
import { toSequence } from "../../core/sequence.ts";
import { decodeTable } from "../catalog-row.ts";
import type { Usage } from "../limits/contract.ts";
import type { LedgerHead, SystemRow, WriterRecord } from "../store.ts";
import { writerRecord } from "../writer-row.ts";

export function readHead(db: Database): LedgerHead {
  const sql = "SELECT seq, hash, schema_version FROM locks WHERE id = 'ledger'";
  const row = db.query<{ seq: bigint; hash: Uint8Array; schema_version: bigint }, []>(sql).get();
  if (row === null) {
    throw new CtlstoreError("ctldb_incompatible", "Cannot read the ledger: its lock row is gone");
  }
  return { sequence: toSequence(row.seq), hash: row.hash, schemaVersion: row.schema_version };
}

interface WriterCells {
  readonly secret: string;
  readonly cookie: Uint8Array;
  readonly previous_secret: string | null;
  readonly previous_secret_until: bigint | null;
  readonly grants: string | null;
}

export function readWriter(db: Database, name: WriterName): WriterRecord | null {
  const sql =
    "SELECT secret, cookie, previous_secret, previous_secret_until, grants FROM mutators WHERE writer = ?";
  const row = db.query<WriterCells, [string]>(sql).get(name);
  if (row === null) return null;
  const { secret, cookie, previous_secret: previous, previous_secret_until: until, grants } = row;
  return writerRecord({ name, secret, cookie, previous, until: Number(until ?? 0n), grants });
}

/** What the names have used of the window that begins at `window`. */
export function readUsage(db: Database, names: readonly string[], window: number): Map<string, Usage> {
  const sql = "SELECT amount, bytes FROM writer_usage WHERE writer_name = ? AND bucket = ?";
  const query = db.query<{ amount: bigint; bytes: bigint }, [string, number]>(sql);
  return new Map(
    names.flatMap((name) => {
      const row = query.get(name, window);
      return row === null ? [] : [[name, { rows: row.amount, bytes: row.bytes }] as const];
    }),
  );
}

export function readPolicyVersion(db: Database): bigint {
  const sql = "SELECT policy_version FROM locks WHERE id = 'ledger'";
  return db.query<{ policy_version: bigint }, []>(sql).get()?.policy_version ?? 0n;
}

/** Cells as they are alike from every database. */
export function systemRows(db: Database, sql: string): SystemRow[] {
  const statement = db.prepare(sql);
  try {
    return statement
      .values()
      .map((row) =>
        row.map((cell) =>
          typeof cell === "bigint" || typeof cell === "number" ? String(cell) : (cell as SystemRow[number]),
        ),
      );
  } finally {
    statement.finalize();
  }
}

/** One transaction, or the version could be older than the tables; inside the ledger lock there is one already. */
export function loadCatalog(db: Database): Catalog {
  const load = () => {
    const families = db.query<{ name: string }, []>("SELECT name FROM families").all();
    const sql = "SELECT family_name, table_name, definition FROM ctlstore_tables";
    const tables = db.query<{ family_name: string; table_name: string; definition: string }, []>(sql).all();
    return new Catalog(
      readHead(db).schemaVersion,
      families.map((row) => row.name as FamilyName),
      tables.map((row) => decodeTable(row.family_name, row.table_name, row.definition)),
    );
  };
  return db.inTransaction ? load() : db.transaction(load)();
}
