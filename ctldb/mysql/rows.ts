/** Reads of the ctldb's own tables, shared by the store and by an open ledger transaction. */
import { CtlstoreError } from "../../core/errors.ts";
import type { FamilyName, WriterName } from "../../core/names.ts";
import { RATE_WINDOW_SECONDS, windowStart } from "../../core/rates.ts";
import { Catalog } from "../../core/schema.ts";
import { toSequence } from "../../core/sequence.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import { decodeTable } from "../catalog-row.ts";
import type { Usage } from "../limits/contract.ts";
import { isNamed } from "../names-condition.ts";
import type { LedgerHead, SystemRow, WriterRecord } from "../store.ts";
import { writerRecord } from "../writer-row.ts";
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
  return `SELECT writer, secret, cookie, previous_secret, previous_secret_until, grants FROM mutators
    WHERE ${isNamed("writer", names)}`;
}

export function toWriter([name, secret, cookie, previous, until, grants]: MysqlRow): WriterRecord {
  return writerRecord({
    name: String(name),
    secret: String(secret),
    cookie: new Uint8Array(cookie as Buffer),
    previous: previous === null || previous === undefined ? null : String(previous),
    until: Number(until ?? 0),
    grants: grants === null || grants === undefined ? null : String(grants),
  });
}

/**
 * What the names have used of this window and the one before; which one it is now, the same round trip tells. By the index,
 * while the ledger lock is held: the names are those of writers that there are.
 */
export function selectUsage(names: readonly string[]): string {
  return `SELECT writer_name, bucket, amount, bytes FROM writer_usage
    WHERE writer_name IN (${names.map(textLiteral).join(",")}) AND bucket > UNIX_TIMESTAMP() - ${2 * RATE_WINDOW_SECONDS}`;
}

export function toUsage(rows: readonly MysqlRow[], nowSeconds: number): Map<string, Usage> {
  const window = windowStart(nowSeconds);
  return new Map(
    rows
      .filter(([, bucket]) => Number(bucket) === window)
      .map(([name, , amount, bytes]) => [
        String(name),
        { rows: BigInt(String(amount)), bytes: BigInt(String(bytes)) },
      ]),
  );
}

/** Cells as they are alike from every database. */
export function toSystemRow(row: MysqlRow): SystemRow {
  return row.map((cell) => (typeof cell === "number" ? String(cell) : cell));
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
