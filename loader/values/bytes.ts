/** Columns of bytes: BINARY, VARBINARY and BLOB in every mode of the connector, and BIT(n). */
import type { BytesForm } from "./column-kind.ts";
import { type ColumnReader, Misfit, never } from "./column-reader.ts";
import { integerToDouble } from "./decimal.ts";
import { refuseUnavailable } from "./unavailable.ts";

const FORMS: Readonly<
  Record<BytesForm, { readonly accepts: RegExp; readonly encoding: BufferEncoding; readonly needed: string }>
> = {
  base64: {
    accepts: /^[A-Za-z0-9+/]*={0,2}$/,
    encoding: "base64",
    needed: "base64 with padding",
  },
  "base64-url-safe": {
    accepts: /^[A-Za-z0-9_-]*={0,2}$/,
    encoding: "base64url",
    needed: "base64 of the URL-safe alphabet",
  },
  hex: { accepts: /^(?:[0-9a-f]{2})*$/i, encoding: "hex", needed: "hexadecimal digits, two for a byte" },
};

/** Decodes strictly: text that another text also stands for, such as base64 with stray bits, is refused. @throws Misfit */
export function decodeBytes(value: unknown, form: BytesForm): Buffer {
  const { accepts, encoding, needed } = FORMS[form];
  if (typeof value !== "string" || !accepts.test(value)) throw new Misfit(needed);
  const bytes = Buffer.from(value, encoding);
  if (!isCanonical(value, bytes, form)) throw new Misfit(needed);
  return bytes;
}

function isCanonical(text: string, bytes: Buffer, form: BytesForm): boolean {
  switch (form) {
    case "hex":
      return true;
    case "base64":
      // Whole groups without padding have no bits to spare.
      return text.length % 4 === 0 && (!text.endsWith("=") || bytes.toString("base64") === text);
    case "base64-url-safe": {
      // Java pads it, others do not.
      const bare = text.replace(/=+$/, "");
      return (bare === text || text.length % 4 === 0) && bytes.toString("base64url") === bare;
    }
  }
}

const NO_TEXT = never(
  "a column of text: which text bytes stand for is not known",
  "use a binary or bytestring field",
);
const NO_NUMBER = never("a column of numbers: this one has bytes", "use a binary or bytestring field");

export function bytesReader(form: BytesForm): ColumnReader {
  return {
    integer: NO_NUMBER,
    decimal: NO_NUMBER,
    text: NO_TEXT,
    bytes: (value) => {
      refuseUnavailable(value);
      const bytes = decodeBytes(value, form);
      refuseUnavailable(bytes);
      return bytes;
    },
  };
}

/**
 * BIT(n): a number without sign in integers, decimals and (in decimal digits) text; in bytes what MySQL itself has, the highest
 * byte first, n/8 rounded up. The event has the lowest byte first.
 *
 * @param length bits, or null where the event does not say: then as many bytes as it has
 */
export function bitsReader(length: number | null): ColumnReader {
  const read = (value: unknown): Buffer => {
    const bytes = decodeBytes(value, "base64").reverse();
    if (length === null) return bytes;
    const size = Math.ceil(length / 8);
    const isTooLarge = bytes.length > size || (bytes.length === size && hasBitsBeyond(bytes, length));
    if (isTooLarge) throw new Misfit(`at most ${length} bits`);
    return bytes.length === size ? bytes : Buffer.concat([Buffer.alloc(size - bytes.length), bytes]);
  };
  const readNumber = (value: unknown): bigint => {
    const bytes = read(value);
    if (bytes.length > 8) throw new Misfit("at most 64 bits");
    return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString("hex")}`);
  };
  return {
    integer: readNumber,
    decimal: (value) => integerToDouble(readNumber(value)),
    text: (value) => readNumber(value).toString(),
    bytes: read,
  };
}

/** True if the highest byte has a bit that a number of `length` bits does not have. */
function hasBitsBeyond(bytes: Buffer, length: number): boolean {
  const free = bytes.length * 8 - length;
  return free > 0 && (bytes[0] ?? 0) >= 1 << (8 - free);
}
