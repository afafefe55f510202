/**
 * Bodies that name keys, in the original's form: `{"key":[{"value":x},{"binary":"base64"}]}`.
 *
 * As Go's decoder does for the original: members are found whatever the case of their names, the last of several counts,
 * unknown ones are ignored, and a list that is missing or null is empty.
 */
import { CtlstoreError, quote } from "../core/errors.ts";
import { integerFromJsonNumber, NumberText, parseExactJsonBytes } from "../core/exact-json.ts";
import { READER_LIMITS, SIDECAR_LIMITS } from "../core/limits.ts";
import type { KeyOf, TableShape } from "../reader/stated/stated-reader.ts";
import type { KeyValue } from "../reader/types.ts";

/** The reads of one table in a request for rows by keys. */
export interface TableKeys {
  readonly family: string;
  readonly table: string;
  readonly keys: readonly KeyOf[];
}

type Members = Readonly<Record<string, unknown>>;

/** The key of a body. @throws CtlstoreError `malformed_request` */
export function keyOfBody(bytes: Uint8Array): KeyOf {
  return keyOf(listOf(member(bodyOf(bytes), "key"), "key"), "key");
}

/** The reads of a body. @throws CtlstoreError `malformed_request`, `request_too_large` */
export function readsOfBody(bytes: Uint8Array): TableKeys[] {
  const reads = listOf(member(bodyOf(bytes), "reads"), "reads");
  if (reads.length > SIDECAR_LIMITS.readsPerRequest)
    throw tooMany(`${reads.length} tables`, SIDECAR_LIMITS.readsPerRequest);
  const parsed = reads.map(tableKeys);
  const count = parsed.reduce((sum, { keys }) => sum + keys.length, 0);
  if (count > READER_LIMITS.keysPerCall) throw tooMany(`${count} keys`, READER_LIMITS.keysPerCall);
  return parsed;
}

function tableKeys(read: unknown, index: number): TableKeys {
  const place = `reads[${index}]`;
  const members = membersOf(read, place);
  const keys = listOf(member(members, "keys"), `${place}.keys`);
  return {
    family: nameOf(member(members, "family"), `${place}.family`),
    table: nameOf(member(members, "table"), `${place}.table`),
    keys: keys.map((key, i) => keyOf(listOf(key, `${place}.keys[${i}]`), `${place}.keys[${i}]`)),
  };
}

function bodyOf(bytes: Uint8Array): Members {
  return membersOf(parseExactJsonBytes(bytes), "the whole");
}

function membersOf(value: unknown, place: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof NumberText))
    return value as Members; // of JSON: an object's members are its own
  throw malformed(place, value, "an object");
}

function member(members: Members, name: string): unknown {
  let found: unknown;
  for (const given of Object.keys(members)) {
    if (given === name || given.toLowerCase() === name) found = members[given];
  }
  return found;
}

function listOf(value: unknown, place: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw malformed(place, value, "an array");
}

function nameOf(value: unknown, place: string): string {
  if (typeof value === "string") return value;
  throw malformed(place, value, "a string");
}

/** A part as it was sent: bytes, or any JSON value. */
interface Part {
  readonly bytes?: Uint8Array;
  readonly value?: unknown;
}

function keyOf(list: readonly unknown[], place: string): KeyOf {
  const parts = list.map((part, i) => partOf(part, `${place}[${i}]`));
  return (shape) => parts.map((part, i) => keyValue(part, shape, i));
}

function partOf(part: unknown, place: string): Part {
  const members = membersOf(part, place);
  const binary = member(members, "binary");
  if (binary === undefined || binary === null) return { value: member(members, "value") };
  if (typeof binary !== "string") throw malformed(`${place}.binary`, binary, "a string in base64");
  const bytes = Buffer.from(binary, "base64");
  if (bytes.toString("base64") !== binary) throw malformed(`${place}.binary`, binary, "base64, padded");
  return { bytes: new Uint8Array(bytes) };
}

const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What the reader takes for the part, which says what is wrong with others. */
function keyValue({ bytes, value }: Part, shape: TableShape, index: number): KeyValue {
  const type = shape.keyTypes[index] ?? null;
  if (bytes !== undefined) return type === "string" ? textOrBytes(bytes) : bytes;
  if (type === "integer") {
    const integer = exactInteger(value);
    if (integer === null) throw needsInteger(shape, index, value);
    return integer;
  }
  if (type === "bytestring" && typeof value === "string") throw needsBinary(shape, index);
  return (value instanceof NumberText ? Number(value.text) : (value ?? null)) as KeyValue;
}

const [INT64_MIN, INT64_MAX] = [-(2n ** 63n), 2n ** 63n - 1n];

/** Null for what is no integer of 64 bits: no key is found by a number that is only near it (I12). */
function exactInteger(value: unknown): number | bigint | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : null;
  const integer = value instanceof NumberText ? integerFromJsonNumber(value.text) : integerOfText(value);
  return integer !== null && integer >= INT64_MIN && integer <= INT64_MAX ? integer : null;
}

function integerOfText(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  return typeof value === "string" && /^-?\d{1,19}$/.test(value) ? BigInt(value) : null;
}

/** The original wrote text holding NUL as bytes, and its clients had to ask for it so (D5). */
function textOrBytes(bytes: Uint8Array): string | Uint8Array {
  try {
    return strictText.decode(bytes);
  } catch {
    return bytes;
  }
}

function needsInteger(shape: TableShape, index: number, value: unknown): CtlstoreError {
  const field = shape.keyFields[index] ?? "";
  return new CtlstoreError(
    "invalid_key",
    `Cannot read ${shape.label} with ${shownValue(value)} for ${quote(field)}: it needs an integer of 64 bits, as a number or its digits as text`,
    { field },
  );
}

function needsBinary(shape: TableShape, index: number): CtlstoreError {
  const field = shape.keyFields[index] ?? "";
  return new CtlstoreError(
    "invalid_key",
    `Cannot read ${shape.label} with text for ${quote(field)}: it needs bytes`,
    { field, hint: 'send {"binary":"…"}, in base64, in place of {"value":"…"}' },
  );
}

function malformed(place: string, value: unknown, needed: string): CtlstoreError {
  return new CtlstoreError(
    "malformed_request",
    `Cannot read the body: ${place} is ${shownValue(value)}; it needs to be ${needed}`,
  );
}

function shownValue(value: unknown): string {
  if (value instanceof NumberText) return value.text.length > 40 ? "a number" : value.text;
  return value === undefined ? "nothing" : quote(value);
}

function tooMany(what: string, limit: number): CtlstoreError {
  return new CtlstoreError("request_too_large", `Cannot read ${what} in one request: the limit is ${limit}`, {
    hint: "send several requests",
  });
}
