/** What every command line shares: help, names of variables, exit codes, and errors that name the flag. */
import { describe, expect, test } from "bun:test";
import { ALL_COMMANDS, GROUPS } from "../../cli/all-commands.ts";
import { type Command, command } from "../../cli/command.ts";
import { listOption, option, switchOption, variablesOf } from "../../cli/options.ts";
import { integer, text } from "../../cli/parsers.ts";
import { type CommandSet, runCommandLine } from "../../cli/run.ts";
import { COMMON_OPTIONS } from "../../cli/shared-options.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { fakeContext } from "./fake-context.ts";

const ALL: CommandSet = { commands: ALL_COMMANDS, groups: GROUPS };

async function run(args: readonly string[], set: CommandSet = ALL, environment = {}) {
  const context = fakeContext({ environment });
  const code = await runCommandLine(args, context, set);
  return { code, out: context.outLines.join("\n"), notes: context.noteLines.join("\n") };
}

/** A command that gives back what its options came to. */
function echoing(): { set: CommandSet; seen: () => unknown } {
  let seen: unknown;
  const echo = command({
    name: "echo",
    summary: "echo",
    options: {
      count: option({
        flag: "max-count",
        placeholder: "N",
        help: "a number",
        parse: integer({ min: 1, max: 9 }),
        fallback: 5,
      }),
      names: listOption({ flag: "name", placeholder: "NAME", help: "names", parse: text }),
      fast: switchOption({ flag: "fast", help: "a switch" }),
      secret: option<string, undefined>({
        flag: "secret",
        placeholder: "S",
        help: "a secret",
        secret: true,
        parse: (value) => {
          if (value.length < 3) throw new Error("it is too short");
          return value;
        },
        fallback: undefined,
      }),
    },
    examples: ["echo"],
    run: async (_context, options) => {
      seen = options;
    },
  });
  return { set: { commands: [echo], groups: {} }, seen: () => seen };
}

const words = (line: string) => line.match(/'[^']*'|\S+/g) ?? [];

