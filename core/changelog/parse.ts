/**
 * Lines of the changelog, from their text.
 *
 * Everything is checked here, once: a line that is not what `format.ts` says is an error, never a change that is half
 * understood. Members that this version does not know are passed over, numbers are exact (I12).
 */
import { CtlstoreError, quote } from "../errors.ts";
import { integerFromJsonNumber, NumberText, parseExactJson } from "../exact-json.ts";
import { type Sequence, toSequence } from "../sequence.ts";
import {
  CHANGE_KINDS,
  CHANGELOG_FORMAT_VERSION,
  type ChangeKind,
  type ChangelogHeader,
  type ChangelogKeyPart,
  type ChangelogLine,
} from "./format.ts";

type Members = Readonly<Record<string, unknown>>;

const HISTORY = /^[0-9a-f]{16}$/;
const INTEGER = /^-?\d{1,19}$/;

class Unreadable extends Error {}

/** @throws CtlstoreError `changelog_unavailable` when it is no header, or one of a newer ctlstore */
export function parseChangelogHeader(text: string): ChangelogHeader & { readonly seq: Sequence } {
  return readable("the first line", text, (members) => {
    const { kind, format, history, file } = members;
    if (kind !== "file" || typeof format !== "number") throw new Unreadable("it is no header");
    if (format > CHANGELOG_FORMAT_VERSION) {
      throw new Unreadable(`its format is ${format}; this version knows ${CHANGELOG_FORMAT_VERSION}`);
    }
    if (typeof history !== "string" || !HISTORY.test(history)) throw new Unreadable("it names no history");
    if (typeof file !== "number" || !Number.isSafeInteger(file)) throw new Unreadable("it has no number");
    return { kind, seq: sequenceOf(members["seq"]), format, history, file };
  });
}

/** @throws CtlstoreError `changelog_unavailable` when it is no change */
export function parseChangelogLine(text: string): ChangelogLine & { readonly seq: Sequence } {
  return readable("a line", text, (members) => {
    const { family, table, key, kind, end = false } = members;
    if (typeof family !== "string" || typeof table !== "string") throw new Unreadable("it names no table");
    if (!isChangeKind(kind)) throw new Unreadable(`its kind is ${quote(kind)}`);
    if (!Array.isArray(key) || typeof end !== "boolean") throw new Unreadable("it has no key, or no end");
    return { seq: sequenceOf(members["seq"]), family, table, key: key.map(keyPartOf), kind, end };
  });
}

function readable<Parsed>(what: string, text: string, parse: (members: Members) => Parsed): Parsed {
  try {
    const parsed = parseExactJson(text);
    if (typeof parsed !== "object" || parsed === null) throw new Unreadable("it is no object");
    return parse(parsed as Members); // an array has no member of any name that is asked for
  } catch (cause) {
    const isJson = cause instanceof Unreadable;
    const reason = isJson ? cause.message : "it is not JSON";
    throw new CtlstoreError(
      "changelog_unavailable",
      `Cannot read ${what} of the changelog: ${reason}; it needs the form of docs/changelog.md`,
      { cause },
    );
  }
}

function isChangeKind(kind: unknown): kind is ChangeKind {
  return typeof kind === "string" && (CHANGE_KINDS as readonly string[]).includes(kind);
}

function sequenceOf(value: unknown): Sequence {
  const exact = exactInteger(value);
  if (exact === null || exact < 0n) throw new Unreadable("it has no sequence");
  return toSequence(exact);
}

function keyPartOf(part: unknown): ChangelogKeyPart {
  const { name, type, value } = typeof part === "object" && part !== null ? (part as Members) : {};
  if (typeof name !== "string" || typeof type !== "string")
    throw new Unreadable("its key has no name or type");
  if (typeof value === "string") return { name, type, value };
  const exact = exactInteger(value);
  if (exact === null) throw new Unreadable("its key holds what no key can hold");
  return { name, type, value: exact };
}

function exactInteger(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
  if (typeof value === "string") return INTEGER.test(value) ? BigInt(value) : null;
  return value instanceof NumberText ? integerFromJsonNumber(value.text) : null;
}
