/** The text of a ledger transaction for MySQL: as few and as large statements as possible (D12). */
import { formatLeaderTimestamp } from "../../core/ledger/timestamps.ts";
import { ldbTableName } from "../../core/names.ts";
import { doubleQuoted } from "../../core/sql/identifiers.ts";
import { bytesLiteral, mysqlLiteral, textLiteral } from "../../core/sql/literals.ts";
import type { LedgerTail, NewEntry, RowOperation } from "../store.ts";

/** How much goes into one statement and into one round trip, in UTF-16 units. */
export interface Packing {
  /** Rows of one statement are cut here; a single longer row stands alone. */
  readonly statementChars: number;
  /** Statements of one packet are cut here; a single longer statement stands alone. */
  readonly packetChars: number;
}

/** Beyond these, larger packets gain nothing. */
const MOST_STATEMENT_CHARS = 512 * 1024;
const MOST_PACKET_CHARS = 1024 * 1024;
/** Around a statement: the packet's header, column names, a savepoint beside it. */
const PACKET_SLACK_BYTES = 4096;

/** Keeps every packet below the server's limit, with three bytes for each unit. */
export function packingFor(maxPacketBytes: number): Packing {
  const chars = Math.floor((maxPacketBytes - PACKET_SLACK_BYTES) / 3);
  return {
    statementChars: Math.min(MOST_STATEMENT_CHARS, chars),
    packetChars: Math.min(MOST_PACKET_CHARS, chars),
  };
}

/** The longest ledger statement that fits a packet as a string literal, were it nothing but quotes. */
export function longestStatementBytes(maxPacketBytes: number): number {
  return Math.floor((maxPacketBytes - PACKET_SLACK_BYTES) / 2);
}

/** Statements that have the effect of the operations, in order; runs of upserts into one table become one REPLACE. */
export function applyStatements(operations: readonly RowOperation[], packing: Packing): string[] {
  const statements: string[] = [];
  let open: { readonly operation: RowOperation; readonly rows: string[]; chars: number } | null = null;
  const close = () => {
    if (open !== null) statements.push(upsertRows(open.operation, open.rows));
    open = null;
  };
  for (const operation of operations) {
    if (operation.kind !== "upsert") {
      close();
      statements.push(operation.kind === "delete" ? deleteRow(operation) : operation.statement);
      continue;
    }
    const row = `(${operation.values.map(mysqlLiteral).join(",")})`;
    if (
      open !== null &&
      (open.operation.schema !== operation.schema || open.chars + row.length > packing.statementChars)
    )
      close();
    open ??= { operation, rows: [], chars: 0 };
    open.rows.push(row);
    open.chars += row.length;
  }
  close();
  return statements;
}

function upsertRows({ schema }: RowOperation, rows: readonly string[]): string {
  const columns = schema.fields.map((field) => doubleQuoted(field.name)).join(",");
  return `REPLACE INTO ${ldbTableName(schema.family, schema.table)} (${columns}) VALUES ${rows.join(",")}`;
}

function deleteRow({ schema, values }: RowOperation): string {
  const conditions = schema.keyFields.map(
    (name, i) => `${doubleQuoted(name)} = ${mysqlLiteral(values[i] ?? null)}`,
  );
  return `DELETE FROM ${ldbTableName(schema.family, schema.table)} WHERE ${conditions.join(" AND ")}`;
}

const ENTRY_COLUMNS = "seq, leader_ts, statement, timestamp_us, hash, family_name, table_name, writer";

/** INSERTs of ledger entries, many rows each. */
function entryStatements(entries: readonly NewEntry[], packing: Packing): string[] {
  const statements: string[] = [];
  // Named only where it is needed: nobody who traces nothing pays for it.
  const isTraced = entries.some(({ trace }) => trace !== null);
  const columns = isTraced ? `${ENTRY_COLUMNS}, trace` : ENTRY_COLUMNS;
  let rows: string[] = [];
  let chars = 0;
  const close = () => {
    if (rows.length > 0)
      statements.push(`INSERT INTO ctlstore_dml_ledger (${columns}) VALUES ${rows.join(",")}`);
    rows = [];
    chars = 0;
  };
  for (const entry of entries) {
    const row = isTraced ? `(${entryRow(entry)},${textOrNull(entry.trace)})` : `(${entryRow(entry)})`;
    if (chars + row.length > packing.statementChars) close();
    rows.push(row);
    chars += row.length;
  }
  close();
  return statements;
}

function entryRow({ sequence, timestampUs, statement, hash, table, writer }: NewEntry): string {
  const names = table === null ? "NULL,NULL" : `'${table.family}','${table.table}'`;
  return `${sequence},'${formatLeaderTimestamp(timestampUs)}',${textLiteral(statement)},${timestampUs},${bytesLiteral(hash)},${names},${textOrNull(writer)}`;
}

function textOrNull(text: string | null): string {
  return text === null ? "NULL" : textLiteral(text);
}

/** Everything of the tail but COMMIT. */
export function tailStatements(tail: LedgerTail, packing: Packing): string[] {
  const { sequence, hash, schemaVersion } = tail.head;
  return [
    ...entryStatements(tail.entries, packing),
    ...tail.cookies.map(
      ({ writer, cookie, moves }) =>
        `UPDATE mutators SET cookie = ${bytesLiteral(cookie)}, clock = clock + ${moves} WHERE writer = ${textLiteral(writer)}`,
    ),
    ...tail.newFamilies.map((family) => `INSERT INTO families (name) VALUES (${textLiteral(family)})`),
    ...(tail.statements ?? []),
    `UPDATE locks SET seq = ${sequence}, hash = ${bytesLiteral(hash)}, schema_version = ${schemaVersion}${tail.changesPolicy === true ? ", policy_version = policy_version + 1" : ""} WHERE id = 'ledger'`,
  ];
}

/** Packs statements into packets, keeping their order. */
export function packets(statements: readonly string[], { packetChars }: Packing): string[][] {
  const packed: string[][] = [];
  let current: string[] = [];
  let chars = 0;
  for (const statement of statements) {
    if (current.length > 0 && chars + statement.length > packetChars) {
      packed.push(current);
      current = [];
      chars = 0;
    }
    current.push(statement);
    chars += statement.length + 1;
  }
  if (current.length > 0) packed.push(current);
  return packed;
}
