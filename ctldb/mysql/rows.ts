/** Reads of the ctldb's own tables, shared by the store and by an open ledger transaction. */
import { CtlstoreError } from "../../core/errors.ts";
import type { FamilyName, WriterName } from "../../core/names.ts";
import { Catalog } from "../../core/schema.ts";
import { toSequence } from "../../core/sequence.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { decodeTable } from "../catalog-row.ts";
import type { LedgerHead, WriterRecord } from "../store.ts";
import type { MysqlResult, MysqlRow, MysqlSession } from "./session.ts";

export const SELECT_HEAD = "SELECT seq, hash, schema_version FROM locks WHERE id = 'ledger'";

export function toHead(row: MysqlRow | undefined): LedgerHead {
  const [sequence, hash, schemaVersion] = row ?? [];
  if (!Buffer.isBuffer(hash)) {
    throw new CtlstoreError(
      "ctldb_incompatible",
      "Cannot read the ledger: its lock row is gone or not initialised",
    );
  }
  return { sequence: toSequence(String(sequence)), hash, schemaVersion: BigInt(String(schemaVersion)) };
}

export function selectWriters(names: readonly WriterName[]): string {
  return `SELECT writer, secret, cookie FROM mutators WHERE writer IN (${names.map(textLiteral).join(",")})`;
}

export function toWriter([name, secret, cookie]: MysqlRow): WriterRecord {
  return {
    name: String(name) as WriterName,
    secretHash: String(secret),
    cookie: new Uint8Array(cookie as Buffer),
  };
}

const SELECT_CATALOG = [
  SELECT_HEAD,
  "SELECT name FROM families",
  "SELECT family_name, table_name, definition FROM ctlstore_tables",
].join(";");

function toCatalog([head, families, tables]: readonly MysqlResult[]): Catalog {
  return new Catalog(
    toHead(head?.rows[0]).schemaVersion,
    (families?.rows ?? []).map(([name]) => String(name) as FamilyName),
    (tables?.rows ?? []).map(([family, table, definition]) =>
      decodeTable(String(family), String(table), String(definition)),
    ),
  );
}

/** The catalog as the session's open transaction sees it. */
export async function loadCatalogInTransaction(session: MysqlSession): Promise<Catalog> {
  return toCatalog(await session.execute(SELECT_CATALOG, "load the catalog"));
}

/** The committed catalog: version and tables of one moment. */
export async function loadCatalog(session: MysqlSession): Promise<Catalog> {
  const sql = `START TRANSACTION WITH CONSISTENT SNAPSHOT;${SELECT_CATALOG};COMMIT`;
  try {
    return toCatalog((await session.execute(sql, "load the catalog")).slice(1, 4));
  } catch (error) {
    // The snapshot may still be open: later reads of this session would see it for ever.
    session.destroy();
    throw error;
  }
}
