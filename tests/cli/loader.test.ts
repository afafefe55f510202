/** The loader's commands as a person types them: what is refused before anything starts. Processes are in tests/loader. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { ALL_COMMANDS, GROUPS } from "../../cli/all-commands.ts";
import { kafkaSetting, settingsOf } from "../../cli/kafka-settings.ts";
import { nodeProblem } from "../../cli/node-version.ts";
import { runCommandLine } from "../../cli/run.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { fakeContext } from "./fake-context.ts";

async function run(...args: readonly string[]) {
  const context = fakeContext();
  const code = await runCommandLine(args, context, { commands: ALL_COMMANDS, groups: GROUPS });
  return { code, out: context.outLines.join("\n"), notes: context.noteLines.join("\n") };
}

const NEEDED = ["--brokers", "k:9092", "--mapping", "m.json", "--admin-token", "t", "--secret", "s-cret"];

describe("ctlstore loader", () => {
  test.each([
    [["--brokers", "http://kafka"], "--brokers"],
    [["--brokers", "k:9092,,l:9092"], "--brokers"],
    [["--kafka-setting", "nothing"], "--kafka-setting"],
    [["--batch-rows", "0"], "--batch-rows"],
    [["--batch-bytes", "1"], "--batch-bytes"],
    [["--linger-ms", "-1"], "--linger-ms"],
    [["--dead-letter", "mail:me"], "--dead-letter"],
    [["--dead-letter", "topic:no spaces"], "--dead-letter"],
    [["--transaction-wait-ms", "1"], "--transaction-wait-ms"],
    [["--lost-events", "ignore"], "--lost-events"],
    [["--bind", "nowhere"], "--bind"],
    [["--secret", "@/nowhere/secret"], "--secret"],
    [["--writer", "ab"], "--writer"],
    [["--writer", "a:b"], "--writer"],
    [["--writer", "a-name-longer-than-allowed"], "--writer"],
  ])("exits 2 and names the flag when it is given %p", async (flags, name) => {
    const { code, notes } = await run("loader", ...NEEDED, ...flags);
    expect(code).toBe(2);
    expect(notes).toContain(`for ${name}:`);
    expect(notes).not.toContain("s-cret");
  });

  test.each([
    [["--kafka-setting", "sasl.password:s-cret"]],
    [["--kafka-setting", "wrong", "--kafka-setting", "sasl.password=s-cret"]],
    [["--executive", "http://user:s-cret@executive:3000"]],
  ])("does not repeat the secret when it refuses %p", async (flags) => {
    const { code, notes } = await run("loader", ...NEEDED, ...flags);
    expect(code).toBe(2);
    expect(notes).toContain(`for ${flags[0]}:`);
    expect(notes).not.toContain("s-cret");
  });

  test.each(["--brokers", "--mapping", "--admin-token", "--secret"])(
    "exits 2 when %s is missing",
    async (flag) => {
      const at = NEEDED.indexOf(flag);
      const { code, notes } = await run("loader", ...NEEDED.filter((_, i) => i !== at && i !== at + 1));
      expect(code).toBe(2);
      expect(notes).toContain(`${flag} is not given`);
    },
  );

  test("is a command and has commands, each with a help page of its own", async () => {
    const own = await run("loader", "--help");
    for (const text of ["--preserve-transactions", "--lost-events", "check", "offsets", "seek", "Examples:"])
      expect(own.out).toContain(text);
    const seek = await run("loader", "seek", "--help");
    for (const text of ["<topic> <partition> <offset>", "--yes"]) expect(seek.out).toContain(text);
    expect((await run("loader", "nothing")).code).toBe(2);
  });

  test("gives options to the command that they stand behind, and refuses them in front of it", async () => {
    const { code, notes } = await run("loader", "--mapping", "m.json", "seek", "t", "0", "1");
    expect([code, notes.includes("options of 'loader seek' stand behind that name")]).toEqual([2, true]);
  });

  test.each([
    [["t", "x", "1"], "PARTITION"],
    [["t", "0", "-1"], "OFFSET"],
    [["t", "0", "middle"], "OFFSET"],
    [["", "0", "1"], "TOPIC"],
  ])("exits 2 and names the argument when `loader seek` is given %p", async (args, name) => {
    const { code, notes } = await run("loader", "seek", ...NEEDED, "--", ...args);
    expect(code).toBe(2);
    expect(notes).toContain(`as ${name}:`);
  });
});

test.each([
  ["18.19.1", false],
  ["20.9.0", false],
  ["20.10.0", true],
  ["22.0.0", true],
])("Node %s will do for the loader: %p", (version, isFine) => {
  expect(nodeProblem(version) === null).toBe(isFine);
});

describe("settings of Kafka", () => {
  test("are KEY=VALUE, whatever the value is", () => {
    expect(kafkaSetting("sasl.password= a=b#c ")).toEqual({ name: "sasl.password", value: "a=b#c" });
    expect(kafkaSetting("ssl.endpoint.identification.algorithm=")).toMatchObject({ value: "" });
    for (const text of ["", "=x", "no name=x", "key"]) expect(() => kafkaSetting(text)).toThrow("KEY=VALUE");
  });

  test("come from a file, over which the command line wins", () => {
    using folder = tempFolder("kafka-settings");
    const path = folder.file("kafka.properties");
    const lines = [
      "# for tests",
      "! too",
      "",
      "security.protocol=sasl_ssl\r",
      " sasl.password = p=\\w#1 ",
      "client.id=a",
    ];
    writeFileSync(path, lines.join("\n"));
    expect(settingsOf(path, [{ name: "client.id", value: "b" }])).toEqual({
      "security.protocol": "sasl_ssl",
      "sasl.password": "p=\\w#1",
      "client.id": "b",
    });
  });

  test("in a file are refused by their line, without what stands there", () => {
    using folder = tempFolder("kafka-settings");
    const path = folder.file("kafka.properties");
    writeFileSync(path, "client.id=a\nsecret stuff\n");
    expect(() => settingsOf(path, [])).toThrow("line 2 is not of the form key=value");
    expect(() => settingsOf(path, [])).not.toThrow("secret stuff");
    expect(() => settingsOf(folder.file("none"), [])).toThrow("--kafka-settings: it cannot be read");
  });
});