describe("help", () => {
  test.each(ALL_COMMANDS.map((one): [string, Command] => [one.name, one]))(
    "of %s exits 0 with every option, its variable and the examples",
    async (name, one) => {
      const { code, out } = await run([...name.split(" "), "--help"]);
      expect(code).toBe(0);
      const flat = out.replace(/\s+/g, " ");
      for (const declared of Object.values({ ...one.options, ...COMMON_OPTIONS })) {
        expect(flat).toContain(`--${declared.flag}`);
        for (const variable of variablesOf(declared)) expect(flat).toContain(variable);
      }
      expect(one.examples.length).toBeGreaterThan(0);
      for (const example of one.examples) expect(out).toContain(`ctlstore ${example}`);
    },
  );

  test.each(ALL_COMMANDS.map((one): [string, Command] => [one.name, one]))(
    "of %s has examples that use its own flags only",
    (name, one) => {
      const flags = new Set(
        Object.values({ ...one.options, ...COMMON_OPTIONS }).map(({ flag }) => `--${flag}`),
      );
      for (const example of one.examples) {
        expect(example.startsWith(name)).toBeTrue();
        expect(words(example).filter((word) => word.startsWith("--") && !flags.has(word))).toEqual([]);
      }
    },
  );

  test("lists every command when asked for without one", async () => {
    const { code, out } = await run(["--help"]);
    expect(code).toBe(0);
    for (const { name } of ALL_COMMANDS) expect(out).toContain(name.split(" ")[0] ?? "");
  });

  test("is printed and the exit code is 2 when there is no command at all", async () => {
    const { code, out } = await run([]);
    expect(code).toBe(2);
    expect(out).toContain("Usage: ctlstore");
  });

  test("--version exits 0 with the version", async () => {
    const { code, out } = await run(["--version"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe("a wrong command line", () => {
  test.each([
    ["an unknown command", ["raed"], /Did you mean read\?/],
    ["an unknown command of a group", ["ldb", "statsu"], /Did you mean status\?/],
    ["an unknown flag", ["read", "fam/tbl", "k", "--lbd", "x"], /Did you mean --ldb\?/],
    ["a missing argument", ["read"], /family\/table/],
    ["a missing required flag", ["executive"], /--ctldb is not given/],
    [
      "a value of the wrong form",
      ["executive", "--ctldb", "sqlite:x", "--admin-token", "t", "--bind", "here"],
      /"here" for --bind/,
    ],
    ["a path of the wrong form", ["read", "fam", "k", "--ldb", "x"], /FAMILY\/TABLE/],
    ["a bad name in a path", ["read", "fam__x/tbl", "k", "--ldb", "x"], /family name/],
    ["an unknown shell", ["completion", "csh"], /csh/],
    ["a sequence that is none", ["ldb", "skip", "x", "--reason", "r"], /SEQUENCE/],
    ["JSON that is none", ["mutate", "fam/tbl", "{", "--writer", "www", "--secret", "sss"], /VALUES/],
    ["JSON that is no object", ["mutate", "fam/tbl", "[1]", "--writer", "www", "--secret", "sss"], /VALUES/],
  ])("exits 2 and says what is wrong when there is %s", async (_, args, message) => {
    const { code, notes, out } = await run(args);
    expect(code).toBe(2);
    expect(notes).toMatch(message);
    expect(out).toBe("");
  });

  test("exits 2 and names the variable when the wrong value came from the environment", async () => {
    const { code, notes } = await run(["executive"], ALL, {
      CTLSTORE_CTLDB: "sqlite:x",
      CTLSTORE_ADMIN_TOKEN: "t",
      CTLSTORE_BIND: "nowhere",
    });
    expect(code).toBe(2);
    expect(notes).toContain("CTLSTORE_BIND");
    expect(notes).toContain("--bind");
  });
});

describe("an option", () => {
  test("has its default when nothing is given", async () => {
    const { set, seen } = echoing();
    expect((await run(["echo"], set)).code).toBe(0);
    expect(seen()).toMatchObject({ count: 5, names: [], fast: false, secret: undefined, logLevel: "info" });
  });

  test("comes from the environment when the command line lacks it", async () => {
    const { set, seen } = echoing();
    await run(["echo"], set, {
      CTLSTORE_MAX_COUNT: "7",
      CTLSTORE_NAME: "a,b",
      CTLSTORE_FAST: "true",
      CTLSTORE_LOG_LEVEL: "debug",
    });
    expect(seen()).toMatchObject({ count: 7, names: ["a", "b"], fast: true, logLevel: "debug" });
  });

  test("comes from the command line when both have it", async () => {
    const { set, seen } = echoing();
    await run(["echo", "--max-count", "3", "--name", "x", "--name", "y"], set, {
      CTLSTORE_MAX_COUNT: "7",
      CTLSTORE_NAME: "a",
      CTLSTORE_FAST: "false",
    });
    expect(seen()).toMatchObject({ count: 3, names: ["x", "y"], fast: false });
  });

  test("has its default when the variable is empty", async () => {
    const { set, seen } = echoing();
    await run(["echo"], set, { CTLSTORE_MAX_COUNT: "" });
    expect(seen()).toMatchObject({ count: 5 });
  });

  test.each([["0"], ["10"], ["x"], ["1.5"], ["1e1"]])("is refused when the number is %s", async (value) => {
    const { code, notes } = await run(["echo", "--max-count", value], echoing().set);
    expect(code).toBe(2);
    expect(notes).toContain("--max-count");
  });

  test("is refused when a switch's variable is neither true nor false", async () => {
    const { code, notes } = await run(["echo"], echoing().set, { CTLSTORE_FAST: "maybe" });
    expect(code).toBe(2);
    expect(notes).toContain("CTLSTORE_FAST");
  });

  test("that is secret comes from a file when the value is @FILE", async () => {
    using folder = tempFolder();
    await Bun.write(folder.file("secret"), "hidden\n");
    const { set, seen } = echoing();
    await run(["echo", "--secret", `@${folder.file("secret")}`], set);
    expect(seen()).toMatchObject({ secret: "hidden" });
  });

  test("that is secret is never printed when it is wrong", async () => {
    const { code, notes } = await run(["echo", "--secret", "zq"], echoing().set);
    expect(code).toBe(2);
    expect(notes).toContain("--secret");
    expect(notes).not.toContain("zq");
    expect((await run(["echo", "--secret", "@/no/such/file"], echoing().set)).notes).toContain(
      "/no/such/file",
    );
  });
});

test.each([
  ["/of-flag", ["--ldb", "/of-flag"], { CTLSTORE_LDB: "/ours", CTLSTORE_PATH: "/of-original" }],
  ["/ours", [], { CTLSTORE_LDB: "/ours", CTLSTORE_PATH: "/of-original" }],
  ["/of-original", [], { CTLSTORE_LDB: "", CTLSTORE_PATH: "/of-original" }],
])("the LDB's folder is %s when given with %j and %j", async (folder, flags, environment) => {
  const { code, notes } = await run(["read-seq", ...flags], ALL, environment);
  expect({ code, notes }).toEqual({ code: 1, notes: expect.stringContaining(`LDB at ${folder}:`) });
});

describe("a command that fails", () => {
  test("exits 1 with the code of the error when an LDB is not there", async () => {
    using folder = tempFolder();
    const { code, notes } = await run(["read-seq", "--ldb", folder.file("none")]);
    expect(code).toBe(1);
    expect(notes).toContain("[ldb_not_found]");
  });

  test("exits 1 and says where it looked when no Executive is there", async () => {
    const { code, notes } = await run(["status", "--admin-token", "t", "--executive", "http://127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(notes).toContain("http://127.0.0.1:1");
    expect(notes).toContain("--executive");
  });

  test("exits 1 with the stack when the error is a defect of ours", async () => {
    const broken = command({
      name: "broken",
      summary: "broken",
      options: {},
      examples: ["broken"],
      run: async () => {
        throw new TypeError("oops");
      },
    });
    const { code, notes } = await run(["broken"], { commands: [broken], groups: {} });
    expect(code).toBe(1);
    expect(notes).toContain("oops");
    expect(notes).toContain("command-line.test.ts");
  });
});
