/** Field types, table definitions, and the catalog of both. */
import { describe, expect, test } from "bun:test";
import {
  FIELD_TYPES,
  fieldTypeFromMysql,
  fieldTypeFromSqlite,
  isFieldType,
  TYPE_FACTS,
} from "../../core/field-types.ts";
import { Catalog, parseFields, parseTableSchema, tableToWire, withAddedFields } from "../../core/schema.ts";

const GOOD = {
  fields: [
    ["id", "string"],
    ["n", "integer"],
  ],
  keyFields: ["id"],
} as const;

function refusal(fields: readonly (readonly [string, string])[], keyFields: readonly string[]) {
  try {
    parseTableSchema("fam", "tbl", { fields, keyFields });
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("it was accepted");
}

describe("field types", () => {
  test("come back from what each database calls them", () => {
    for (const type of FIELD_TYPES) {
      expect(fieldTypeFromSqlite(TYPE_FACTS[type].sqlite)).toBe(type);
      expect(fieldTypeFromSqlite(TYPE_FACTS[type].sqlite.toLowerCase())).toBe(type);
      expect(fieldTypeFromMysql(TYPE_FACTS[type].mysql.toLowerCase())).toBe(type);
    }
    expect(fieldTypeFromMysql("bigint(20)")).toBe("integer");
    for (const other of ["bigint(20) unsigned", "varchar(190)", "int(11)", "timestamp", "float", ""]) {
      expect(fieldTypeFromMysql(other)).toBeNull();
    }
    for (const other of ["VARCHAR(190)", "BIGINT", "", "BLOB(256)"])
      expect(fieldTypeFromSqlite(other)).toBeNull();
  });

  test("are the six names and nothing that every object inherits", () => {
    expect(FIELD_TYPES.filter(isFieldType)).toHaveLength(6);
    for (const other of ["toString", "constructor", "String", "", null, 1])
      expect(isFieldType(other)).toBeFalse();
  });
});

describe("a table schema", () => {
  test("goes to the wire and comes back the same", () => {
    const definition = {
      fields: FIELD_TYPES.map((type) => [`f_${type}`, type] as const),
      keyFields: ["f_bytestring", "f_string"],
    };
    const schema = parseTableSchema("Fam", "TBL", definition);
    const wire = tableToWire(schema);
    expect(wire).toEqual({
      family: "fam",
      name: "tbl",
      fields: FIELD_TYPES.map((type) => [`f_${type}`, type]),
      keyFields: ["f_bytestring", "f_string"],
    });
    expect(parseTableSchema(wire.family, wire.name, wire)).toEqual(schema);
  });

  test("is refused, saying why, when it is not possible", () => {
    const long = (count: number, type: string) =>
      Array.from({ length: count }, (_, i) => [`f${i}`, type] as const);
    const names = (count: number) => Array.from({ length: count }, (_, i) => `f${i}`);
    const cases: ReadonlyArray<readonly [ReturnType<typeof refusal>, string, RegExp]> = [
      [refusal([], []), "invalid_schema", /keyFields is empty/],
      [refusal(GOOD.fields, []), "invalid_schema", /keyFields is empty/],
      [refusal(GOOD.fields, ["other"]), "invalid_schema", /not among the fields/],
      [refusal(GOOD.fields, ["id", "ID"]), "invalid_schema", /listed twice/],
      [
        refusal(
          [
            ["id", "string"],
            ["ID", "text"],
          ],
          ["id"],
        ),
        "invalid_schema",
        /declared twice/,
      ],
      [refusal([["id", "String"]], ["id"]), "invalid_schema", /not a type/],
      [refusal([["id", "constructor"]], ["id"]), "invalid_schema", /not a type/],
      [refusal([["id!", "string"]], ["id!"]), "invalid_name", /field name/],
      ...(["decimal", "text", "binary"] as const).map(
        (type) =>
          [refusal([["id", type]], ["id"]), "invalid_schema", /key fields are of|its type is/] as const,
      ),
      [refusal(long(17, "integer"), names(17)), "invalid_schema", /limit is 16/],
      [refusal(long(5, "string"), names(5)), "invalid_schema", /key of up to 3820 bytes/],
      [refusal(long(201, "integer"), ["f0"]), "invalid_schema", /limit is 200/],
      [refusal(long(90, "string"), ["f0"]), "invalid_schema", /so many string fields/],
    ];
    for (const [error, code, message] of cases) {
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
    }
  });

  test("is refused when its joined name is too long for MySQL", () => {
    const family = "f".repeat(30);
    expect(parseTableSchema(family, "t".repeat(31), GOOD).table).toHaveLength(31);
    expect(() => parseTableSchema(family, "t".repeat(32), GOOD)).toThrow(
      expect.objectContaining({ code: "invalid_schema", message: expect.stringContaining("limit is 64") }),
    );
  });

  test("grows by fields that it does not have, within its limits", () => {
    const schema = parseTableSchema("fam", "tbl", GOOD);
    const grown = withAddedFields(schema, parseFields([["more", "text"]]));
    expect(grown.fields.map((field) => field.name)).toEqual(["id", "n", "more"] as never[]);
    expect(schema.fields).toHaveLength(2);
    expect(() =>
      withAddedFields(
        schema,
        parseFields([
          ["new", "text"],
          ["N", "text"],
        ]),
      ),
    ).toThrow(expect.objectContaining({ code: "field_exists" }));
    const many = parseFields(Array.from({ length: 199 }, (_, i) => [`f${i}`, "text"] as const));
    expect(() => withAddedFields(schema, many)).toThrow(expect.objectContaining({ code: "invalid_schema" }));
  });
});

describe("a catalog", () => {
  const table = (family: string, name: string) => parseTableSchema(family, name, GOOD);
  const catalog = new Catalog(3n, ["fam", "fa_m", "empty"] as never[], [
    table("fam", "zzz"),
    table("fa_m", "tbl"),
    table("fam", "aaa"),
  ]);

  test("finds tables by family and name, and lists them sorted", () => {
    expect(catalog.tables().map((each) => `${each.family}/${each.table}`)).toEqual([
      "fa_m/tbl",
      "fam/aaa",
      "fam/zzz",
    ]);
    expect(catalog.tables("fam" as never)).toHaveLength(2);
    expect(catalog.tables("empty" as never)).toEqual([]);
    expect(catalog.table("fam" as never, "zzz" as never).keyFields).toEqual(["id"] as never[]);
  });

  test("tells an unknown family from an unknown table", () => {
    const code = (family: string, name: string) => {
      try {
        return catalog.table(family as never, name as never).table;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code("fam", "tbl")).toBe("unknown_table");
    expect(code("nope", "tbl")).toBe("unknown_family");
  });
});
