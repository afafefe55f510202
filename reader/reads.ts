/** The reads themselves, on one session. What they throw is judged by their caller (`reader.ts`). */
import { CtlstoreError } from "../core/errors.ts";
import { READER_LIMITS } from "../core/limits.ts";
import type { LdbValue } from "../ldb/connection.ts";
import { checkKey, checkPrefix, originalKey } from "./keys.ts";
import { ledgerLatencySeconds } from "./latency.ts";
import type { Session } from "./session.ts";
import type { TableReads } from "./table-reads.ts";
import { listTables } from "./table-shape.ts";
import type { Key, KeyValue, ReaderTable, Row } from "./types.ts";

function tooLarge(what: string, limit: number, hint: string): CtlstoreError {
  return new CtlstoreError("request_too_large", `Cannot read ${what} in one call: the limit is ${limit}`, {
    hint,
  });
}

export function rowByKey(
  session: Session,
  family: string,
  table: string,
  key: readonly KeyValue[],
): Row | null {
  const reads = session.table(family, table);
  const parameters = checkKey(reads.shape, key);
  const row = reads.point(parameters);
  if (row !== null) return row;
  const original = originalKey(parameters);
  return original === null ? null : reads.point(original);
}

/** Fills in the rows that only the original's form of the key finds (D5). */
function addOriginalRows(reads: TableReads, keys: readonly LdbValue[][], rows: (Row | null)[]): void {
  rows.forEach((row, i) => {
    const original = row === null ? originalKey(keys[i] ?? []) : null;
    if (original !== null) rows[i] = reads.point(original);
  });
}

export function rowsByKeys(
  session: Session,
  family: string,
  table: string,
  keys: readonly Key[],
): (Row | null)[] {
  if (keys.length > READER_LIMITS.keysPerCall) {
    throw tooLarge(
      `${keys.length} keys`,
      READER_LIMITS.keysPerCall,
      "read in several calls inside a snapshot",
    );
  }
  return session.transaction(() => {
    const reads = session.table(family, table);
    const parameters = keys.map((key) => checkKey(reads.shape, Array.isArray(key) ? key : [key]));
    const rows = reads.many(parameters);
    addOriginalRows(reads, parameters, rows);
    return rows;
  });
}

export function rowsByKeyPrefix(
  session: Session,
  family: string,
  table: string,
  prefix: readonly KeyValue[],
): Row[] {
  return session.transaction(() => {
    const reads = session.table(family, table);
    const limit = READER_LIMITS.prefixRows;
    const parameters = checkPrefix(reads.shape, prefix);
    const rows = reads.prefix(parameters, limit + 1);
    // SQLite orders bytes after text, so the rows of the original's form come last.
    const original = originalKey(parameters);
    if (original !== null) rows.push(...reads.prefix(original, limit + 1));
    if (rows.length > limit) throw tooLarge(`more than ${limit} rows`, limit, "give more parts of the key");
    return rows;
  });
}

export function allTables(session: Session, family?: string): { family: string; table: string }[] {
  const wanted = family?.toLowerCase();
  return session.transaction(() =>
    listTables(session.connection).filter((table) => wanted === undefined || table.family === wanted),
  );
}

export function tableSchema(session: Session, family: string, table: string): ReaderTable {
  return session.transaction(() => {
    const { shape } = session.table(family, table);
    return {
      family: shape.family,
      table: shape.table,
      fields: shape.fields.map((field) => ({ ...field })),
      keyFields: [...shape.keyFields],
    };
  });
}

export function ledgerLatency(session: Session, nowUs: number): number {
  return session.transaction(() => ledgerLatencySeconds(session.connection, nowUs));
}

export function lastSequence(session: Session): bigint {
  return session.transaction(() => session.exactSequence());
}
