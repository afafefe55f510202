/**
 * The SELECT statements of the reader.
 *
 * Identifiers stand in backticks on every path (D15): SQLite takes a double-quoted name that is no column for a
 * string, so a read of a vanished field would answer the field's name.
 */
import { backtickQuoted } from "../core/sql/identifiers.ts";
import { SUPERSEDED } from "../ldb/layout.ts";
import type { TableShape } from "./table-shape.ts";

/** Columns that travel with the rows. Field names begin with a letter, so none can be one of these. */
export const STATE_VERSION = "_version";
export const STATE_SEQUENCE = "_sequence";
export const KEY_INDEX = "_index";
export const NUL_FIELDS = "_nul";

/** How an LDB tells which schema it has. */
export type VersionSource =
  /** `_ldb_meta`, kept by our Reflector. */
  | "meta"
  /** SQLite's own count of schema changes, and `_ldb_meta` for a replaced generation: the original moved this LDB. */
  | "cookie-and-meta"
  /** SQLite's count alone: an LDB of the original. */
  | "cookie";

/** Which of the LDB's own tables are there. */
export interface OwnTables {
  readonly hasSequence: boolean;
  readonly versionSource: VersionSource;
}

/** The version where `_ldb_meta` no longer says how the LDB is, because the original's Reflector went on with it. */
const META_OUTDATED = -2;

/** True when `_ldb_meta` belongs to the LDB's present sequence. */
export const META_IS_CURRENT_SQL =
  "SELECT m.hash_sequence = s.seq AS current FROM _ldb_meta m, _ldb_seq s WHERE m.id = 1 AND s.id = 1";

const COOKIE = "(SELECT CAST(schema_version AS REAL) FROM pragma_schema_version)";

// Asking SQLite for its own count costs half a microsecond, so it is done only where `_ldb_meta` does not do.
const VERSIONS: Readonly<Record<VersionSource, string>> = {
  meta: `(SELECT CAST(iif(m.hash_sequence = s.seq, m.schema_version, ${META_OUTDATED}) AS REAL)
    FROM _ldb_meta m CROSS JOIN _ldb_seq s WHERE m.id = 1 AND s.id = 1)`,
  "cookie-and-meta": `(SELECT iif(schema_version = ${SUPERSEDED}, ${SUPERSEDED}.0, ${COOKIE})
    FROM _ldb_meta WHERE id = 1)`,
  cookie: COOKIE,
};

/**
 * The state that a row belongs to, read in the same statement as the row and so in the same committed state (I10):
 * which schema, or SUPERSEDED, and which sequence. As doubles, because a driver may refuse larger integers; beyond
 * 2^53 they are rounded, which keeps their order.
 */
export function stateColumns(tables: OwnTables): string {
  const sequence = tables.hasSequence ? "(SELECT CAST(seq AS REAL) FROM _ldb_seq WHERE id = 1)" : "NULL";
  return `${VERSIONS[tables.versionSource]} AS ${STATE_VERSION}, ${sequence} AS ${STATE_SEQUENCE}`;
}

/** How the fields of a table are selected. */
export interface FieldSelection {
  readonly shape: TableShape;
  /** See `LdbConnection.cutsTextAtNul`. */
  readonly cutsTextAtNul: boolean;
}

/**
 * The fields of `t`. For a driver that cuts text at NUL, text holding one comes as bytes, and a further column names
 * the positions of such fields, separated by commas (D5).
 */
function fieldColumns({ shape, cutsTextAtNul }: FieldSelection): string {
  const columns = shape.fieldNames.map((name) => `t.${backtickQuoted(name)}`);
  const named = (column: string, i: number) => `${column} AS ${backtickQuoted(shape.fieldNames[i] ?? "")}`;
  if (!cutsTextAtNul) return columns.map(named).join(", ");
  const holdsNul = (column: string) => `typeof(${column}) = 'text' AND instr(${column}, char(0)) > 0`;
  const whole = columns.map((column) => `iif(${holdsNul(column)}, CAST(${column} AS BLOB), ${column})`);
  const positions = columns.map((column, i) => `iif(${holdsNul(column)}, '${i},', '')`);
  return `${whole.map(named).join(", ")}, ${positions.join(" || ")} AS ${NUL_FIELDS}`;
}

function keyCondition(shape: TableShape, parts: number): string {
  return shape.keyFields
    .slice(0, parts)
    .map((name) => `t.${backtickQuoted(name)} = ?`)
    .join(" AND ");
}

/**
 * One row by its whole key, with the state. Without such a row, one row of nulls with the state: "not found" needs
 * the same proof as a row.
 */
export function pointSql(fields: FieldSelection, tables: OwnTables): string {
  const { shape, cutsTextAtNul } = fields;
  const state = stateColumns(tables);
  const columnCount = shape.fieldNames.length + (cutsTextAtNul ? 1 : 0);
  const nulls = Array.from({ length: columnCount }, () => "NULL").join(", ");
  return (
    `SELECT ${state}, ${fieldColumns(fields)} FROM ${backtickQuoted(shape.ldbName)} t ` +
    `WHERE ${keyCondition(shape, shape.keyFields.length)} UNION ALL SELECT ${state}, ${nulls}`
  );
}

/** The rows of `keyCount` keys, each with its key's position; unused keys are given as nulls, which match nothing. */
export function manySql(fields: FieldSelection, keyCount: number): string {
  const { shape } = fields;
  const names = shape.keyFields.map((_, i) => `c${i}`);
  const marks = names.map(() => "?").join(", ");
  const keys = Array.from({ length: keyCount }, (_, i) => `(${i}, ${marks})`).join(", ");
  const match = shape.keyFields.map((name, i) => `t.${backtickQuoted(name)} = k.c${i}`).join(" AND ");
  return (
    `WITH k(i, ${names.join(", ")}) AS (VALUES ${keys}) ` +
    `SELECT k.i AS ${KEY_INDEX}, ${fieldColumns(fields)} ` +
    `FROM k CROSS JOIN ${backtickQuoted(shape.ldbName)} t ON ${match}`
  );
}

/** The rows whose key begins with so many parts, in key order; the last parameter is the most rows to give. */
export function prefixSql(fields: FieldSelection, parts: number): string {
  const { shape } = fields;
  const where = parts === 0 ? "" : `WHERE ${keyCondition(shape, parts)} `;
  const order = shape.keyFields.map((name) => `t.${backtickQuoted(name)}`).join(", ");
  return `SELECT ${fieldColumns(fields)} FROM ${backtickQuoted(shape.ldbName)} t ${where}ORDER BY ${order} LIMIT ?`;
}

/** How many rows there are whose key begins with so many parts; the last parameter is where counting stops. */
export function countPrefixSql(shape: TableShape, parts: number): string {
  const where = parts === 0 ? "" : `WHERE ${keyCondition(shape, parts)} `;
  return `SELECT count(*) AS count FROM (SELECT 1 FROM ${backtickQuoted(shape.ldbName)} t ${where}LIMIT ?)`;
}
