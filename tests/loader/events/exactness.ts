/**
 * Properties that must hold on every runtime: exact JSON is what a plain parser makes of the text, and a decoder that
 * remembers schemas says what one that sees the record for the first time says.
 */
import fc from "fast-check";
import { isCtlstoreError } from "../../../core/errors.ts";
import { NumberText, parseExactJson } from "../../../core/exact-json.ts";
import { createDecoder, type Decoder } from "../../../loader/events/decoder.ts";
import { hasEscapedName, misreadsEscapedNames } from "../../../loader/events/escaped-names.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { type Columns, changeRecord, column } from "../../support/debezium.ts";
import { parseSlowly } from "../../support/slow-json.ts";

const digits = fc.stringMatching(/^\d{0,24}$/);
const numberToken = fc.oneof(
  // Fractions whose double has none.
  fc
    .tuple(fc.bigInt({ min: 0n, max: 2n ** 53n }), fc.constantFrom("0", "9"), fc.nat(30), fc.nat(999))
    .map(([whole, digit, length, last]) => `${whole}.${digit.repeat(length)}${last}`),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => String(value)),
  fc
    .tuple(fc.constantFrom("", "-"), fc.constantFrom("0", "7", "90", "9007199254740992"), digits, digits)
    .map(
      ([sign, first, more, fraction]) =>
        `${sign}${first === "0" ? first : first + more}${fraction === "" ? "" : `.${fraction}`}`,
    ),
  fc
    .tuple(
      fc.integer({ min: -999, max: 999 }),
      fc.constantFrom("e", "E", ".5e", ".0E"),
      fc.constantFrom("", "-", "+"),
    )
    .chain(([whole, e, sign]) => fc.nat(420).map((exponent) => `${whole}${e}${sign}${exponent}`)),
);
const nastyText = fc.constantFrom(
  '":9007199254740993,"',
  ":9007199254740993}",
  '\\":9007199254740993,',
  "\0" + "9007199254740993",
  "\0\0\x00",
  '"schema":{},"payload":',
  "\\",
  "\\\\",
  "1e400",
  "-41e0-",
  "\u2028\ufeff😀",
  "__proto__",
  "ts_ns",
);
const text = fc.oneof(
  nastyText,
  fc.string({ maxLength: 12 }),
  fc.tuple(nastyText, fc.string({ maxLength: 5 })).map((parts) => parts.join("")),
);
const space = fc.constantFrom("", "", "", "", " ", "\n", "\t ", "  ");

/** JSON texts, spelled in all ways that JSON allows. */
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    numberToken,
    text.map((value) => JSON.stringify(value)),
    fc.constantFrom("true", "false", "null", '"\\u0000"', '"\\u0000\\u00009007199254740993"', '"\\/"'),
    fc
      .array(fc.tuple(space, text, space, space, tie("json"), space), { maxLength: 5 })
      .map((members) =>
        members.map(([a, name, b, c, value, d]) => `${a}${JSON.stringify(name)}${b}:${c}${value}${d}`),
      )
      .map((members) => `{${members.join(",")}}`),
    fc
      .array(
        fc.tuple(space, tie("json"), space).map((parts) => parts.join("")),
        { maxLength: 5 },
      )
      .map((items) => `[${items.join(",")}]`),
  ),
}));

/** Cuts, repeats and changes of a text, most of which make it invalid. */
const damage = fc.tuple(
  fc.nat(),
  fc.nat(6),
  fc.constantFrom("", '"', "\\", "0", "-", ":", ",", "}", "e", ".", "\0", "["),
);

function damaged(whole: string, [at, length, put]: readonly [number, number, string]): string {
  const start = at % (whole.length + 1);
  return whole.slice(0, start) + put + whole.slice(start + length);
}

/** Text that differs where two values do, down to the sign of a zero and the order of members. */
export function describeExactly(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (value instanceof NumberText) return `NumberText(${value.text})`;
  if (value instanceof Map) return `Map${describeExactly([...value])}`;
  if (Array.isArray(value)) return `[${value.map(describeExactly).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? String(value);
  return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}:${describeExactly(item)}`)}}`;
}

function outcomeOf(parse: (text: string) => unknown, input: string): string {
  try {
    return describeExactly(parse(input));
  } catch {
    return "refused";
  }
}

/** The outcome of a decoder: the event, or the code and message of its error. */
export function decodeOutcome(decoder: Decoder, record: KafkaRecord): string {
  try {
    return describeExactly(decoder.decode(record));
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

export function checkExactJson(seed: number, numRuns: number): void {
  const agrees = (input: string): void => {
    if (misreadsEscapedNames && hasEscapedName(input)) return; // which the decoder refuses
    const expected = outcomeOf(parseSlowly, input);
    const actual = outcomeOf(parseExactJson, input);
    if (actual !== expected) throw new Error(`${input}\nmust be ${expected}\nand is  ${actual}`);
  };
  fc.assert(fc.property(json, agrees), { seed, numRuns });
  fc.assert(
    fc.property(json, damage, (whole, change) => agrees(damaged(whole, change))),
    { seed, numRuns },
  );
}

const COLUMNS: Columns = {
  id: column("int64", { optional: false }),
  payload: column("string", { default: '"payload":' }),
  note: column("string"),
};

const record = fc
  .tuple(
    fc.constantFrom("c", "u", "d", "r", "t", "x"),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    text,
  )
  .map(([op, id, note]) => {
    const row = { id, payload: '"payload":null', note };
    return changeRecord({ op, before: op === "c" ? null : row, after: row, columns: COLUMNS });
  });

/** Where the payload begins, so that as many changes fall behind the remembered bytes as into them. */
const PAYLOAD_AT = 3_000;

export function checkRememberedSchemas(seed: number, numRuns: number): void {
  const warm = createDecoder();
  warm.decode(changeRecord({ op: "c", after: { id: 1, payload: "", note: "" }, columns: COLUMNS }));
  const agrees = (change: KafkaRecord): void => {
    const expected = decodeOutcome(createDecoder(), change);
    const actual = decodeOutcome(warm, change);
    if (actual !== expected) throw new Error(`must be ${expected}\nand is  ${actual}`);
  };
  fc.assert(fc.property(record, agrees), { seed, numRuns });
  fc.assert(
    fc.property(record, damage, fc.boolean(), (change, [at, length, put], isBehind) => {
      const whole = Buffer.from(change.value ?? []).toString("utf8");
      const place = isBehind ? PAYLOAD_AT + (at % (whole.length - PAYLOAD_AT)) : at;
      agrees({ ...change, value: Buffer.from(damaged(whole, [place, length, put])) });
    }),
    { seed, numRuns },
  );
  fc.assert(
    fc.property(record, fc.nat(), fc.nat(255), (change, at, byte) => {
      const value = Uint8Array.from(change.value ?? []);
      value[at % value.length] = byte;
      agrees({ ...change, value });
    }),
    { seed, numRuns },
  );
}
