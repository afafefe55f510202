/** Checks the parts of a key against the key's field types, so that a wrong kind is an error and never "not found". */
import { CtlstoreError, quote } from "../core/errors.ts";
import type { FieldType } from "../core/field-types.ts";
import type { LdbValue } from "../ldb/connection.ts";
import type { TableShape } from "./table-shape.ts";

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const NUL = "\u0000";

/** What a caller must give for a key field of this type. */
function needed(type: FieldType | null): string {
  switch (type) {
    case "integer":
      return "a bigint, or a number without fraction within ±(2^53 - 1)";
    case "string":
      return "a string of valid Unicode";
    case "bytestring":
      return "a Uint8Array";
    default:
      return "a string, number, bigint or Uint8Array";
  }
}

function fits(type: FieldType | null, value: unknown): boolean {
  switch (typeof value) {
    case "string":
      return (type === "string" || type === null) && value.isWellFormed();
    case "number":
      return (type === "integer" || type === null) && Number.isSafeInteger(value);
    case "bigint":
      return (type === "integer" || type === null) && value >= INT64_MIN && value <= INT64_MAX;
    default:
      return (type === "bytestring" || type === null) && value instanceof Uint8Array;
  }
}

function countError(shape: TableShape, given: number, wanted: string): CtlstoreError {
  return new CtlstoreError(
    "invalid_key",
    `Cannot read ${shape.label}: the key has ${given} parts; it needs ${wanted} (${shape.keyFields.join(", ")})`,
  );
}

function partError(shape: TableShape, index: number, value: unknown): CtlstoreError {
  const field = shape.keyFields[index] ?? "";
  return new CtlstoreError(
    "invalid_key",
    `Cannot read ${shape.label} with ${quote(value)} for ${quote(field)}: it needs ${needed(shape.keyTypes[index] ?? null)}`,
    { field },
  );
}

function checkParts(shape: TableShape, parts: readonly unknown[]): LdbValue[] {
  for (let i = 0; i < parts.length; i++) {
    if (!fits(shape.keyTypes[i] ?? null, parts[i])) throw partError(shape, i, parts[i]);
  }
  return parts as LdbValue[];
}

/** The parts of a whole key as parameters. @throws CtlstoreError `invalid_key` */
export function checkKey(shape: TableShape, parts: readonly unknown[]): LdbValue[] {
  const count = shape.keyTypes.length;
  if (parts.length !== count) throw countError(shape, parts.length, `${count}`);
  return checkParts(shape, parts);
}

/** The first parts of a key as parameters. @throws CtlstoreError `invalid_key` */
export function checkPrefix(shape: TableShape, parts: readonly unknown[]): LdbValue[] {
  const count = shape.keyTypes.length;
  if (parts.length > count) throw countError(shape, parts.length, `at most ${count}`);
  return checkParts(shape, parts);
}

/**
 * The key under which the original ctlstore stored this one, or null where that is the same (D5): it wrote text
 * holding NUL as bytes, and SQLite finds bytes by bytes only.
 */
export function originalKey(parts: readonly LdbValue[]): LdbValue[] | null {
  if (!parts.some((part) => typeof part === "string" && part.includes(NUL))) return null;
  return parts.map((part) =>
    typeof part === "string" && part.includes(NUL) ? new TextEncoder().encode(part) : part,
  );
}
