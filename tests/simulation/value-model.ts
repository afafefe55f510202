/**
 * What a field makes of a JSON value, told from the documented table of types alone.
 *
 * Written apart from `core/values.ts` on purpose, by other means where there are any: two that agree are worth more
 * than one.
 */
import type { FieldType } from "../../core/field-types.ts";

/** A stored value; a number is always a decimal, an integer always a bigint. */
export type Cell = null | bigint | number | string | Uint8Array;

export const REFUSED = Symbol("refused");

const INT64 = { least: -(1n << 63n), most: (1n << 63n) - 1n };
const STRING_CHARS = 191;
const LONG_BYTES = 512 * 1024;
const BYTESTRING_BYTES = 255;

/** The value that a field of this type stores for the JSON text, or `REFUSED`. */
export function cellFromJson(type: FieldType, json: string): Cell | typeof REFUSED {
  if (json === "null") return null;
  switch (type) {
    case "string": {
      const text = textFromJson(json);
      return text !== REFUSED && [...text].length <= STRING_CHARS ? text : REFUSED;
    }
    case "text": {
      const text = textFromJson(json);
      return text !== REFUSED && new TextEncoder().encode(text).length <= LONG_BYTES ? text : REFUSED;
    }
    case "integer":
      return integerFromJson(json);
    case "decimal":
      return decimalFromJson(json);
    case "binary":
      return bytesFromJson(json, LONG_BYTES);
    case "bytestring":
      return bytesFromJson(json, BYTESTRING_BYTES);
  }
}

/** JSON text that stores exactly this cell. */
export function cellToJson(cell: Cell): string {
  if (typeof cell === "bigint") return `"${cell}"`;
  if (cell instanceof Uint8Array) return JSON.stringify(Buffer.from(cell).toString("base64"));
  return JSON.stringify(cell);
}

function textFromJson(json: string): string | typeof REFUSED {
  if (!json.startsWith('"')) return REFUSED;
  const text = String(JSON.parse(json));
  return /\p{Surrogate}/u.test(text) ? REFUSED : text;
}

function integerFromJson(json: string): bigint | typeof REFUSED {
  if (json === "true") return 1n;
  if (json === "false") return 0n;
  const quoted = /^"(-?\d{1,19})"$/.exec(json)?.[1];
  const value = quoted === undefined ? exactInteger(json) : BigInt(quoted);
  return value !== null && value >= INT64.least && value <= INT64.most ? value : REFUSED;
}

/** The value of a JSON number by integer arithmetic; null when it is no number, no integer, or beyond all reason. */
function exactInteger(json: string): bigint | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(json);
  if (match === null) return null;
  const [, sign, whole = "", fraction = "", exponentText = "0"] = match;
  const digits = BigInt(whole + fraction);
  const exponent = Number(exponentText) - fraction.length;
  if (digits === 0n) return 0n;
  if (Math.abs(exponent) > 100) return null;
  const scale = 10n ** BigInt(Math.abs(exponent));
  if (exponent < 0 && digits % scale !== 0n) return null;
  const magnitude = exponent < 0 ? digits / scale : digits * scale;
  return sign === "-" ? -magnitude : magnitude;
}

function decimalFromJson(json: string): number | typeof REFUSED {
  if (!/^[-\d]/.test(json)) return REFUSED;
  const value = Number(json);
  if (!Number.isFinite(value)) return REFUSED;
  return value === 0 ? 0 : value; // neither database keeps the sign of a zero
}

function bytesFromJson(json: string, mostBytes: number): Uint8Array | typeof REFUSED {
  if (!json.startsWith('"')) return REFUSED;
  const text = String(JSON.parse(json));
  const bytes = Buffer.from(text, "base64");
  // Only the canonical form encodes back to itself.
  return bytes.toString("base64") === text && bytes.length <= mostBytes ? new Uint8Array(bytes) : REFUSED;
}
