/**
 * Pages of a table in MySQL: head and rows of one consistent snapshot.
 *
 * Where rows may be long, their sizes are asked for first: what is not to be sent is not read into memory either, and the
 * connection need not be given up in the middle of an answer.
 */
import type { FieldType } from "../../core/field-types.ts";
import { ldbTableName } from "../../core/names.ts";
import { doubleQuoted } from "../../core/sql/identifiers.ts";
import { mysqlLiteral } from "../../core/sql/literals.ts";
import type { SqlValue } from "../../core/values.ts";
import { longestRowBytes, type PageSelection, restAfter, type StoredPage } from "../row-pages.ts";
import { isTableChanged } from "./errors.ts";
import { exactColumn } from "./found-tables.ts";
import { SELECT_HEAD, toHead } from "./rows.ts";
import type { MysqlRow, MysqlSession, MysqlValue } from "./session.ts";

const BEGIN = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/** Null when the table is not, or no longer, as the schema says. @throws CtlstoreError `ctldb_unavailable` */
export async function readPage(session: MysqlSession, selection: PageSelection): Promise<StoredPage | null> {
  const action = `read table ${selection.schema.family}/${selection.schema.table}`;
  try {
    const begun = await session.execute(`${BEGIN};${SELECT_HEAD}`, action);
    const { sequence } = toHead(begun[1]?.rows[0]);
    const limit = await rowsThatFit(session, selection, action);
    const found = await session.select(selectPage(selection, limit + 1), action);
    const rows = found.slice(0, limit).map((row) => toValues(row, selection));
    return { rows, hasMore: found.length > limit, sequence };
  } catch (error) {
    if (isTableChanged(error)) return null;
    throw error;
  } finally {
    // The snapshot must not stay open: later reads of this session would see it for ever.
    await session.rollback();
  }
}

/** At least one, however long it is. */
async function rowsThatFit(session: MysqlSession, selection: PageSelection, action: string): Promise<number> {
  const { fields, limit, bytes } = selection;
  if (limit * longestRowBytes(fields) <= bytes) return limit;
  const sizes = await session.select(selectSizes(selection), action);
  let sum = 0;
  let count = 0;
  for (const [size] of sizes) {
    if (sum >= bytes) break;
    sum += Number(size);
    count += 1;
  }
  return Math.max(1, count);
}

function selectSizes(selection: PageSelection): string {
  const size = selection.fields
    .map(({ name }) => `COALESCE(OCTET_LENGTH(${doubleQuoted(name)}), 4)`)
    .join(" + ");
  return `SELECT ${size} ${fromAfter(selection, selection.limit)}`;
}

function selectPage(selection: PageSelection, limit: number): string {
  return `SELECT ${selection.fields.map(exactColumn).join(", ")} ${fromAfter(selection, limit)}`;
}

function fromAfter(selection: PageSelection, limit: number): string {
  const { schema, key, prefix } = selection;
  const columns = key.map(({ name }) => doubleQuoted(name));
  const conditions = prefix.map((value, i) => `${columns[i]} = ${mysqlLiteral(value)}`);
  const rest = restAfter(selection);
  if (rest.after !== null) {
    conditions.push(
      isAfter(
        rest.columns.map(({ name }) => doubleQuoted(name)),
        rest.after,
      ),
    );
  }
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  const table = ldbTableName(schema.family, schema.table);
  return `FROM ${table}${where} ORDER BY ${columns.join(", ")} LIMIT ${limit}`;
}

/**
 * `(a, b) > (1, 2)` as `a >= 1 AND (a > 1 OR (a = 1 AND b > 2))`: neither MySQL nor MariaDB finds its way through the
 * primary key by a comparison of rows.
 */
function isAfter(columns: readonly string[], after: readonly SqlValue[]): string {
  // After the one row that a prefix names there is none.
  if (columns.length === 0) return "1 = 0";
  const literals = after.map(mysqlLiteral);
  const alternatives = columns.map((column, i) => {
    const equal = columns.slice(0, i).map((before, j) => `${before} = ${literals[j]}`);
    return `(${[...equal, `${column} > ${literals[i]}`].join(" AND ")})`;
  });
  return `${columns[0]} >= ${literals[0]} AND (${alternatives.join(" OR ")})`;
}

function toValues(row: MysqlRow, { fields }: PageSelection): SqlValue[] {
  return fields.map(({ type }, i) => {
    const value = row[i] ?? null;
    return value === null ? null : DECODERS[type](value);
  });
}

const DECODERS: Readonly<Record<FieldType, (value: Exclude<MysqlValue, null>) => SqlValue>> = {
  integer: (value) => BigInt(String(value)),
  decimal: Number,
  string: String,
  text: String,
  binary: (value) => value as Buffer,
  bytestring: (value) => value as Buffer,
};
