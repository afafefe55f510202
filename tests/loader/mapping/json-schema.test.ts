/** The mapping's JSON schema says the same of a file's form as the loader does. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mappingJsonSchema } from "../../../loader/mapping/json-schema.ts";
import { planMapping } from "../../../loader/mapping/plan.ts";
import { readMappingFile } from "../../../loader/mapping/read-file.ts";
import { ROOT } from "../../support/services.ts";
import { fits, type Schema } from "./json-schema-check.ts";
import { mappingText } from "./mapped.ts";

const schema = mappingJsonSchema() as Schema;

function parses(text: string): boolean {
  try {
    readMappingFile(text, "m");
    return true;
  } catch {
    return false;
  }
}

const EVERYTHING = mappingText(
  [
    {
      ...{
        source: "store.item",
        lane: "partition",
        rest: "drop",
        drop: ["x"],
        create: true,
        addFields: false,
      },
      ...{ key: ["a"], vanishedRows: "sweep", onTruncate: "clear", values: { time: "connect" } },
      fields: {
        a: "A",
        b: { from: "B", type: "integer", column: "bit(8)", scale: 0, decimal: "string", epochDates: "null" },
        c: { constant: 1 },
        d: { constant: "x", type: "text" },
        e: { constant: false },
        f: { constant: 1.5 },
      },
    },
  ],
  {
    $schema: "./mapping.schema.json",
    transactionTopic: "t",
    values: { binary: "hex" },
    drop: ["store.audit"],
  },
);

type Parts = Record<string, unknown>;

/** Each is one change to a file that has everything. */
const WRONG: readonly (readonly [string, (file: Parts, table: Parts, fields: Parts) => void])[] = [
  ["no version", (file) => void delete file["version"]],
  ["another version", (file) => (file["version"] = 2)],
  ["no tables", (file) => (file["tables"] = [])],
  ["an unknown member", (file) => (file["table"] = {})],
  ["an unknown rule", (file) => (file["values"] = { scale: 1 })],
  ["a topic that is none", (file) => (file["transactionTopic"] = "a/b")],
  ["a table without topic", (_, table) => void delete table["topic"]],
  ["an unknown member of a table", (_, table) => (table["colour"] = 1)],
  ["an unknown lane", (_, table) => (table["lane"] = "all")],
  ["a switch that is text", (_, table) => (table["create"] = "true")],
  ["an empty key", (_, table) => (table["key"] = [])],
  ["fields as a list", (_, table) => (table["fields"] = [])],
  ["a field that is a number", (_, __, fields) => (fields["a"] = 1)],
  ["a column without name", (_, __, fields) => (fields["a"] = "")],
  ["a field without column", (_, __, fields) => (fields["b"] = { scale: 1 })],
  ["a field of both kinds", (_, __, fields) => (fields["c"] = { constant: 1, from: "x" })],
  ["a scale beyond all", (_, __, fields) => (fields["b"] = { from: "x", scale: 66 })],
  ["a constant that is null", (_, __, fields) => (fields["c"] = { constant: null })],
];

describe("the JSON schema", () => {
  test("accepts a file with every member", () => {
    expect(parses(EVERYTHING)).toBe(true);
    expect(fits(schema, JSON.parse(EVERYTHING))).toBe(true);
  });

  test.each(WRONG)("and the loader refuse %s", (_, change) => {
    const file = JSON.parse(EVERYTHING);
    const [table] = file.tables;
    change(file, table, table.fields);
    expect(parses(JSON.stringify(file))).toBe(false);
    expect(fits(schema, file)).toBe(false);
  });

  test("describes every member, and what it gives as examples fits", () => {
    const undescribed: string[] = [];
    const visit = (node: Schema, path: string) => {
      for (const [name, member] of Object.entries(node.properties ?? {})) {
        if (member.description === undefined) undescribed.push(`${path}.${name}`);
        for (const example of member.examples ?? [])
          expect([path, name, fits(member, example)]).toEqual([path, name, true]);
        visit(member, `${path}.${name}`);
      }
      if (node.items !== undefined) visit(node.items, `${path}[]`);
      for (const form of node.anyOf ?? []) visit(form, path);
      if (typeof node.additionalProperties === "object") visit(node.additionalProperties, `${path}.*`);
    };
    visit(schema, "");
    expect(undescribed).toEqual([]);
  });

  test("and the loader accept every mapping that the documents show", () => {
    const pages = ["docs/loader.md"].map((page) => readFileSync(join(ROOT, page), "utf8"));
    const blocks = pages.flatMap((page) =>
      [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text),
    );
    const mappings = blocks.filter((text) => /"tables"\s*:/.test(text));
    expect(mappings.length).toBeGreaterThan(0);
    for (const text of mappings) {
      planMapping(readMappingFile(text, "the document's"), "the document's");
      expect([text, fits(schema, JSON.parse(text))]).toEqual([text, true]);
    }
  });
});
