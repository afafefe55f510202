/**
 * What a column is at the origin, as MySQL and MariaDB write it (`bigint(20) unsigned`, `datetime(6)`), from the event's
 * schema (`column.propagate.source.type` of the connector) or from the mapping.
 */
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { ColumnRules } from "./column-rules.ts";
import type { ConnectType } from "./connect-type.ts";

/** What kind of column it is; the names of MySQL that mean the same are one here. */
export type OriginKind =
  | "boolean"
  | "bit"
  | "integer"
  | "bigint"
  | "float"
  | "decimal"
  | "char" // CHAR and VARCHAR: their length counts characters
  | "text"
  | "binary"
  | "date"
  | "time"
  | "datetime"
  | "timestamp"
  | "year"
  | "geometry"
  | "vector";

export interface OriginColumn {
  readonly kind: OriginKind;
  readonly isUnsigned: boolean;
  /** Characters, bytes, bits, digits or digits of a fraction, whatever the type counts; null when not said. */
  readonly length: number | null;
  /** Digits after the point. */
  readonly scale: number | null;
}

const KINDS: ReadonlyMap<string, OriginKind> = new Map<string, OriginKind>([
  ...kind("boolean", "bool boolean"),
  ...kind("bit", "bit"),
  ...kind("integer", "tinyint smallint mediumint middleint int integer int1 int2 int3 int4"),
  ...kind("bigint", "bigint int8 serial"),
  ...kind("float", "float float4 float8 double real"),
  ...kind("decimal", "decimal numeric dec fixed number"),
  ...kind("char", "char varchar nchar nvarchar character varcharacter varchar2"),
  ...kind("text", "tinytext text mediumtext longtext long clob json enum set uuid inet4 inet6 xmltype"),
  ...kind("binary", "binary varbinary tinyblob blob mediumblob longblob raw"),
  ...kind("date", "date"),
  ...kind("time", "time"),
  ...kind("datetime", "datetime"),
  ...kind("timestamp", "timestamp"),
  ...kind("year", "year"),
  ...kind("geometry", "geometry point linestring polygon multipoint multilinestring multipolygon"),
  ...kind("geometry", "geometrycollection geomcollection"),
  ...kind("vector", "vector"),
]);

function kind(means: OriginKind, names: string): [string, OriginKind][] {
  return names.split(" ").map((name) => [name, means]);
}

/** The name, what stands in parentheses, and what comes after: of an ENUM the options, which may hold anything. */
const COLUMN = /^\s*([a-z][a-z0-9]*)(?:\s+precision|\s+varying)?\s*(?:\((.*)\))?\s*([^()]*)$/is;

/** Reads a column's type as SQL writes it; null for a type that is not known. */
export function parseOriginColumn(text: string): OriginColumn | null {
  const match = COLUMN.exec(text);
  const [, name = "", inside = "", rest = ""] = match ?? [];
  const found = KINDS.get(name.toLowerCase());
  if (found === undefined) return null;
  const numbers = /^\s*(\d{1,9})\s*(?:,\s*(\d{1,9})\s*)?$/.exec(inside);
  return {
    kind: found,
    // ZEROFILL makes a column unsigned, and SERIAL is BIGINT UNSIGNED.
    isUnsigned: /\b(?:unsigned|zerofill)\b/i.test(rest) || name.toLowerCase() === "serial",
    length: numberOrNull(numbers?.[1]),
    scale: numberOrNull(numbers?.[2]),
  };
}

function numberOrNull(text: string | undefined): number | null {
  return text === undefined || !/^\d{1,10}$/.test(text) ? null : Number(text);
}

/**
 * What is known of a column: from the event's schema, which wins, else from the mapping; null when neither says.
 *
 * @throws CtlstoreError `mapping_invalid` for a type in the mapping that no column has: a misspelt one must not pass for none
 */
export function originColumn(type: ConnectType | null, rules: ColumnRules): OriginColumn | null {
  return (type === null ? null : fromParameters(type.parameters)) ?? fromRules(rules);
}

function fromParameters(parameters: Readonly<Record<string, string>>): OriginColumn | null {
  const declared = parameters["__debezium.source.column.type"];
  const column = declared === undefined ? null : parseOriginColumn(declared);
  if (column === null) return null;
  return {
    ...column,
    length: numberOrNull(parameters["__debezium.source.column.length"]) ?? column.length,
    scale: numberOrNull(parameters["__debezium.source.column.scale"]) ?? column.scale,
  };
}

function fromRules(rules: ColumnRules): OriginColumn | null {
  if (rules.column === null) return null;
  const column = parseOriginColumn(rules.column);
  if (column !== null) return column;
  throw new CtlstoreError(
    "mapping_invalid",
    `Cannot read ${quote(rules.column)} as the type of a column: MySQL and MariaDB have no such type`,
    { hint: "write it as SHOW CREATE TABLE does, such as bigint unsigned, decimal(10,2), datetime(6)" },
  );
}
