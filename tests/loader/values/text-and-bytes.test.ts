/** Columns of text, bytes, JSON, geometry and arrays, in each mode of the connector (R33). */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NumberText } from "../../../core/exact-json.ts";
import type { FieldType } from "../../../core/field-types.ts";
import type { ColumnRules } from "../../../loader/values/column-rules.ts";
import type { ConnectType } from "../../../loader/values/connect-type.ts";
import { runsOf, suiteSeed } from "../../support/suite.ts";
import { bytes, type Case, column, convert, outcome, source } from "./support.ts";

const STRING = column("string");
const BYTES = column("bytes");
const JSON_COLUMN = column("string", "data.Json");
const VARCHAR = column("string", null, source("VARCHAR", 20));
const BLOB_AS_TEXT = column("string", null, source("BLOB"));
const PLACEHOLDER = "__debezium_unavailable_value";

type Rows = readonly (readonly [value: unknown, to: FieldType, is: unknown])[];

function check(type: ConnectType | null, rows: Rows, given: Partial<ColumnRules> = {}): void {
  for (const [value, to, is] of rows) {
    const each: Case = { value, type, to, is, rules: given };
    const { got, wanted } = outcome(each);
    expect({ case: each, got }).toEqual({ case: each, got: wanted as never });
  }
}

describe("R33: a column of text", () => {
  test("is kept as it is, code point for code point", () => {
    for (const text of ["", "abc", "naïve 🦊", "a\0b", " padded ", "İ", "e\u0301", "'\"\\", "0000-00-00"]) {
      check(STRING, [
        [text, "string", text],
        [text, "text", text],
      ]);
      check(null, [[text, "string", text]]);
    }
    check(JSON_COLUMN, [['{"a": 1.0, "b":[]}', "text", '{"a": 1.0, "b":[]}']]);
    check(column("string", "data.Enum", { allowed: "small,large" }), [["small", "string", "small"]]);
    check(column("string", "data.EnumSet", { allowed: "a,b,c" }), [["a,c", "string", "a,c"]]);
    check(column("string", "data.Uuid"), [
      ["6ccd780c-baba-1026-9564-5b8c656024db", "string", "6ccd780c-baba-1026-9564-5b8c656024db"],
    ]);
    check(column("string", "com.example.Whatever"), [["10:00:00+02:00", "string", "10:00:00+02:00"]]);
  });

  test("fits up to 191 code points or 512 KiB, and not one more", () => {
    check(STRING, [
      ["🦊".repeat(191), "string", "🦊".repeat(191)],
      ["🦊".repeat(192), "string", /at most 191 characters.*the column is string/],
      ["a".repeat(512 * 1024), "text", "a".repeat(512 * 1024)],
      [`${"a".repeat(512 * 1024 - 1)}é`, "text", /at most 524288 bytes/],
    ]);
  });

  test("is refused when it is no string, or no valid Unicode", () => {
    check(STRING, [
      [12, "string", /a JSON string/],
      [true, "text", /a JSON string/],
      [{}, "text", /a JSON string/],
      [[], "string", /a JSON string/],
      ["\ud800", "string", /lone surrogate/],
      ["a\udc00", "text", /lone surrogate/],
    ]);
    check(null, [["\ud800", "string", /lone surrogate/]]);
  });

  test("is a number only when it is exactly the number's digits", () => {
    check(STRING, [
      ["42", "integer", 42n],
      ["-42", "integer", -42n],
      ["9223372036854775807", "integer", 9223372036854775807n],
      ["9223372036854775808", "integer", /it needs an integer/],
      ["12.30", "decimal", 12.3],
      ["-0.5", "decimal", -0.5],
      ...["007", "+1", "-0", "1.0", "1e3", " 1", "1 ", "", "0x10", "१"].map(
        (text) => [text, "integer", /digits of an integer/] as const,
      ),
      ...["007.5", ".5", "5.", "1e3", "", "abc", "NaN", "1,5"].map(
        (text) => [text, "decimal", /digits of a decimal/] as const,
      ),
      ["0.1234567890123456789", "decimal", /15 digits/],
    ]);
  });

  test("never becomes bytes unless the mapping says how it writes them", () => {
    check(STRING, [["QUI=", "binary", /in which encoding is not known.*binary/]]);
    check(STRING, [["QUI=", "binary", bytes(65, 66)]], { binary: "base64" });
    check(VARCHAR, [["QUI=", "binary", /in which encoding is not known/]], { binary: "base64" });
    check(JSON_COLUMN, [["QUI=", "binary", /in which encoding is not known/]], { binary: "base64" });
    check(null, [["QUI=", "binary", /in which encoding is not known/]], { column: "varchar(20)" });
  });
});

