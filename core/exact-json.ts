/**
 * JSON in and out without rounding integers (I12).
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

function reviveNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source;
  // A double with a fraction cannot stand for an integer: nothing that matters is lost.
  if (source === undefined || !Number.isInteger(value) || !MAY_BE_INEXACT.test(source)) return value;
  const integer = integerFromJsonNumber(source);
  if (integer === null) return new NumberText(source);
  return Number.isSafeInteger(value) ? value : integer;
}

/** The integer that a JSON number stands for ("1.20e2" is 120), or null when it is none or has over 19 digits. */
export function integerFromJsonNumber(text: string): bigint | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign = "", whole = "", fraction = "", exponentText = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return 0n;
  const significant = digits.slice(0, lengthWithoutZeros(digits));
  const exponent = Number(exponentText) - fraction.length + (digits.length - significant.length);
  if (exponent < 0 || significant.length + exponent > 19) return null;
  return BigInt(`${sign}${significant}${"0".repeat(exponent)}`);
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
    return MAY_BE_INEXACT.test(text)
      ? JSON.parse(text, reviveNumber as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
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
