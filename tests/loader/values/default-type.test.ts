/** The types that the loader gives fields which it makes, and what it knows of columns. */
import { describe, expect, test } from "bun:test";
import type { ColumnRules } from "../../../loader/values/column-rules.ts";
import type { ConnectType } from "../../../loader/values/connect-type.ts";
import { defaultFieldType } from "../../../loader/values/default-type.ts";
import { parseOriginColumn } from "../../../loader/values/origin-column.ts";
import { column, convert, decimalColumn, digits, rules, source } from "./support.ts";

function typeOf(type: ConnectType | null, given: Partial<ColumnRules> = {}): string | null {
  return defaultFieldType(type, rules(given));
}

describe("a field that the loader makes", () => {
  test("can hold every value when the event's schema says what the column is", () => {
    const wanted: [ConnectType, string][] = [
      [column("int8"), "integer"],
      [column("int16"), "integer"],
      [column("int32"), "integer"],
      [column("int64"), "integer"],
      [column("boolean"), "integer"],
      [column("float"), "decimal"],
      [column("double"), "decimal"],
      [decimalColumn(0, 18), "integer"],
      [decimalColumn(0, 19), "string"],
      [decimalColumn(0, 20), "string"],
      [decimalColumn(2, 5), "string"],
      [column("bytes", "org.apache.kafka.connect.data.Decimal", { scale: "0" }), "string"],
      [
        column("bytes", "org.apache.kafka.connect.data.Decimal", { scale: "0", ...source("DECIMAL", 10, 0) }),
        "integer",
      ],
      [
        column("bytes", "org.apache.kafka.connect.data.Decimal", {
          scale: "0",
          ...source("BIGINT UNSIGNED", 10),
        }),
        "string",
      ],
      [column("struct", "data.VariableScaleDecimal"), "string"],
      [column("string", null, source("DECIMAL", 10, 2)), "string"],
      [column("string", null, source("VARCHAR", 191)), "string"],
      [column("string", null, source("VARCHAR", 192)), "text"],
      [column("string", null, source("CHAR", 10)), "string"],
      [column("string", null, source("TINYTEXT", 100)), "text"], // counts bytes
      [column("string", null, source("LONGTEXT")), "text"],
      [column("string"), "text"],
      [column("string", "data.Json"), "text"],
      [column("string", "data.Enum", { allowed: "small,large" }), "string"],
      [column("string", "data.EnumSet", { allowed: "x".repeat(192) }), "text"],
      [column("string", "data.Enum"), "text"],
      [column("string", "data.Uuid"), "string"],
      [column("bytes"), "binary"],
      [column("bytes", null, source("VARBINARY", 255)), "bytestring"],
      [column("bytes", null, source("VARBINARY", 256)), "binary"],
      [column("bytes", null, source("BLOB")), "binary"],
      [column("bytes", "data.Bits", { length: "63" }), "integer"],
      [column("bytes", "data.Bits", { length: "64" }), "string"],
      [column("bytes", "data.Bits"), "binary"],
      [column("int32", "time.Date"), "string"],
      [column("int64", "time.MicroTime"), "string"],
      [column("int64", "time.Timestamp"), "string"],
      [column("string", "time.ZonedTimestamp"), "string"],
      [column("string", "time.IsoDate"), "string"],
      [column("int32", "time.Year"), "integer"],
      [column("struct", "data.geometry.Point"), "binary"],
      [column("struct"), "text"],
      [column("array", "data.vector.FloatVector"), "text"],
      [column("int64", "com.example.Unknown"), "integer"],
    ];
    for (const [type, is] of wanted) expect({ type, is: typeOf(type) }).toEqual({ type, is: is as never });
  });

  test("goes by the mapping when the event has no schema, and is nobody's guess when neither says", () => {
    expect(typeOf(null)).toBeNull();
    expect(typeOf(null, { scale: 2 })).toBe("string");
    const wanted: [Partial<ColumnRules> & { column: string }, string][] = [
      [{ column: "int(11)" }, "integer"],
      [{ column: "bigint unsigned", bigintUnsigned: "precise" }, "string"],
      [{ column: "decimal(10,0)" }, "integer"],
      [{ column: "decimal(10,2)", decimal: "double" }, "decimal"],
      [{ column: "decimal(10,2)", decimal: "string" }, "string"],
      [{ column: "varchar(50)" }, "string"],
      [{ column: "varbinary(16)", binary: "hex" }, "bytestring"],
      [{ column: "longblob" }, "binary"],
      [{ column: "bit(1)" }, "integer"],
      [{ column: "datetime(6)" }, "string"],
      [{ column: "enum('a','b')" }, "text"],
    ];
    for (const [given, is] of wanted)
      expect({ given, is: typeOf(null, given) }).toEqual({ given, is: is as never });
  });

  test("holds bytes that come as text when the schema names the column and the mapping the mode", () => {
    const blob = column("string", null, source("VARBINARY", 16));
    expect(typeOf(blob, { binary: "hex" })).toBe("bytestring");
    expect(typeOf(blob)).toBe("text");
    expect(typeOf(column("string", null, source("VARCHAR", 16)), { binary: "hex" })).toBe("string");
  });

  test("takes the largest values of its column", () => {
    const largest: [ConnectType, unknown, unknown][] = [
      [decimalColumn(0, 18), digits(10n ** 18n - 1n), 10n ** 18n - 1n],
      [decimalColumn(0, 20), digits(2n ** 64n - 1n), "18446744073709551615"],
      [decimalColumn(30), digits(-(10n ** 65n) + 1n), `-${"9".repeat(35)}.${"9".repeat(30)}`],
      [column("bytes", "data.Bits", { length: "64" }), "//////////8=", "18446744073709551615"],
      [column("int64", "time.MicroTimestamp"), 253402300799999999n, "9999-12-31 23:59:59.999999"],
    ];
    for (const [type, value, is] of largest) {
      expect(convert(defaultFieldType(type, rules()) ?? "text", value, type)).toBe(is as never);
    }
  });
});

describe("a column's type at the origin", () => {
  test("is read as SHOW CREATE TABLE writes it", () => {
    const parse = parseOriginColumn;
    expect(parse("bigint(20) unsigned")).toEqual({
      kind: "bigint",
      isUnsigned: true,
      length: 20,
      scale: null,
    });
    expect(parse("DECIMAL(10, 2) UNSIGNED ZEROFILL")).toEqual({
      kind: "decimal",
      isUnsigned: true,
      length: 10,
      scale: 2,
    });
    expect(parse("double precision")?.kind).toBe("float");
    expect(parse("character varying(20)")).toMatchObject({ kind: "char", length: 20 });
    expect(parse("varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")).toMatchObject({ length: 20 });
    expect(parse("enum('a)','unsigned')")).toMatchObject({ kind: "text", isUnsigned: false, length: null });
    expect(parse(" datetime(6) ")).toMatchObject({ kind: "datetime", length: 6 });
    expect(parse("int8")?.kind).toBe("bigint");
    for (const none of ["", "datetme", "(6)", "a b c", "constructor"]) expect(parse(none)).toBeNull();
  });
});
