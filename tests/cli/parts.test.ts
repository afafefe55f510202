/** The small parts of the command line: printing, key parts, parsers, kept secrets. */
import { describe, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { keptSecret } from "../../cli/kept-secret.ts";
import { keyParts } from "../../cli/key-parts.ts";
import { bindAddress, ctldbUrl, fieldDeclaration, httpUrl, tablePath } from "../../cli/parsers.ts";
import { durationText, jsonText, textTable } from "../../cli/print.ts";
import type { ReaderTable } from "../../reader/types.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("I12 JSON output keeps integers exact when they are beyond 2^53", () => {
  expect(jsonText({ a: 2n ** 53n + 1n, b: -(2n ** 63n), c: 7n, d: null, e: new Uint8Array([0, 255]) })).toBe(
    '{"a":"9007199254740993","b":"-9223372036854775808","c":7,"d":null,"e":"AP8="}',
  );
});

test("a text table aligns its columns when cells differ in length", () => {
  expect(
    textTable(
      ["name", "n"],
      [
        ["a", "100"],
        ["long name", "1"],
      ],
    ),
  ).toEqual(["NAME       N", "a          100", "long name  1"]);
});

test("a text table writes out what a terminal would obey when others chose its texts", () => {
  expect(textTable(["name"], [["a\u001b[2Jb"], ["a\u009b2Jb\nc"], ["\u202eabc"], ["é 😀 \u200d"]])).toEqual([
    "NAME",
    "a\\u001b[2Jb",
    "a\\u009b2Jb\\u000ac",
    "\\u202eabc",
    "é 😀 \u200d",
  ]);
});

test.each([
  [3.14, "3.1 µs"],
  [250, "250 µs"],
  [1_500, "1.5 ms"],
  [2_500_000, "2.50 s"],
])("%d µs is printed as %s", (us, expected) => {
  expect(durationText(us)).toBe(expected);
});

describe("key parts", () => {
  const schema: ReaderTable = {
    family: "fam",
    table: "tbl",
    fields: [
      { name: "b", type: "bytestring" },
      { name: "i", type: "integer" },
      { name: "s", type: "string" },
    ],
    keyFields: ["i", "s", "b"],
  };

  test("get the types of their fields in key order, integers exactly", () => {
    expect(keyParts(schema, ["9007199254740993", "12", "AP8="])).toEqual([
      9007199254740993n,
      "12",
      new Uint8Array([0, 255]),
    ]);
  });

  test.each([["1.5"], [""], ["abc"], ["99999999999999999999"]])("refuse %p as an integer", (part) => {
    expect(() => keyParts(schema, [part])).toThrow(expect.objectContaining({ code: "invalid_key" }));
  });

  test("refuse bytes that are not base64", () => {
    expect(() => keyParts(schema, ["1", "x", "?"])).toThrow(expect.objectContaining({ code: "invalid_key" }));
  });
});

describe("parsers", () => {
  test.each([["127.0.0.1:0"], ["[::1]:65535"], ["host.name:80"]])(
    "take %s as an address to bind",
    (value) => {
      expect(bindAddress(value)).toBe(value);
    },
  );

  test.each([["3000"], [":3000"], ["::1:3000"], ["host:65536"], ["host:"], ["a b:1"]])(
    "refuse %s as an address to bind",
    (value) => {
      expect(() => bindAddress(value)).toThrow();
    },
  );

  test("take what they should and refuse the rest", () => {
    expect(httpUrl("http://a:1/")).toBe("http://a:1");
    expect(() => httpUrl("ftp://a")).toThrow();
    expect(ctldbUrl("sqlite:x")).toBe("sqlite:x");
    expect(() => ctldbUrl("sqlite:")).toThrow();
    expect(tablePath("Fam/Tbl")).toEqual({ family: "fam", table: "tbl" } as ReturnType<typeof tablePath>);
    expect(() => tablePath("a/b/c")).toThrow();
    expect(fieldDeclaration("a:string")).toEqual(["a", "string"]);
    expect(() => fieldDeclaration("a:b:c")).toThrow();
  });
});

describe("a kept secret", () => {
  test("is made once, for its owner's eyes only, and stays the same", () => {
    using folder = tempFolder();
    const path = folder.file("secret");
    const first = keptSecret(path);
    expect(first.length).toBeGreaterThanOrEqual(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(keptSecret(path)).toBe(first);
    expect(readFileSync(path, "utf8")).toBe(`${first}\n`);
  });

  test("is what an operator put there", () => {
    using folder = tempFolder();
    writeFileSync(folder.file("secret"), "mine\n");
    expect(keptSecret(folder.file("secret"))).toBe("mine");
  });
});
