/** Mutations as the wire has them: JSON with exact integers and base64. */
import { CtlstoreError, quote } from "../core/errors.ts";
import type { WireMutation } from "../core/wire/bodies.ts";

/** A field's value as a caller has it. Bytes are for `binary` and `bytestring`; integers beyond 2^53 are bigints. */
export type FieldValue = null | undefined | boolean | number | bigint | string | Uint8Array;

export interface WriterMutation {
  readonly table: string;
  /** True deletes the row with this key; the other values do not matter then. */
  readonly delete?: boolean;
  /** By field name; a field that is missing or undefined becomes null. */
  readonly values: Readonly<Record<string, FieldValue>>;
}

/** @throws CtlstoreError `invalid_value` for what JSON would change without a word */
export function encodeMutation(mutation: WriterMutation, index: number): WireMutation {
  const values: [string, unknown][] = [];
  for (const [field, value] of Object.entries(mutation.values)) {
    if (value !== undefined) values.push([field, encodeValue(value, field, index)]);
  }
  return {
    table: mutation.table,
    ...(mutation.delete === true ? { delete: true } : {}),
    values: Object.fromEntries(values),
  };
}

function encodeValue(value: Exclude<FieldValue, undefined>, field: string, index: number): unknown {
  if (value instanceof Uint8Array) return encodeBase64(value);
  if (typeof value === "bigint") {
    const asNumber = Number(value);
    return Number.isSafeInteger(asNumber) ? asNumber : value.toString();
  }
  // JSON has no such numbers: stringify would make them null.
  const isLost =
    typeof value === "number" ? !Number.isFinite(value) : typeof value === "object" && value !== null;
  if (isLost || typeof value === "symbol" || typeof value === "function") {
    throw new CtlstoreError("invalid_value", `Cannot send ${quote(value)} in field ${quote(field)}`, {
      index,
      field,
      hint: "send null, a boolean, a finite number, a bigint, a string or a Uint8Array",
    });
  }
  return value;
}

/** Characters per call of `String.fromCharCode`: more arguments would overflow the stack. */
const PIECE = 0x2000;

export function encodeBase64(bytes: Uint8Array): string {
  return btoa(byteString(bytes));
}

/** What no header can have; white space around a value is left out by whoever sends it. */
const UNSENDABLE = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * Refuses text that no request could carry. `fetch` would refuse each of them: on Node with the text in its message, which
 * must not hold a secret (R45), and as if the other side were away.
 * @param what the text is @throws CtlstoreError `config_invalid`
 */
export function assertSendable(what: string, text: string): void {
  if (!UNSENDABLE.test(text.trim())) return;
  throw new CtlstoreError(
    "config_invalid",
    `Cannot send the ${what}: it holds a line break or another control character`,
    { hint: "was it read from a file with more than it in it?" },
  );
}

/** Text as a header carries it: its UTF-8 bytes, one per character. @param what it is @throws CtlstoreError `config_invalid` */
export function headerValue(what: string, text: string): string {
  assertSendable(what, text);
  return byteString(new TextEncoder().encode(text));
}

function byteString(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return text;
}
