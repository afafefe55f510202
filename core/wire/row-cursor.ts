/**
 * Where the next page of a table begins, as one opaque text: the last key's values as JSON, in base64url.
 *
 * Clients hand it back as it is. It is checked against the table's key before anything is read.
 */
import { CtlstoreError } from "../errors.ts";
import { parseExactJsonBytes } from "../exact-json.ts";

/** @param key values of the key in key order, in their JSON form */
export function encodeRowCursor(key: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** @throws CtlstoreError `invalid_value` */
export function decodeRowCursor(text: string): readonly unknown[] {
  const bytes = Buffer.from(text, "base64url");
  // Buffer skips what is not base64url without a word.
  if (bytes.length === 0 || bytes.toString("base64url") !== text) throw notOurs();
  try {
    const key = parseExactJsonBytes(bytes);
    if (Array.isArray(key)) return key;
  } catch (error) {
    throw notOurs(error);
  }
  throw notOurs();
}

function notOurs(cause?: unknown): CtlstoreError {
  return new CtlstoreError("invalid_value", "Cannot go on after this cursor: it is none of this route", {
    field: "after",
    hint: "send `next` of the page before, unchanged",
    ...(cause === undefined ? {} : { cause }),
  });
}
