/**
 * What a key may be, the same in every store: it becomes a path below a folder here, part of a URL there.
 *
 * Parts that begin with a dot are kept for the stores themselves.
 */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { STORE_LIMITS } from "../../core/limits.ts";

/** A name of a file or folder: not hidden, and short enough for every file system. */
const PART = /^[0-9A-Za-z_-][0-9A-Za-z._-]*$/;
/** The last part of a prefix may also be empty, or the beginning of a name. */
const LAST_OF_PREFIX = /^(?:[0-9A-Za-z_-][0-9A-Za-z._-]*)?$/;

function areParts(parts: readonly string[]): boolean {
  return parts.every((part) => part.length <= STORE_LIMITS.keyPartChars && PART.test(part));
}

/** True for `a/b-1.json`; false for what is empty, absolute, hidden, too long or could lead elsewhere. */
export function isObjectKey(text: string): boolean {
  return text.length <= STORE_LIMITS.keyChars && areParts(text.split("/"));
}

/** @throws CtlstoreError `invalid_name` */
export function checkKey(key: string): string {
  if (isObjectKey(key)) return key;
  throw invalidName("object key", key);
}

/** @throws CtlstoreError `invalid_name` */
export function checkPrefix(prefix: string): string {
  const parts = prefix.split("/");
  const last = parts.pop() ?? "";
  if (prefix.length <= STORE_LIMITS.keyChars && areParts(parts) && LAST_OF_PREFIX.test(last)) return prefix;
  throw invalidName("prefix of object keys", prefix);
}

function invalidName(what: string, text: string): CtlstoreError {
  return new CtlstoreError(
    "invalid_name",
    `Cannot use the ${what} ${quote(text)}: it must be parts of [0-9A-Za-z._-] joined by "/", none of them hidden`,
  );
}
