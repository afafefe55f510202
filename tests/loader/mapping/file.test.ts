/** The mapping file's form: what is wrong is told with line and column, or with its place. */
import { describe, expect, test } from "bun:test";
import { MAPPING_LIMITS } from "../../../core/limits.ts";
import { planMapping } from "../../../loader/mapping/plan.ts";
import { readMappingFile } from "../../../loader/mapping/read-file.ts";
import { mappingText } from "./mapped.ts";
import { thrown } from "./thrown.ts";

const plan = (text: string | Uint8Array) => planMapping(readMappingFile(text, "m.json"), "m.json");
const planned = (...tables: readonly object[]) => plan(mappingText(tables));
const refusal = (text: string | Uint8Array) => {
  const { message } = thrown(() => plan(text), "mapping_invalid");
  expect(message).toStartWith("Cannot use the mapping m.json: ");
  return message.slice("Cannot use the mapping m.json: ".length);
};

describe("a mapping file", () => {
  test("has defaults for all that may be left out", () => {
    const { tables, lanes, transactionTopic } = planned({});
    expect(tables).toEqual([
      {
        ...{ place: "tables[0]", topic: "shop.store.item", source: null, family: "shop", table: "item" },
        ...{ fields: new Map(), rest: "same-name", drop: new Set(), create: false, addFields: false },
        ...{ key: null, vanishedRows: "keep", onTruncate: "stop" },
        ...{ sweepAtMostPercent: 50 },
        rules: {
          ...{ decimal: "precise", scale: null, binary: "bytes", bigintUnsigned: "long" },
          ...{ time: "adaptive_time_microseconds", column: null, epochDates: "keep" },
        },
      } as unknown as (typeof tables)[number],
    ]);
    expect([...lanes]).toEqual([["shop.store.item", "topic"]]);
    expect(transactionTopic).toBeNull();
  });

  test("has rules for all, for a table, and for a field, the nearest one counting", () => {
    const { tables } = plan(
      mappingText(
        [
          {
            values: { binary: "hex" },
            fields: {
              Price: { from: "P", scale: 2, decimal: "double", type: "decimal" },
              shard: { constant: 2n ** 60n + 1n },
            },
          },
        ],
        { values: { decimal: "string", binary: "base64", time: "connect" } },
      ),
    );
    expect(tables[0]?.rules).toMatchObject({
      decimal: "string",
      binary: "hex",
      time: "connect",
      scale: null,
    });
    expect(Object.fromEntries<unknown>(tables[0]?.fields ?? [])).toMatchObject({
      price: {
        kind: "column",
        column: "P",
        type: "decimal",
        rules: { decimal: "double", binary: "hex", scale: 2 },
      },
      shard: { kind: "constant", value: 2n ** 60n + 1n, type: null },
    });
  });

  test("may have a byte order mark, escapes, and fields named like members of every object", () => {
    const text = `\ufeff{"version":1,"tables":[{"topic":"t","family":"shop","table":"\\u0069tem","fields":{"constructor":"a","tostring":"\\ud83d\\ude00"}}]}`;
    const [table] = plan(new TextEncoder().encode(text)).tables;
    expect(table?.table).toBe("item" as never);
    expect([...(table?.fields.keys() ?? [])].map(String)).toEqual(["constructor", "tostring"]);
  });
});

