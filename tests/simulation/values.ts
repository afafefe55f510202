/** Values to send, as JSON text: every type over its whole range, hostile ones first, and some that fit no field. */
import type { FieldType } from "../../core/field-types.ts";
import type { Random } from "./random.ts";

const STRINGS = [
  "",
  " ",
  "a",
  "A",
  "a ",
  " a",
  "a\t",
  "ä",
  "a\u0308",
  "ß",
  "ss",
  "\u0000",
  "a\u0000",
  "a\u0000b",
  "'",
  "''",
  "it's",
  '"',
  "`",
  "\\",
  "\\'",
  "\\0",
  "%_",
  ";",
  "a; DROP TABLE x",
  "--",
  "--- BEGIN",
  "--- COMMIT",
  "/*",
  "*/",
  "___",
  "?",
  ":a",
  "$1",
  "NULL",
  "x'00'",
  "0",
  "1",
  "-1",
  "1e3",
  "9223372036854775807",
  "0x10",
  "\n",
  "\r\n",
  "\u001a",
  "\u007f",
  "\ufeff",
  "\ufeffa",
  "\uffff",
  "\u2028",
  "İ",
  "ı",
  "😀",
  "👩‍👩‍👧",
  "\u{10ffff}",
  "مرحبا",
  "x".repeat(191),
  "😀".repeat(191),
  "'".repeat(191),
  "\u0000".repeat(191),
] as const;

const INTEGERS = [
  "0",
  "-0",
  "1",
  "-1",
  "true",
  "false",
  "127",
  "255",
  "2147483647",
  "2147483648",
  "-2147483649",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "-9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
  '"9223372036854775807"',
  '"-9223372036854775808"',
  '"9007199254740993"',
  '"007"',
  '"-0"',
  "1.0",
  "1.20e2",
  "5e0",
  "1234567890123456789e0",
  "12345678901234567.8e2",
  "120e-1",
] as const;

const DECIMALS = [
  "0",
  "-0.0",
  "1",
  "-1",
  "0.1",
  "0.30000000000000004",
  "3.141592653589793",
  "1e21",
  "1e22",
  "1e23",
  "9007199254740993",
  "123456789012345678901234567890",
  "1.7976931348623157e308",
  "-1.7976931348623157e308",
  "2.2250738585072014e-308",
  "2.2250738585072011e-308",
  "5e-324",
  "-5e-324",
  "1e-320",
  "1e-400",
  "1e-7",
  "1e-30",
  "1e-31",
  "9.5367431640625e-7",
] as const;

const WRONG_ANYWHERE = ["[]", "[1]", "{}", '{"a":1}'] as const;

const WRONG: Readonly<Record<FieldType, readonly string[]>> = {
  string: [
    ...WRONG_ANYWHERE,
    "1",
    "1.5",
    "true",
    JSON.stringify("x".repeat(192)),
    '"\\ud800"',
    '"a\\udc00b"',
    `"${"😀".repeat(192)}"`,
  ],
  text: [...WRONG_ANYWHERE, "0", "false", '"\\udfff"', '"\\ud83d"'],
  integer: [
    ...WRONG_ANYWHERE,
    "1.5",
    "-2.5",
    '"abc"',
    '""',
    '" 1"',
    '"1.0"',
    '"1e3"',
    '"+1"',
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    '"9223372036854775808"',
    "1e19",
    "1e400",
    "9007199254740992.5",
    "1e-1",
    "123456789012345678901234567890123456789012345678901234567890",
  ],
  decimal: [...WRONG_ANYWHERE, '"1.5"', '""', "true", "1e309", "-1e400", '"NaN"'],
  binary: [...WRONG_ANYWHERE, "1", '"a"', '"ab=="', '"QR=="', '"QQ"', '"-_=="', '"\\u0000"', "true"],
  bytestring: [
    ...WRONG_ANYWHERE,
    "1",
    '"="',
    '"Q Q="',
    JSON.stringify(Buffer.alloc(256, 1).toString("base64")),
  ],
};

/** JSON text of a value that fits the type. Small ranges come often, so that keys meet again. */
export function fittingValue(random: Random, type: FieldType): string {
  switch (type) {
    case "string":
      return JSON.stringify(random.chance(0.5) ? random.pick(["a", "b", "A", "a "]) : someText(random, 191));
    case "text":
      return JSON.stringify(someText(random, random.chance(0.02) ? 20_000 : 300));
    case "integer":
      return someInteger(random);
    case "decimal":
      return random.chance(0.4) ? random.pick(DECIMALS) : someDecimal(random);
    case "binary":
      return base64(someBytes(random, random.chance(0.02) ? 10_000 : 40));
    case "bytestring":
      return base64(someBytes(random, random.chance(0.05) ? 255 : 6));
  }
}

/** JSON text of a value that the type refuses. */
export function unfittingValue(random: Random, type: FieldType): string {
  return random.pick(WRONG[type]);
}

function someText(random: Random, mostChars: number): string {
  if (random.chance(0.6)) return random.pick(STRINGS);
  const length = random.chance(0.1) ? mostChars : random.below(Math.min(mostChars, 24));
  let text = "";
  for (let i = 0; i < length; i++) text += someCharacter(random);
  return text;
}

function someCharacter(random: Random): string {
  if (random.chance(0.5)) return String.fromCodePoint(random.between(0x20, 0x7e));
  if (random.chance(0.3)) return random.pick(["'", '"', "\\", "\u0000", "`", ";", "-", "%", "_"]);
  const codePoint = random.pick([
    random.below(0xd800),
    random.between(0xe000, 0xffff),
    0x10000 + random.below(0x100000),
  ]);
  return String.fromCodePoint(codePoint);
}

function someInteger(random: Random): string {
  if (random.chance(0.4)) return String(random.between(-2, 3));
  if (random.chance(0.5)) return random.pick(INTEGERS);
  const integer = Buffer.from(random.bytes(8)).readBigInt64BE() >> BigInt(random.below(64));
  return random.chance(0.5) ? `${integer}` : `"${integer}"`;
}

/** Any finite double, by its bits. */
function someDecimal(random: Random): string {
  const value = Buffer.from(random.bytes(8)).readDoubleBE();
  if (!Number.isFinite(value)) return "0.5";
  return random.pick([String(value), value.toExponential(), value.toPrecision(17)]);
}

function someBytes(random: Random, most: number): Uint8Array {
  if (random.chance(0.3))
    return random.pick(
      [[], [0], [0, 0], [255], [39], [92], [0x20], [0xed, 0xa0, 0x80]].map((bytes) => Uint8Array.from(bytes)),
    );
  return random.bytes(random.below(most + 1));
}

function base64(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString("base64"));
}