describe("R33: a column of bytes", () => {
  test("is read in each of the connector's modes", () => {
    const wanted = bytes(0xfb, 0xff, 0x00);
    check(BYTES, [
      ["+/8A", "binary", wanted],
      ["+/8A", "bytestring", wanted],
      ["", "binary", bytes()],
      ["QQ==", "bytestring", bytes(65)],
    ]);
    check(STRING, [["+/8A", "binary", wanted]], { binary: "base64" });
    check(BLOB_AS_TEXT, [["-_8A", "binary", wanted]], { binary: "base64-url-safe" });
    check(BLOB_AS_TEXT, [["QQ==", "binary", bytes(65)]], { binary: "base64-url-safe" });
    check(BLOB_AS_TEXT, [["QQ", "binary", bytes(65)]], { binary: "base64-url-safe" });
    check(BLOB_AS_TEXT, [["fbff00", "bytestring", wanted]], { binary: "hex" });
    check(null, [["+/8A", "binary", wanted]]);
    check(null, [["FBFF00", "binary", wanted]], { binary: "hex" });
    check(null, [["fbff00", "binary", wanted]], { binary: "hex", column: "varbinary(20)" });
    check(null, [["-_8A", "bytestring", wanted]], { binary: "base64-url-safe", column: "binary(3)" });
    // The event's schema wins: there they are bytes, whatever the mapping says.
    check(BYTES, [["+/8A", "binary", wanted]], { binary: "hex" });
  });

  test("is refused when its text is not exactly what those bytes are written as", () => {
    check(
      BYTES,
      ["QQ", "QQ=", "QR==", "Q===", "QUI", "-_8A", "QQ==\n", " QQ==", "é", "====", "A"].map(
        (text) => [text, "binary", /base64 with padding/] as const,
      ),
    );
    check(BYTES, [
      [65, "binary", /base64/],
      [[65], "binary", /base64/],
      [{}, "binary", /base64/],
      [true, "bytestring", /base64/],
    ]);
    check(
      null,
      ["f", "fbf", "0x00", "gg", "fb ff"].map((text) => [text, "binary", /hexadecimal digits/] as const),
      { binary: "hex" },
    );
    check(
      null,
      ["+/8A", "QR==", "QQ=", "A"].map((text) => [text, "binary", /URL-safe/] as const),
      { binary: "base64-url-safe" },
    );
  });

  test("is refused when it is longer than the field", () => {
    const base64 = (size: number) => Buffer.alloc(size, 7).toString("base64");
    check(BYTES, [
      [base64(255), "bytestring", new Uint8Array(255).fill(7)],
      [base64(256), "bytestring", /at most 255 bytes/],
      [base64(512 * 1024 + 1), "binary", /at most 524288 bytes/],
    ]);
  });

  test("never becomes text or a number", () => {
    check(BYTES, [
      ["QUI=", "string", /which text bytes stand for is not known.*binary or bytestring field/],
      ["QUI=", "text", /not known/],
      ["MQ==", "integer", /this one has bytes/],
      ["MQ==", "decimal", /this one has bytes/],
    ]);
  });
});

describe("R33: a value that Debezium does not have", () => {
  test("is refused in every form of its placeholder", () => {
    const base64 = Buffer.from(PLACEHOLDER).toString("base64");
    const hex = Buffer.from(PLACEHOLDER).toString("hex");
    const refused = /what Debezium writes.*binlog_row_image=FULL/;
    check(STRING, [
      [PLACEHOLDER, "string", refused],
      [PLACEHOLDER, "integer", refused],
      [PLACEHOLDER, "decimal", refused],
    ]);
    check(null, [
      [PLACEHOLDER, "text", refused],
      [PLACEHOLDER, "binary", refused],
      [base64, "binary", refused],
    ]);
    check(BYTES, [
      [base64, "binary", refused],
      [PLACEHOLDER, "binary", refused],
    ]);
    check(BLOB_AS_TEXT, [[hex, "bytestring", refused]], { binary: "hex" });
    check(STRING, [[base64, "binary", refused]], { binary: "base64" });
    check(column("string", null, source("DECIMAL")), [[PLACEHOLDER, "string", refused]]);
    check(column("array"), [[[PLACEHOLDER], "text", refused]]);
  });

  test("is refused when the event lacks the column altogether", () => {
    check(STRING, [[undefined, "string", /the event has none/]]);
  });
});

