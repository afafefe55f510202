/** Reads of the embedded ctldb's own tables. */
import type { Database } from "bun:sqlite";
import { CtlstoreError } from "../../core/errors.ts";
import type { FamilyName, WriterName } from "../../core/names.ts";
import { Catalog } from "../../core/schema.ts";
import { toSequence } from "../../core/sequence.ts";
import { decodeTable } from "../catalog-row.ts";
import type { LedgerHead, WriterRecord } from "../store.ts";

export function readHead(db: Database): LedgerHead {
  const sql = "SELECT seq, hash, schema_version FROM locks WHERE id = 'ledger'";
  const row = db.query<{ seq: bigint; hash: Uint8Array; schema_version: bigint }, []>(sql).get();
  if (row === null) {
    throw new CtlstoreError("ctldb_incompatible", "Cannot read the ledger: its lock row is gone");
  }
  return { sequence: toSequence(row.seq), hash: row.hash, schemaVersion: row.schema_version };
}

export function readWriter(db: Database, name: WriterName): WriterRecord | null {
  const sql = "SELECT secret, cookie FROM mutators WHERE writer = ?";
  const row = db.query<{ secret: string; cookie: Uint8Array }, [string]>(sql).get(name);
  return row === null ? null : { name, secretHash: row.secret, cookie: row.cookie };
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
