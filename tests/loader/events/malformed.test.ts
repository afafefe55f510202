/** Records that are no change events are refused with what is wrong and what to do (R33). */
import { describe, expect, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import { createDecoder } from "../../../loader/events/decoder.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import {
  changeRecord,
  column,
  envelope,
  jsonText,
  kafkaRecord,
  transactionEnd,
  withSchema,
} from "../../support/debezium.ts";

const KEY = { id: 1 };
const AFTER = { id: 1, name: "a" };

function refusalOf(record: KafkaRecord): CtlstoreError {
  try {
    createDecoder().decode(record);
  } catch (error) {
    if (error instanceof CtlstoreError) return error;
    throw error;
  }
  throw new Error("it was read");
}

const withValue = (value: unknown) => kafkaRecord({ key: KEY, value });
const raw = (...bytes: readonly (number | string)[]) =>
  Buffer.concat(bytes.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))));
const whole = jsonText(envelope({ op: "c", after: AFTER }));
const deep = (levels: number): object =>
  levels === 0 ? { type: "string" } : { type: "array", items: deep(levels - 1) };

const CASES: readonly (readonly [what: string, record: KafkaRecord, message: RegExp, hint?: RegExp])[] = [
  ["zero bytes", withValue(raw()), /value .* zero bytes long, which is not a tombstone/],
  [
    "Avro of a schema registry",
    withValue(raw(0, 0, 0, 0, 7, "\x02\x06abc")),
    /zero byte, as Avro/,
    /JsonConverter/,
  ],
  ["JSON of a schema registry", withValue(raw(0, 0, 0, 0, 7, whole)), /zero byte, as Avro/, /JsonConverter/],
  ["a file of Avro", withValue(raw("Obj", 1, 0x84)), /not UTF-8/, /JsonConverter/],
  ["bytes that are no UTF-8", withValue(raw('{"id":"', 0xc3, 0x28, '"}')), /not UTF-8/],
  ["UTF-16", withValue(Buffer.from(`\ufeff${whole}`, "utf16le")), /not UTF-8/],
  ["a lone surrogate in bytes", withValue(raw('{"id":"', 0xed, 0xa0, 0x80, '"}')), /not UTF-8/],
  ["truncated JSON", withValue(raw(whole.slice(0, 100))), /cut off after 100 characters/],
  ["malformed JSON", withValue(raw('{"id":1,}')), /not JSON \(/],
  ["text", withValue(raw("Struct{id=1}")), /not JSON \(/, /value\.converter is a StringConverter/],
  ["more than one value", withValue(raw(whole, whole)), /not JSON \(/],
  ["NaN", withValue(raw('{"id":NaN}')), /not JSON \(/],
  ["an array", withValue([AFTER]), /it is an array; it must be an envelope/],
  ["a number", withValue(9007199254740993n), /it is a number; it must be an envelope/],
  ["a boolean", withValue(true), /it is a boolean/],
  ["a string", withValue("hello"), /it is a string; it must be/],
  ["JSON in a JSON string", withValue(whole), /it is a string with JSON in it/, /converted twice/],
  [
    "JSON in a JSON string, with a schema",
    withValue(withSchema({ type: "string", optional: true }, whole)),
    /a string with JSON in it/,
    /converted twice/,
  ],
  ["an object of nothing", withValue({}), /it has no columns/],
  ["a row of nothing but what was added", withValue({ __deleted: "true", __op: "d" }), /it has no columns/],
  [
    "a CloudEvent",
    withValue({ specversion: "1.0", iodebeziumop: "c", data: {} }),
    /CloudEvent/,
    /JsonConverter/,
  ],
  ["an unknown op", changeRecord({ op: "q", after: AFTER }), /its op is "q"; known are c, u, d, r, t and m/],
  ["an op that is null", withValue({ ...envelope({ op: "c", after: AFTER }), op: null }), /its op is null/],
  [
    "an op that is a number",
    withValue({ ...envelope({ op: "c", after: AFTER }), op: 1 }),
    /its op is a number/,
  ],
  [
    "a create without its row",
    changeRecord({ op: "c", before: AFTER }),
    /after is null; an event with op "c" needs/,
  ],
  [
    "an update without its row",
    changeRecord({ op: "u", before: AFTER }),
    /after is null; an event with op "u" needs/,
  ],
  [
    "a row in a string",
    withValue({ ...envelope({ op: "c" }), after: "{}" }),
    /after is a string; it must be an object/,
  ],
  [
    "rows in an array",
    withValue({ ...envelope({ op: "d" }), before: [] }),
    /before is an array; it must be an object/,
  ],
  [
    "a source in a string",
    withValue({ ...envelope({ op: "c", after: AFTER }), source: "x" }),
    /source is a string/,
  ],
  [
    "an unknown snapshot mark",
    changeRecord({ op: "r", after: AFTER, snapshot: "partly" }),
    /snapshot "partly"; known/,
  ],
  [
    "a transaction without id",
    withValue({ ...envelope({ op: "c", after: AFTER }), transaction: { total_order: 1 } }),
    /transaction is an object; it must be an object with an id/,
  ],
  [
    "a transaction without order",
    withValue({ ...envelope({ op: "c", after: AFTER }), transaction: { id: "a", total_order: 1.5 } }),
    /transaction\.total_order is 1\.5; it must be a count/,
  ],
  ["a delete mark that is neither", withValue({ ...AFTER, __deleted: "maybe" }), /__deleted is "maybe"/],
  ["an unknown op of a flattened row", withValue({ ...AFTER, __op: "q" }), /its op is "q"/],
  ["a message as a flattened row", withValue({ ...AFTER, __op: "m" }), /its op is m/],
  [
    "a key that is no JSON",
    kafkaRecord({ key: raw("1x"), value: envelope({ op: "c", after: AFTER }) }),
    /the key of a record: it is not JSON/,
  ],
  [
    "a key of zero bytes",
    kafkaRecord({ key: raw(), value: envelope({ op: "c", after: AFTER }) }),
    /the key of a record: it is zero bytes/,
  ],
  [
    "a key in Avro",
    kafkaRecord({ key: raw(0, 0, 0, 0, 1, 2), value: envelope({ op: "c", after: AFTER }) }),
    /the key .* zero byte/,
    /key\.converter/,
  ],
  [
    "a key that is text",
    kafkaRecord({ key: raw("Struct{id=1}"), value: null }),
    /the key of a record/,
    /key\.converter is a StringConverter/,
  ],
  ["a key that is an array", kafkaRecord({ key: [1], value: null }), /the key of a record: it is an array/],
  ["neither key nor value", kafkaRecord({ key: null, value: null }), /null, and so is the key/],
  [
    "a schema without type",
    withValue(withSchema({ type: "struct", fields: [{ field: "id" } as never] }, AFTER)),
    /its schema has a type that is missing/,
  ],
  [
    "a schema with a field without name",
    withValue(withSchema({ type: "struct", fields: [{ type: "int32" }] }, AFTER)),
    /its schema has a field whose name is missing/,
  ],
  [
    "a schema whose fields are no array",
    withValue(withSchema({ type: "struct", fields: {} as never }, AFTER)),
    /its schema has fields that are an object/,
  ],
  [
    "a schema with a field that is no object",
    withValue(withSchema({ type: "struct", fields: [1 as never] }, AFTER)),
    /its schema has a field whose name is missing/,
  ],
  ["a schema without end", withValue(withSchema(deep(40) as never, AFTER)), /its schema is nested too deep/],
  [
    "a transaction's end without count",
    withValue({ status: "END", id: "a", event_count: null, data_collections: [] }),
    /event_count is null; it must be a count/,
  ],
  [
    "a transaction's end with a count below zero",
    withValue({ status: "END", id: "a", event_count: -1, data_collections: [] }),
    /event_count is -1/,
  ],
  [
    "a transaction's end with counts of nothing",
    withValue({ status: "END", id: "a", event_count: 1, data_collections: [{}] }),
    /data_collections has one whose name is missing/,
  ],
  [
    "a transaction's end whose counts are no array",
    withValue({ status: "END", id: "a", event_count: 1, data_collections: {} }),
    /data_collections is an object/,
  ],
  [
    "a transaction without a name",
    withValue({ status: "BEGIN", id: 1, event_count: null, data_collections: null }),
    /its id is a number/,
  ],
];

describe("decoder", () => {
  for (const [what, record, message, hint] of CASES)
    test(`R33 refuses ${what}, and says so`, () => {
      const refusal = refusalOf(record);
      expect(refusal.code).toBe("event_malformed");
      expect(refusal.message).toMatch(message);
      expect(refusal.message).toMatch(/^Cannot read the (key|value) of a record: .+; .+/);
      if (hint !== undefined) expect(refusal.details.hint).toMatch(hint);
    });

  test("R33 refuses a record cut off anywhere, whether it knows the schema or not", () => {
    const columns = { id: column("int32"), name: column("string") };
    const bytes = changeRecord({ op: "c", after: AFTER, columns }).value ?? new Uint8Array();
    const warm = createDecoder();
    warm.decode(kafkaRecord({ key: KEY, value: bytes }));
    for (let length = 0; length < bytes.length; length += length < bytes.length - 800 ? 23 : 1) {
      const record = kafkaRecord({ key: KEY, value: bytes.subarray(0, length) });
      expect(refusalOf(record).code).toBe("event_malformed");
      expect(() => warm.decode(record)).toThrow(expect.objectContaining({ code: "event_malformed" }));
    }
  });

  test("R33 reads records after a damaged one as before", () => {
    const decoder = createDecoder();
    const columns = { id: column("int32"), name: column("string") };
    const good = changeRecord({ op: "c", after: AFTER, columns });
    const first = decoder.decode(good);
    for (const { value } of [
      withValue(raw(0)),
      withValue(raw(whole.slice(0, 50))),
      transactionEnd("a", { b: -1 }),
    ])
      expect(() => decoder.decode({ ...good, value })).toThrow();
    expect(decoder.decode(good)).toEqual(first);
  });

  test("R33 takes a byte order mark for what it is", () => {
    const record = withValue(raw(0xef, 0xbb, 0xbf, whole));
    expect(createDecoder().decode(record)).toEqual(createDecoder().decode(withValue(raw(whole))));
  });
});
