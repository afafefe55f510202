/**
 * Which row a statement of the ledger is about, and what it makes of it: upserts and deletes of one row, in the forms of
 * docs/ledger-format.md.
 *
 * Values are taken as the declared type has them, so that the two forms of text with NUL are one (D5), and what the original
 * let in is as SQLite's columns convert it.
 */
import { isUtf8 } from "node:buffer";
import type { FieldType } from "../field-types.ts";
import type { SqlValue } from "../values.ts";
import { type BoundValue, UpsertParser } from "./parse-upsert.ts";

export interface RowStatement {
  readonly kind: "upsert" | "delete";
  /** Of an upsert by field, of a delete by field of the key. */
  readonly values: ReadonlyMap<string, BoundValue>;
}

const FIELD = /"([a-z0-9_]+)"/g;

export class RowStatementParser {
  readonly #parser = new UpsertParser({ readsAll: true });
  /** Of the last upsert, whose fields the next one most often has. */
  #prefix = "";
  #fields: readonly string[] = [];

  /** Null when the statement is no upsert or delete of exactly one row in the ledger's own forms. */
  parse(statement: string): RowStatement | null {
    if (statement.startsWith("DELETE ")) {
      const parsed = this.#parser.parseDelete(statement);
      return parsed === null ? null : { kind: "delete", values: parsed.key };
    }
    const parsed = this.#parser.parse(statement);
    if (parsed === null) return null;
    const fields = this.#fieldsOf(parsed.prefix);
    if (fields.length !== parsed.values.length) return null;
    return { kind: "upsert", values: new Map(fields.map((name, i) => [name, parsed.values[i] ?? null])) };
  }

  #fieldsOf(prefix: string): readonly string[] {
    if (prefix !== this.#prefix) {
      this.#prefix = prefix;
      this.#fields = [...prefix.matchAll(FIELD)].map(([, name = ""]) => name);
    }
    return this.#fields;
  }
}

/** A value as a field of the type has it; where the two do not fit, as it stands. */
export function typedValue(type: FieldType, value: BoundValue): SqlValue {
  if (value === null) return null;
  switch (type) {
    case "integer":
      return integerOf(value);
    case "decimal":
      return decimalOf(value);
    case "string":
    case "text":
      return textOf(value);
    case "binary":
    case "bytestring":
      return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
  }
}

/** As REAL has it: text that is a number becomes one. */
function decimalOf(value: number | bigint | string | Uint8Array): SqlValue {
  if (typeof value === "bigint") return Number(value);
  return typeof value === "string" && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
}

/** As INTEGER has it: what is beyond 64 bits is a double there. */
function integerOf(value: number | bigint | string | Uint8Array): SqlValue {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  return typeof value === "string" && /^-?(?:0|[1-9]\d{0,17})$/.test(value) ? BigInt(value) : value;
}

function textOf(value: number | bigint | string | Uint8Array): SqlValue {
  if (value instanceof Uint8Array) return isUtf8(value) ? Buffer.from(value).toString("utf8") : value;
  return String(value);
}

/** True when two values are the same stored value: text and bytes byte by byte. */
export function sameValue(left: SqlValue, right: SqlValue): boolean {
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  return left === right;
}