describe("text that is no JSON", () => {
  test.each<[string, string, string]>([
    ["nothing", "", "line 1, column 1: it ends here; a value is needed"],
    ["spaces", " \n ", "line 2, column 2: it ends here; a value is needed"],
    [
      "an end too early",
      '{\n  "version": 1,\n  "tables": [',
      "line 3, column 14: it ends here; a value is needed",
    ],
    ["a comma too many", '{"version": 1,\n}', "line 2, column 1: the name of a member is needed, in quotes"],
    ["a comma too few", '{"version": 1\n "tables": []}', 'line 2, column 2: "," is needed'],
    ["a comment", '{\n// why\n"version": 1}', "line 2, column 1: the name of a member is needed, in quotes"],
    ["a word", '{"version": yes}', 'line 1, column 13: a value is needed, not "yes}"'],
    ["a number of another kind", '{"version": 01}', 'line 1, column 14: "," is needed'],
    [
      "a string without end",
      '{"version": "1',
      "line 1, column 13: this string does not end, or has an illegal character",
    ],
    [
      "a line break in a string",
      '{"a\nb": 1}',
      "line 1, column 2: this string does not end, or has an illegal character",
    ],
    ["a NUL", '{"a\u0000": 1}', "line 1, column 2: this string does not end, or has an illegal character"],
    ["a NUL outside", "\u0000{}", 'line 1, column 1: a value is needed, not "\\u0000{}"'],
    ["more after the end", "{} {}", "line 1, column 4: nothing more may follow"],
    ["a member twice", '{"version": 1,\n "version": 1}', 'line 2, column 2: member "version" is there twice'],
    [
      "a field twice",
      '{"tables": [{"fields": {"a": "x", "\\u0061": "y"}}]}',
      'line 1, column 35: member "a" is there twice',
    ],
    ["depth", "[".repeat(100_000), "line 1, column 21: it is nested too deeply"],
  ])("is refused with line and column when it has %s", (_, text, expected) => {
    expect(refusal(text)).toBe(expected);
  });

  test("is refused when it is not UTF-8, or too long", () => {
    expect(refusal(Uint8Array.of(0x7b, 0xff, 0x7d))).toBe("it is not valid UTF-8");
    expect(refusal(" ".repeat(MAPPING_LIMITS.fileBytes + 1))).toBe(
      "it has 4194305 bytes; the limit is 4194304",
    );
  });

  test.each(["null", "3", '"text"', "[]", "true"])("is refused when it is %s", (text) => {
    expect(refusal(text)).toMatch(/^it is .*; it needs to be an object$/);
  });
});

describe("a member of the wrong shape", () => {
  test.each<[string, unknown]>([
    ["version is missing", { tables: [] }],
    ["version is 2; it needs to be 1", { version: 2 }],
    ["tables is missing", { version: 1 }],
    ["tables is an object; it needs to be a list", { version: 1, tables: {} }],
    ["tables is an array; it needs to be at least one table", { version: 1, tables: [] }],
    ["tabels means nothing here", { version: 1, tabels: [] }],
    ["__proto__ means nothing here", JSON.parse('{"version": 1, "__proto__": {}}')],
    ["toString means nothing here", { version: 1, toString: 1 }],
    ['["a b"] means nothing here', { version: 1, "a b": 1 }],
    ["values.decimal is", { version: 1, values: { decimal: "exact" } }],
    ["values.scale means nothing here", { version: 1, values: { scale: 2 } }],
    [
      'transactionTopic is "a b"; it needs to be the name of a topic',
      { version: 1, transactionTopic: "a b" },
    ],
    ["drop is", { version: 1, drop: "store.audit" }],
    ["drop[1] is 3; it needs to be a string", { version: 1, drop: ["a.b", 3] }],
    ["tables[0] is null; it needs to be an object", { version: 1, tables: [null] }],
  ])("is refused with its place: %s", (expected, value) => {
    expect(refusal(JSON.stringify(value)).concat("; ")).toContain(expected);
  });

  test.each<[string, object]>([
    ["tables[0].topic is 3; it needs to be a string", { topic: 3 }],
    ['tables[0].topic is ""; it needs to be the name of a topic', { topic: "" }],
    ['tables[0].topic is "a\\u0000"; it needs to be the name of a topic', { topic: "a\u0000" }],
    ['tables[0].topic is ".."; it needs', { topic: ".." }],
    ["tables[0].family cannot be used: Cannot use", { family: "no" }],
    ["tables[0].table cannot be used: Cannot use", { table: "a__b" }],
    ['tables[0].lane is "all"; it needs to be "topic" or "partition"', { lane: "all" }],
    ['tables[0].rest is "keep"; it needs', { rest: "keep" }],
    ["tables[0].create is 1; it needs to be true or false", { create: 1 }],
    ['tables[0].addFields is "yes"; it needs to be true or false', { addFields: "yes" }],
    ["tables[0].vanishedRows is true; it needs", { vanishedRows: true }],
    ["tables[0].sweepAtMostPercent is 101; it needs to be 0 to 100", { sweepAtMostPercent: 101 }],
    ["tables[0].onTruncate is null; it needs", { onTruncate: null }],
    ["tables[0].key is an array; it needs to be at least one field", { key: [] }],
    ["tables[0].key[1] is 1; it needs to be a string", { key: ["a", 1] }],
    ["tables[0].key[0] cannot be used", { key: ["ä"] }],
    ["tables[0].key names a field twice", { key: ["a", "A"] }],
    ["tables[0].drop[0] is", { drop: [""] }],
    ["tables[0].source is", { source: "" }],
    ["tables[0].colour means nothing here", { colour: 1 }],
    ["tables[0].fields is an array; it needs to be an object", { fields: [] }],
    ["tables[0].fields.a is 3; it needs to be a string", { fields: { a: 3 } }],
    ["tables[0].fields.a is null; it needs to be a string", { fields: { a: null } }],
    ['tables[0].fields.a is ""; it needs to be a name', { fields: { a: "" } }],
    ["tables[0].fields.a.from is 3; it needs to be a string", { fields: { a: { from: 3 } } }],
    ["tables[0].fields.a.from is missing", { fields: { a: {} } }],
    ["tables[0].fields.a.form means nothing here", { fields: { a: { form: "x" } } }],
    [
      "tables[0].fields.a.scale is 1.5; it needs to be a whole number",
      { fields: { a: { from: "x", scale: 1.5 } } },
    ],
    ["tables[0].fields.a.scale is 66; it needs to be 0 to 65", { fields: { a: { from: "x", scale: 66 } } }],
    ["tables[0].fields.a.type is", { fields: { a: { from: "x", type: "float" } } }],
    ["tables[0].fields.a.time is", { fields: { a: { from: "x", time: "iso" } } }],
    ["tables[0].fields.a.from means nothing here", { fields: { a: { constant: 1, from: "x" } } }],
    [
      "tables[0].fields.a.constant is null; it needs to be a string, a number, true or false",
      { fields: { a: { constant: null } } },
    ],
    ["tables[0].fields.a.constant is an array; it needs", { fields: { a: { constant: [] } } }],
    ['tables[0].fields["a b"] cannot be used', { fields: { "a b": "x" } }],
    ['tables[0].fields.A names field "a" again', { fields: { a: "x", A: "y" } }],
    [
      'tables[0].fields.a takes column "x", which is also listed in drop',
      { fields: { a: "x" }, drop: ["x"] },
    ],
  ])("is refused with its place: %s", (expected, table) => {
    expect(refusal(mappingText([table]))).toContain(expected);
  });

  test("is told with the others, up to a few", () => {
    const text = mappingText([{ topic: 1, rest: 2, lane: 3, create: 4, key: 5 }]);
    expect(refusal(text).split("; tables[0].")).toHaveLength(3);
    expect(refusal(text)).toEndWith("; and 2 more");
  });

  test("does not print a long value or a long name", () => {
    const text = mappingText([{ ["x".repeat(1_000_000)]: 1, topic: "y".repeat(1_000_000) }]);
    expect(refusal(text).length).toBeLessThan(1_000);
  });
});