describe("R33: a column of geometry", () => {
  const GEOMETRY = column("struct", "data.geometry.Geometry");
  const POINT = column("struct", "data.geometry.Point");
  const wkb = Buffer.from("0101000000000000000000f03f0000000000000040", "hex");

  test("is what MySQL stores when the field has bytes: reference system, then well-known binary", () => {
    const stored = (srid: number[]) => Uint8Array.from([...srid, ...wkb]);
    check(GEOMETRY, [
      [{ wkb: wkb.toString("base64"), srid: null }, "binary", stored([0, 0, 0, 0])],
      [{ wkb: wkb.toString("base64"), srid: 4326 }, "bytestring", stored([0xe6, 0x10, 0, 0])],
      [{ wkb: wkb.toString("base64") }, "binary", stored([0, 0, 0, 0])],
    ]);
    check(POINT, [[{ x: 1, y: 2, wkb: wkb.toString("base64"), srid: null }, "binary", stored([0, 0, 0, 0])]]);
    check(null, [[{ wkb: wkb.toString("base64"), srid: 1 }, "binary", stored([1, 0, 0, 0])]]);
  });

  test("is its JSON when the field has text, and no number", () => {
    check(POINT, [
      [{ x: 1.5, y: 2, wkb: "AQ==", srid: null }, "text", '{"x":1.5,"y":2,"wkb":"AQ==","srid":null}'],
      [{ wkb: "AQ==" }, "integer", /this has parts.*text field/],
    ]);
  });

  test("is refused when the struct is another", () => {
    check(GEOMETRY, [
      ["AQ==", "binary", /an object of wkb and srid/],
      [{ srid: 1 }, "binary", /an object of wkb and srid/],
      [{ wkb: "AQ==", srid: -1 }, "binary", /an object of wkb and srid/],
      [{ wkb: "A", srid: 1 }, "binary", /base64/],
      [{ wkb: 7 }, "binary", /base64/],
    ]);
  });
});

describe("R33: a column of arrays or structs", () => {
  test("is JSON with exact numbers when the field has text", () => {
    check(column("array", "data.vector.FloatVector"), [[[1.5, -2, 0.1], "text", "[1.5,-2,0.1]"]]);
    check(column("struct"), [
      [
        { a: 9007199254740993n, b: new NumberText("1.10000000000000000001"), c: ["é", null, true] },
        "text",
        '{"a":9007199254740993,"b":1.10000000000000000001,"c":["é",null,true]}',
      ],
      [{}, "string", "{}"],
      ["{}", "text", /an object or an array/],
      [7, "text", /an object or an array/],
      [{}, "binary", /column of bytes/],
    ]);
    check(null, [[[1, "2"], "text", '[1,"2"]']]);
  });

  test("is refused when it is nested deeper than any origin's", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 50_000; level++) deep = [deep];
    check(column("array"), [[deep, "text", /at most 100 levels/]]);
  });
});

describe("R33: any bytes and any text", () => {
  test("come back unchanged from every mode", () => {
    const seed = suiteSeed();
    const modes = { base64: "base64", "base64-url-safe": "base64url", hex: "hex" } as const;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 255 }), (value) => {
        const buffer = Buffer.from(value);
        expect(convert("bytestring", buffer.toString("base64"), BYTES)).toEqual(buffer);
        for (const [mode, encoding] of Object.entries(modes)) {
          const binary = mode as keyof typeof modes;
          expect(convert("binary", buffer.toString(encoding), BLOB_AS_TEXT, { binary })).toEqual(buffer);
        }
      }),
      { seed, numRuns: runsOf({ quick: 300, deep: 30_000 }) },
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 191 }), (text) => {
        expect(convert("text", text, STRING)).toBe(text);
      }),
      { seed, numRuns: runsOf({ quick: 300, deep: 30_000 }) },
    );
  });

  test("are one value or refused when a base64 text is any text of that alphabet", () => {
    const seed = suiteSeed();
    const text = fc.string({ unit: fc.constantFrom(..."AQRgw+/-_="), maxLength: 9 });
    fc.assert(
      fc.property(text, (value) => {
        const got = convert("binary", value, BYTES);
        if (got instanceof Uint8Array) expect(Buffer.from(got).toString("base64")).toBe(value);
        else expect(got).toMatch(/^refused: .*base64 with padding/);
      }),
      { seed, numRuns: runsOf({ quick: 1_000, deep: 100_000 }) },
    );
  });
});
