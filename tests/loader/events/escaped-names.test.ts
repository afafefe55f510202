/** Names of columns that a defect of V8 would change are found, and nothing else is. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { hasEscapedName } from "../../../loader/events/escaped-names.ts";
import { runtimeBinary } from "../../runtimes/reader-package.ts";
import { runProcess } from "../../support/process.ts";
import { suiteSeed } from "../../support/suite.ts";
import { tempFolder } from "../../support/temp-folder.ts";

function namesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.values(value).flatMap(namesIn)];
}

describe("escaped names", () => {
  test("are found wherever they are, and not where a text only looks like one", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const expected = namesIn(value).some((name) => JSON.stringify(name) !== `"${name}"`);
        expect({ text, found: hasEscapedName(text) }).toEqual({ text, found: expected });
      }),
      { seed: suiteSeed(), numRuns: 1_000 },
    );
    for (const text of ['{"a\\nb":1}', '{"\\u00e9":1}', '{"a":{"b\\"":[]}}', '{"\\\\" \n: 1}'])
      expect(hasEscapedName(text)).toBe(true);
    for (const text of ['{"a":"\\":"}', '{"a":"{\\"b\\":1}"}', '{"a":"\\\\","b":1}', '["\\\\\\":"]', '"\\"'])
      expect(hasEscapedName(text)).toBe(false);
  });

  test.each(["node20", "node24"])(
    "are read right or refused on %s, also after such a name was seen before",
    async (name) => {
      using folder = tempFolder("escaped-names");
      const program = folder.file("program.mjs");
      const entry = folder.file("entry.ts");
      const root = join(import.meta.dir, "../../..");
      await Bun.write(
        entry,
        `import { createDecoder } from "${root}/loader/events/decoder.ts";
       const decoder = createDecoder();
       const read = (text) => {
         try {
           const event = decoder.decode({ topic: "t", partition: 0, offset: 0, key: null, value: Buffer.from(text), headers: new Map(), timestampMs: 1 });
           return Object.keys(event.after.values)[1];
         } catch (error) { return error.code; }
       };
       console.log(JSON.stringify([read('{"h":[],"\\\\\\\\":0}'), read('{"h":1,"\\\\"":2}'), read('{"h":1,"x":2}')]));`,
      );
      const bundle = await Bun.build({ entrypoints: [entry], target: "node", format: "esm", throw: false });
      if (!bundle.success) throw new Error(bundle.logs.map(String).join("\n"));
      await Bun.write(program, (await bundle.outputs[0]?.text()) ?? "");
      const run = await runProcess([await runtimeBinary(name), program]);
      expect(run.stderr).toBe("");
      const read: unknown = JSON.parse(run.stdout);
      expect([
        ["\\", '"', "x"],
        ["event_malformed", "event_malformed", "x"],
      ]).toContainEqual(read as string[]);
    },
  );
});
