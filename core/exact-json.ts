/**
 * JSON in and out without rounding numbers (I12).
 *
 * `JSON.parse` makes every number a double. Here a number whose text a double may not hold exactly becomes a bigint
 * (an integer) or a `NumberText` (anything else), so that whoever knows the field's type decides.
 */
import { CtlstoreError, messageOf } from "./errors.ts";

/** A JSON number kept as its source text because a double may differ from it. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Text that may hold a number which a double does not hold exactly: sixteen or more digits, or an exponent. It may also
 * match inside a string, which only costs the slower path.
 */
const MAY_BE_INEXACT = /\d[\d.]{15}|(?:^|[\s:,[-])\d[\d.]*[eE]/;

/*
 * No runtime's `JSON.parse` tells the source text of every number fast, and Node 20's not at all. So such numbers are
 * made strings that begin with a mark before the text is parsed, and numbers again in what comes out. Both ways below
 * replace a whole JSON number that is a value by a string that is a value: the text stays valid, or invalid, as it was.
 */

/**
 * The name's closing quote, the colon, and a long integer. A quote that follows neither a backslash nor structure can
 * only close a string, so what follows the colon is a value and not a part of another string.
 */
const LONG_INTEGER_MEMBER = /([^\\:,[{\s"]": ?)(-?(?:[1-9]\d{16,}|9\d{15}))(?=[,}\]\s])/g;

/** A number that may be inexact and is no such member; or something in a string that looks like one. */
const INEXACT_ELSEWHERE = /(?:^|[\s:,[])-?(?:\d{17}|9\d{15}|(?=[\d.]{16})\d*\.|\d[\d.]*[eE])/;

/** An integer beyond 2^53, without a doubt. */
const LONG_INTEGER = /^-?[1-9]\d{16,18}$/;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** NUL has one spelling in JSON, so a string begins with so many of them only where the text has as many in a row. */
function unusedMark(text: string): string {
  let escapes = "\\u0000";
  while (text.includes(escapes)) escapes += escapes;
  return escapes;
}

/** The same text with every number that may be inexact as a string behind the mark. */
function markNumbers(text: string, mark: string): string {
  const marked = text.replace(LONG_INTEGER_MEMBER, `$1"${mark}$2"`);
  return INEXACT_ELSEWHERE.test(marked) ? markByToken(text, mark) : marked;
}

/** Goes through the text token by token: about five times slower, in linear time whatever the text is. */
function markByToken(text: string, mark: string): string {
  let marked = "";
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = endOfString(text, at);
    } else if (isDigit(code) || code === 0x2d) {
      const end = endOfNumber(text, at);
      const token = text.slice(at, end);
      if (MAY_BE_INEXACT.test(token) && NUMBER.test(token)) {
        marked += `${text.slice(copied, at)}"${mark}${token}"`;
        copied = end;
      }
      at = end;
    } else at += 1;
  }
  return marked + text.slice(copied);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    at += code === 0x5c ? 2 : 1;
  }
  return at;
}

/** Past all that may belong to a number, in any order: what is none is left for JSON.parse to refuse. */
function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const belongs =
      isDigit(code) || code === 0x2e || code === 0x2d || code === 0x2b || code === 0x65 || code === 0x45;
    if (!belongs) break;
    at += 1;
  }
  return at;
}

/** The value of a JSON number that a double may not hold exactly. */
function exactNumber(text: string): number | bigint | NumberText {
  if (LONG_INTEGER.test(text)) return BigInt(text);
  const value = Number(text);
  if (Number.isFinite(value) && !Number.isInteger(value))
    return printsAs(value, text) ? value : new NumberText(text);
  const integer = integerFromJsonNumber(text);
  if (integer === null) return new NumberText(text);
  return Number.isSafeInteger(value) ? value : integer;
}

type JsonNode = Record<string, unknown>;

/** Makes marked strings numbers again, in place. No recursion: the text may be nested as deep as it likes. */
function resolveMarks(parsed: unknown, mark: string): unknown {
  const root: JsonNode = { parsed };
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const name of Object.keys(node)) {
      const value = node[name];
      if (typeof value === "string") {
        if (value.startsWith(mark)) node[name] = exactNumber(value.slice(mark.length));
      } else if (typeof value === "object" && value !== null) pending.push(value as JsonNode); // or an array
    }
  }
  return root["parsed"];
}

function parseInexact(text: string): unknown {
  const escapes = unusedMark(text);
  const marked = markNumbers(text, escapes);
  return resolveMarks(parseMarked(marked, text), "\0".repeat(escapes.length / "\\u0000".length));
}

/** @throws SyntaxError that counts characters in the text as it came */
function parseMarked(marked: string, text: string): unknown {
  try {
    return JSON.parse(marked);
  } catch (cause) {
    JSON.parse(text);
    throw cause;
  }
}

/** The integer that a JSON number stands for ("1.20e2" is 120), or null when it is none or has over 19 digits. */
export function integerFromJsonNumber(text: string): bigint | null {
  const parts = partsOf(text);
  if (parts === null) return null;
  const { sign, digits, exponent } = parts;
  if (exponent < 0 || digits.length + exponent > 19) return null;
  return BigInt(`${sign}${digits}${"0".repeat(exponent)}`);
}

/** A number as an integer without zeros at either end, and the power of ten that it is to be multiplied with. */
interface NumberParts {
  readonly sign: string;
  readonly digits: string;
  readonly exponent: number;
}

function partsOf(text: string): NumberParts | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign = "", whole = "", fraction = "", exponentText = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return { sign: "", digits: "0", exponent: 0 };
  const significant = digits.slice(0, lengthWithoutZeros(digits));
  const exponent = Number(exponentText) - fraction.length + (digits.length - significant.length);
  return { sign, digits: significant, exponent };
}

/** True when a double, printed, is the number that it was made of: then nothing was rounded. */
function printsAs(value: number, text: string): boolean {
  const printed = partsOf(String(value));
  const given = partsOf(text);
  return (
    printed?.digits === given?.digits &&
    printed?.exponent === given?.exponent &&
    printed?.sign === given?.sign
  );
}

/** A loop, since /0+$/ takes quadratic time on a long number with zeros in its middle. */
function lengthWithoutZeros(digits: string): number {
  let length = digits.length;
  while (length > 0 && digits[length - 1] === "0") length -= 1;
  return length;
}

/** Parses JSON text keeping every number exact. @throws CtlstoreError `malformed_request` */
export function parseExactJson(text: string): unknown {
  try {
    return MAY_BE_INEXACT.test(text) ? parseInexact(text) : JSON.parse(text);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new CtlstoreError("malformed_request", `Cannot read the body as JSON: ${reason}`, { cause });
  }
}

/** Decodes UTF-8 strictly and parses it. @throws CtlstoreError `malformed_request` */
export function parseExactJsonBytes(bytes: Uint8Array): unknown {
  return parseExactJson(decodeUtf8(bytes));
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new CtlstoreError("malformed_request", "Cannot read the body: it is not valid UTF-8", { cause });
  }
}

/** `JSON.stringify` that writes bigints as numbers when exact in a double and as decimal strings otherwise. */
export function stringifyJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, item) => {
      if (typeof item !== "bigint") return item;
      return item >= BigInt(Number.MIN_SAFE_INTEGER) && item <= BigInt(Number.MAX_SAFE_INTEGER)
        ? Number(item)
        : item.toString();
    },
    indent,
  );
}
