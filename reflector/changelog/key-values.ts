/** Values of a key as the changelog has them, where the statement's value is exactly what the LDB's column keeps. */
import type { KeyPart } from "../../core/changelog/encode.ts";
import { type FieldType, fieldTypeFromSqlite, TYPE_FACTS } from "../../core/field-types.ts";
import type { BoundValue } from "../../core/ledger/parse-upsert.ts";

/** A column of a key. */
export interface KeyColumn {
  /** As statements name it: small letters. */
  readonly name: string;
  /** In the ledger's words; for a type that the ledger does not have, what the LDB declares. */
  readonly type: string;
  readonly holds: KeyStorage;
}

/** What a column keeps as it is given; null where SQLite may make something else of it. */
type KeyStorage = "text" | "integer" | "blob" | null;

const NUL = "\u0000";
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param declared the column's type in the LDB */
export function keyColumn(name: string, declared: string): KeyColumn {
  const type = fieldTypeFromSqlite(declared);
  return { name: name.toLowerCase(), type: type ?? declared, holds: storageOf(type, declared) };
}

/** For types that are none of the ledger's by SQLite's rule: a type is what its name contains. */
function storageOf(type: FieldType | null, declared: string): KeyStorage {
  if (type !== null) {
    const { storage } = TYPE_FACTS[type];
    return storage === "real" ? null : storage;
  }
  if (/INT/i.test(declared)) return "integer";
  return /CHAR|CLOB|TEXT/i.test(declared) ? "text" : null;
}

/**
 * The same value always in the same form, so that it can be looked up.
 * @returns null when it is not of the kind that the column declares: which row is meant cannot be said then
 */
export function keyPart({ holds }: KeyColumn, value: BoundValue): KeyPart | null {
  if (typeof value === "string") return holds === "text" ? value : null;
  if (holds === "integer") return integerPart(value);
  if (!(value instanceof Uint8Array)) return null;
  if (holds === "text") return textOfBytes(value);
  return holds === "blob" ? base64(value) : null;
}

/** A double that was a literal of more than 64 bits is no integer to SQLite. */
function integerPart(value: BoundValue): number | bigint | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : null;
  if (typeof value !== "bigint") return null;
  const asNumber = Number(value);
  return Number.isSafeInteger(asNumber) ? asNumber : value;
}

/** The original writes text that holds NUL as bytes, and nothing else (D5). */
function textOfBytes(bytes: Uint8Array): string | null {
  try {
    const text = decoder.decode(bytes);
    return text.includes(NUL) ? text : null;
  } catch {
    return null; // no text at all
  }
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
