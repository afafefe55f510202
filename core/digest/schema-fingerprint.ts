/**
 * One hash for the definitions of all tables: equal for LDBs whose tables have the same fields, types and keys.
 *
 * The order in which tables were made and fields were added means nothing; that of key fields does.
 */
import { createHash } from "node:crypto";

/** A table as far as the fingerprint goes. */
export interface FingerprintedTable {
  /** `family___table` */
  readonly name: string;
  readonly fields: ReadonlyArray<{ readonly name: string; readonly type: string }>;
  readonly keyFields: readonly string[];
}

/** SHA-256 over a canonical text of the tables, as 64 hex digits. */
export function schemaFingerprint(tables: readonly FingerprintedTable[]): string {
  const definitions = tables.map(({ name, fields, keyFields }) => ({
    name,
    fields: fields.map((field) => [field.name, field.type]).sort(byFirst),
    keyFields,
  }));
  definitions.sort((a, b) => compare(a.name, b.name));
  return createHash("sha256").update(JSON.stringify(definitions)).digest("hex");
}

/** Digits that a generated module carries: 128 bits are enough to tell schemas apart. */
const SHORT_DIGITS = 32;

/** The beginning of the fingerprint of tables that are named by family and table; null is a type that ctlstore has not. */
export function shortSchemaFingerprint(
  tables: ReadonlyArray<{
    readonly family: string;
    readonly table: string;
    readonly fields: ReadonlyArray<{ readonly name: string; readonly type: string | null }>;
    readonly keyFields: readonly string[];
  }>,
): string {
  const named = tables.map(({ family, table, fields, keyFields }) => ({
    name: `${family}___${table}`,
    fields: fields.map(({ name, type }) => ({ name, type: type ?? "" })),
    keyFields,
  }));
  return schemaFingerprint(named).slice(0, SHORT_DIGITS);
}

function byFirst([a = ""]: readonly string[], [b = ""]: readonly string[]): number {
  return compare(a, b);
}

/** By code units: no locale has a say in a hash. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
