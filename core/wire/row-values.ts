/** Stored values as JSON has them: the forms that mutations take, so that a row that was read can be written again. */
import type { SqlValue } from "../values.ts";

/** What a JSON answer holds for a field. */
export type WireValue = null | number | string;

/** Integers beyond 2^53 as decimal strings (I12), bytes as base64. */
export function toWireValue(value: SqlValue): WireValue {
  if (typeof value === "bigint") {
    const asNumber = Number(value);
    return Number.isSafeInteger(asNumber) ? asNumber : value.toString();
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  }
  return value;
}
