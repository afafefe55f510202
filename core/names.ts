/**
 * Names of families, tables, fields and writers, parsed once at the edge and branded.
 *
 * Keeps I11: `ldbTableName` is a bijection on valid names. Two underscores in a row are refused inside a name and a
 * trailing one too, so the first `___` is always the border.
 */
import { CtlstoreError, quote } from "./errors.ts";
import { ACCESS_LIMITS, FORMAT_LIMITS } from "./limits.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type FamilyName = Branded<"FamilyName">;
export type TableName = Branded<"TableName">;
export type FieldName = Branded<"FieldName">;
export type WriterName = Branded<"WriterName">;
/** Name of an operator's token, or of a declared reader of a table. */
export type OperatorName = Branded<"OperatorName">;
/** Name of a table in the LDB and in the ctldb: `family___table`. */
export type LdbTableName = Branded<"LdbTableName">;

const FAMILY_OR_TABLE = /^[a-z](?:_?[a-z0-9])*$/;
const FIELD = /^[a-z][a-z0-9_]*$/;
const OPERATOR = /^[a-z0-9](?:[a-z0-9._@-]*[a-z0-9])?$/;
const WRITER = /^[^\u0000-\u001f\u007f]+$/;

interface Rule {
  readonly what: string;
  readonly pattern: RegExp;
  readonly chars: { readonly min: number; readonly max: number };
  readonly form: string;
}

const FAMILY_RULE: Rule = {
  what: "family",
  pattern: FAMILY_OR_TABLE,
  chars: FORMAT_LIMITS.familyNameChars,
  form: "a letter, then letters, digits and single underscores, not ending in one",
};
const TABLE_RULE: Rule = { ...FAMILY_RULE, what: "table", chars: FORMAT_LIMITS.tableNameChars };
const FIELD_RULE: Rule = {
  what: "field",
  pattern: FIELD,
  chars: FORMAT_LIMITS.fieldNameChars,
  form: "a letter, then letters, digits and underscores",
};
const WRITER_RULE: Rule = {
  what: "writer",
  pattern: WRITER,
  chars: FORMAT_LIMITS.writerNameChars,
  form: "printable characters",
};

const OPERATOR_RULE: Rule = {
  what: "operator",
  pattern: OPERATOR,
  chars: ACCESS_LIMITS.operatorNameChars,
  form: "letters, digits, and . _ @ - between them",
};

/** Only ASCII may change: "K" (the Kelvin sign).toLowerCase() would turn a refused name into another one. */
export function lowerCaseAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function parse(rule: Rule, value: unknown, lowerCase: boolean): string {
  if (typeof value !== "string") {
    throw new CtlstoreError(
      "invalid_name",
      `Cannot use ${quote(value)} as a ${rule.what} name: it is not a string`,
    );
  }
  const name = lowerCase ? lowerCaseAscii(value) : value;
  const { min, max } = rule.chars;
  if (name.length < min || name.length > max) {
    throw new CtlstoreError(
      "invalid_name",
      `Cannot use ${quote(value)} as a ${rule.what} name: it has ${name.length} characters; it needs ${min} to ${max}`,
    );
  }
  if (!rule.pattern.test(name) || !name.isWellFormed()) {
    throw new CtlstoreError(
      "invalid_name",
      `Cannot use ${quote(value)} as a ${rule.what} name: it must be ${rule.form}`,
    );
  }
  return name;
}

/** Parses a family name; upper-case letters are lowered. @throws CtlstoreError `invalid_name` */
export function parseFamilyName(value: unknown): FamilyName {
  return parse(FAMILY_RULE, value, true) as FamilyName;
}

/** Parses a table name; upper-case letters are lowered. @throws CtlstoreError `invalid_name` */
export function parseTableName(value: unknown): TableName {
  return parse(TABLE_RULE, value, true) as TableName;
}

/** Parses a field name; upper-case letters are lowered. @throws CtlstoreError `invalid_name` */
export function parseFieldName(value: unknown): FieldName {
  return parse(FIELD_RULE, value, true) as FieldName;
}

/** Parses a writer name; case is kept. @throws CtlstoreError `invalid_name` */
export function parseWriterName(value: unknown): WriterName {
  return parse(WRITER_RULE, value, false) as WriterName;
}

/** Parses the name of an operator or of a declared reader; upper-case letters are lowered. @throws CtlstoreError `invalid_name` */
export function parseOperatorName(value: unknown): OperatorName {
  return parse(OPERATOR_RULE, value, true) as OperatorName;
}

const SEPARATOR = "___";

/** `family___table`, the name in the ctldb, in ledger statements and in the LDB. */
export function ldbTableName(family: FamilyName, table: TableName): LdbTableName {
  return `${family}${SEPARATOR}${table}` as LdbTableName;
}

/**
 * Splits `family___table`; null when the text is not such a name.
 *
 * Accepts what the original accepted too: a family or table ending in an underscore. A table always begins with a
 * letter, so the split stays unique.
 */
export function splitLdbTableName(name: string): { family: FamilyName; table: TableName } | null {
  const match = /^([a-z][a-z0-9_]*?)___([a-z][a-z0-9_]*)$/.exec(name);
  if (match === null) return null;
  const [, family = "", table = ""] = match;
  if (family.includes("__") || table.includes("__")) return null;
  return { family: family as FamilyName, table: table as TableName };
}
