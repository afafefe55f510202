/** Values that must come out as they were written (I12). */
import { describe, expect, test } from "bun:test";
import { NumberText } from "../../../core/exact-json.ts";
import { createDecoder } from "../../../loader/events/decoder.ts";
import { changeRecord, column, kafkaRecord } from "../../support/debezium.ts";
import { decodeRow } from "./decode.ts";

describe("decoder, exactness", () => {
  const columns = {
    big: 9223372036854775807n,
    bigger: new NumberText("18446744073709551615"),
    minus: -9223372036854775808n,
    safe: 9007199254740991n,
    fraction: new NumberText("9007199254740993.5"),
    huge: new NumberText("1e400"),
    tiny: new NumberText("1e-400"),
    exponent: new NumberText("1.8446744073709551615E19"),
    list: [9007199254740993n, { deep: 9007199254740993n }],
    text: '":9007199254740993,"',
  };

  for (const form of ["envelope", "flattened", "with schemas"]) {
    test(`I12 keeps numbers that a double does not hold in the form ${form}`, () => {
      const row = { id: 9007199254740993n, ...columns };
      const record =
        form === "flattened"
          ? kafkaRecord({ key: { id: row.id }, value: row })
          : changeRecord({
              op: "u",
              before: row,
              after: row,
              ...(form === "envelope"
                ? {}
                : { columns: Object.fromEntries(Object.keys(row).map((name) => [name, column("int64")])) }),
            });
      const decoder = createDecoder();
      for (let round = 0; round < 2; round++) {
        const event = decoder.decode(record);
        if (event.kind !== "row") throw new Error(event.kind);
        expect(event.key?.values).toEqual({ id: 9007199254740993n });
        expect(event.after?.values).toEqual({ ...row, safe: 9007199254740991 });
        expect(event.before).toEqual(form === "flattened" ? null : event.after);
      }
    });
  }

  test("keeps a column called __proto__, -0, NUL, emoji and lone surrogates", () => {
    const text = `{"__proto__":{"a":"9007199254740993"},"z":-0,"nul":"\\u0000","nulNumber":"\\u00009007199254740993","big":9007199254740993,"emoji":"😀\\ud83d\\ude00","lone":"\\ud800","__op":"u"}`;
    const values = decodeRow(kafkaRecord({ key: { id: 1 }, value: Buffer.from(text) })).after?.values ?? {};
    expect(Object.keys(values)).toEqual(["__proto__", "z", "nul", "nulNumber", "big", "emoji", "lone"]);
    expect(Object.getOwnPropertyDescriptor(values, "__proto__")?.value).toEqual({ a: "9007199254740993" });
    expect(Object.getPrototypeOf(values)).toBe(Object.prototype);
    expect(values).toMatchObject({
      z: -0,
      nul: "\0",
      nulNumber: "\x009007199254740993",
      big: 9007199254740993n,
      emoji: "😀😀",
      lone: "\ud800",
    });
  });

  test("takes the last of members of one name, as every JSON parser does", () => {
    const value = Buffer.from('{"id":1,"id":9007199254740993}');
    expect(decodeRow(kafkaRecord({ key: { id: 1 }, value })).after?.values).toEqual({
      id: 9007199254740993n,
    });
  });

  test("leaves a value that the connector did not have as it is written", () => {
    const row = { id: 1, blob: "__debezium_unavailable_value" };
    expect(decodeRow(changeRecord({ op: "u", after: row })).after?.values).toEqual(row);
  });

  test("reads an event of 2 MiB", () => {
    const row = { id: 1, document: 'x"\\\n'.repeat(500_000) };
    expect(decodeRow(changeRecord({ op: "c", after: row })).after?.values).toEqual(row);
  });
});
