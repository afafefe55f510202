/** Parameters that name a place: a key in a table, a sequence of the ledger. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { parseExactJson } from "../../core/exact-json.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { notAParameter } from "./common.ts";

/**
 * The values of a key, or of its first parts, from a JSON array. What they are is for the table to say.
 * @throws CtlstoreError `malformed_request`, naming the parameter
 */
export function parseKeyParameter(name: "key" | "prefix", text: string | undefined): readonly unknown[] {
  if (text === undefined) throw notAKey(name, "it is missing");
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (cause) {
    throw notAKey(name, `it is ${quote(text)}, which is no JSON`, cause);
  }
  if (Array.isArray(value)) return value;
  throw notAKey(name, `it is ${quote(text)}`);
}

function notAKey(name: string, state: string, cause?: unknown): CtlstoreError {
  return new CtlstoreError(
    "malformed_request",
    `Cannot read parameter ${name}: ${state}; it needs to be a JSON array of values, such as ["EUR"]`,
    { field: name, ...(cause === undefined ? {} : { cause }) },
  );
}

const LARGEST_SEQUENCE = 2n ** 63n - 1n;

/** @throws CtlstoreError `malformed_request` */
export function parseSequenceParameter(name: string, text: string): Sequence {
  if (/^\d{1,19}$/.test(text) && BigInt(text) <= LARGEST_SEQUENCE) return toSequence(text);
  throw notAParameter(name, text, "a sequence: an integer from 0 to 2^63-1");
}
