/** The fast ways of reading events say what the plain ways say, here and on the runtimes of the loader. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parseExactJson } from "../../../core/exact-json.ts";
import { runtimeBinary } from "../../runtimes/reader-package.ts";
import { runProcess } from "../../support/process.ts";
import { parseSlowly } from "../../support/slow-json.ts";
import { runsOf, suiteSeed, timeoutMsOf } from "../../support/suite.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { checkExactJson, checkRememberedSchemas, describeExactly } from "./exactness.ts";

const RUNS = runsOf({ quick: 800, deep: 20_000 });
const TIMEOUT_MS = timeoutMsOf({ quick: 60_000, deep: 600_000 });

describe("exact JSON and remembered schemas", () => {
  test(
    "I12 reads any text as a plain parser does, valid or not",
    () => {
      checkExactJson(suiteSeed(), RUNS);
    },
    TIMEOUT_MS,
  );

  test(
    "R33 says the same of a record whether its schema is remembered or not, whole or damaged",
    () => {
      checkRememberedSchemas(suiteSeed(), RUNS);
    },
    TIMEOUT_MS,
  );

  test.each([
    '{"a":"x:","b:":1234567890123456789,"":9007199254740993}',
    '{"a":":1234567890123456789,"}',
    '{"a":"\\\\":9007199254740993}',
    '{"a\\\\":9007199254740993}',
    '{"a" :9007199254740993,"b":[9007199254740993,-9007199254740993],"c": 9007199254740993 }',
    '{"a":9007199254740993\n}',
    '["\\u0000x",{"b":9007199254740993}]',
    '["\\u00009007199254740993",{"b":9007199254740993}]',
    '["\\u0000\\u0000\\u0000",{"b":9007199254740993}]',
    '{"a":01234567890123456789}',
    '{"a":12345678901234567890"b":1}',
    '{"a":tru12345678901234567890}',
    '{"a":12345678901234567890.}',
    '{"a":--12345678901234567890}',
    '{"n":4503599627370496.3,"m":0.99999999999999999,"k":-0.0,"e":-0e9,"f":123456789012345678e-9}',
    "12345678901234567890",
    "9007199254740993",
    '"9007199254740993',
    "[1e400,-1E400,1e-400,5E-324]",
  ])("I12 reads %s as a plain parser does", (text) => {
    const outcome = (parse: (text: string) => unknown) => {
      try {
        return describeExactly(parse(text));
      } catch {
        return "refused";
      }
    };
    expect(outcome(parseExactJson)).toBe(outcome(parseSlowly));
  });

  test("reads a text that is nested a hundred thousand times without running out of stack", () => {
    const deep = `${"[".repeat(100_000)}9007199254740993${"]".repeat(100_000)}`;
    let value: unknown = null;
    try {
      value = parseExactJson(deep);
    } catch (error) {
      expect(error).toMatchObject({ code: "malformed_request" });
      return;
    }
    while (Array.isArray(value)) value = value[0];
    expect(value).toBe(9007199254740993n);
  });

  test("takes no longer than the text is long, however it is made", () => {
    for (const piece of [
      '\\"',
      "1",
      "1.",
      ":1",
      '":',
      "\\u0000",
      "9007199254740993,",
      '"a":9007199254740993,',
    ]) {
      const text = `["${piece.repeat(300_000)}`;
      expect(() => parseExactJson(text)).toThrow(expect.objectContaining({ code: "malformed_request" }));
      expect(() => parseExactJson(`[${piece.repeat(300_000)}`)).toThrow();
    }
  });

  for (const name of ["node20", "node22", "node24"])
    test(
      `I12 R33 reads the same on ${name}`,
      async () => {
        using folder = tempFolder("events-on-node");
        const program = folder.file("program.mjs");
        const bundle = await Bun.build({
          entrypoints: [join(import.meta.dir, "exactness-program.ts")],
          target: "node",
          format: "esm",
          throw: false,
        });
        if (!bundle.success) throw new Error(bundle.logs.map(String).join("\n"));
        await Bun.write(program, (await bundle.outputs[0]?.text()) ?? "");
        const run = await runProcess([await runtimeBinary(name), program, String(suiteSeed()), String(RUNS)]);
        expect(run.stderr).toBe("");
        const here = await runProcess([process.execPath, program, String(suiteSeed()), "1"]);
        expect(run.stdout).toBe(here.stdout);
        expect(run.stdout).toContain("kind");
      },
      TIMEOUT_MS,
    );
});
