/**
 * Integers of 64 bits on the wire: a number where that is exact, decimal text otherwise (I12). Bodies may hold either form.
 */
import * as v from "valibot";
import { CtlstoreError, quote } from "../errors.ts";
import { NumberText } from "../exact-json.ts";

export type WireInteger = number | string;

/** Any number or text, as exact JSON has them: whether it is an integer is said by `parseWireInteger`. */
export function isNumberOrText(value: unknown): boolean {
  return (
    typeof value === "number" ||
    typeof value === "string" ||
    typeof value === "bigint" ||
    value instanceof NumberText
  );
}

/** In a body. */
export const wireInteger = v.custom<WireInteger>(
  isNumberOrText,
  "an integer, as a number or as decimal text",
);

/** In an answer. */
export const AnsweredInteger = v.pipe(
  v.union([v.number(), v.string()]),
  v.description("an integer; a decimal string where a double could not hold it exactly"),
);

const LARGEST = 2n ** 63n - 1n;

/** @throws CtlstoreError `invalid_value` unless it is an integer from 0 to 2^63-1 */
export function parseWireInteger(value: unknown, field: string): bigint {
  const integer = toInteger(value);
  if (integer !== null && integer >= 0n && integer <= LARGEST) return integer;
  const shown = value instanceof NumberText ? value.text.slice(0, 80) : quote(value);
  throw new CtlstoreError(
    "invalid_value",
    `Cannot use ${shown} as ${field}: it needs to be an integer from 0 to 2^63-1`,
    { field },
  );
}

function toInteger(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
  return typeof value === "string" && /^\d{1,19}$/.test(value) ? BigInt(value) : null;
}