describe("tables that do not go together", () => {
  test("are refused when a topic has several and one does not say which it is", () => {
    expect(refusal(mappingText([{ source: "s.a" }, {}]))).toBe(
      'tables[1].source is missing; topic "shop.store.item" has several tables here, so each must say which it is',
    );
  });

  test("are refused when two are about one table of the origin", () => {
    expect(refusal(mappingText([{ source: "s.a" }, { source: "s.a", table: "other" }]))).toBe(
      "tables[1] is about the same table of the origin as tables[0]",
    );
    expect(planned({ topic: "a", source: "s.a" }, { topic: "b", source: "s.a" }).tables).toHaveLength(2);
  });

  test("are refused when they do not agree on the lane of their topic", () => {
    const tables = [
      { source: "s.a", lane: "topic" },
      { source: "s.b" },
      { source: "s.c", lane: "partition" },
    ];
    expect(refusal(mappingText(tables))).toBe(
      'tables[2].lane is "partition"; another table of topic "shop.store.item" has "topic"',
    );
    const { lanes } = planned({ source: "s.a" }, { source: "s.b", lane: "partition" });
    expect([...lanes.values()]).toEqual(["partition"]);
  });

  test("are refused when one is also dropped, or has the transaction topic", () => {
    expect(refusal(mappingText([{ source: "s.a" }], { drop: ["s.a"] }))).toBe(
      "tables[0].source is also listed in drop",
    );
    expect(refusal(mappingText([{}], { transactionTopic: "shop.store.item" }))).toBe(
      "transactionTopic is also the topic of tables[0]",
    );
  });

  test("may be thousands", () => {
    const tables = Array.from({ length: 2_000 }, (_, index) => ({
      topic: `t${index}`,
      table: `t${index}00`,
    }));
    expect(planned(...tables).tables).toHaveLength(2_000);
  });
});
