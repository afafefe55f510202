/** The six field types and what each is in MySQL, in SQLite and in a key. Values are checked in `values.ts`. */
import { FORMAT_LIMITS } from "./limits.ts";

export const FIELD_TYPES = ["string", "integer", "decimal", "text", "binary", "bytestring"] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

interface TypeFacts {
  /** Declared type in ledger statements and LDBs. */
  readonly sqlite: string;
  /** Declared type in the ctldb; character columns also get the server's binary no-pad collation. */
  readonly mysql: string;
  readonly isCharacter: boolean;
  /** Largest size in a MySQL index, or null where the type cannot be part of a key. */
  readonly keyBytes: number | null;
  /** `typeof()` of a stored value in SQLite. */
  readonly storage: "text" | "integer" | "real" | "blob";
}

export const TYPE_FACTS: Readonly<Record<FieldType, TypeFacts>> = {
  string: {
    sqlite: "VARCHAR(191)",
    mysql: "VARCHAR(191)",
    isCharacter: true,
    keyBytes: 4 * FORMAT_LIMITS.stringChars,
    storage: "text",
  },
  integer: { sqlite: "INTEGER", mysql: "BIGINT", isCharacter: false, keyBytes: 8, storage: "integer" },
  decimal: { sqlite: "REAL", mysql: "DOUBLE", isCharacter: false, keyBytes: null, storage: "real" },
  text: { sqlite: "TEXT", mysql: "MEDIUMTEXT", isCharacter: true, keyBytes: null, storage: "text" },
  binary: { sqlite: "BLOB", mysql: "MEDIUMBLOB", isCharacter: false, keyBytes: null, storage: "blob" },
  bytestring: {
    sqlite: "BLOB(255)",
    mysql: "VARBINARY(255)",
    isCharacter: false,
    keyBytes: FORMAT_LIMITS.bytestringBytes,
    storage: "blob",
  },
};

export function isFieldType(value: unknown): value is FieldType {
  return typeof value === "string" && (FIELD_TYPES as readonly string[]).includes(value);
}

/** Field type of a column declared in an LDB, or null for a declaration that ctlstore never writes. */
export function fieldTypeFromSqlite(declared: string): FieldType | null {
  const wanted = declared.toUpperCase();
  return FIELD_TYPES.find((type) => TYPE_FACTS[type].sqlite === wanted) ?? null;
}

/** Field type of a ctldb column from information_schema's COLUMN_TYPE ("varchar(191)", "bigint(20)", …), or null. */
export function fieldTypeFromMysql(columnType: string): FieldType | null {
  const type = columnType.toLowerCase().replace(/^bigint\(\d+\)$/, "bigint");
  return FIELD_TYPES.find((candidate) => TYPE_FACTS[candidate].mysql.toLowerCase() === type) ?? null;
}
