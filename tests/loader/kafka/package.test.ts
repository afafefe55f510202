/** The loader as an npm package: one file that every supported Node runs, and the command on Bun that starts it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import rootPackage from "../../../package.json" with { type: "json" };
import { buildLoaderPackage } from "../../../scripts/build-loader.ts";
import { runtimeBinary } from "../../runtimes/reader-package.ts";
import { nodeProgram } from "../../support/kafka/node-program.ts";
import { runProcess, startProcess } from "../../support/process.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";

setDefaultTimeout(120_000);

const CLI = join(import.meta.dir, "..", "..", "..", "cli", "main.ts");

describe("the loader's package", () => {
  let folder: TempFolder;
  let main: string;

  beforeAll(async () => {
    folder = tempFolder("loader-package");
    await buildLoaderPackage(folder.path);
    main = folder.file("main.js");
  });
  afterAll(() => folder[Symbol.dispose]());

  test("names its entry, its one dependency and its files when it is built", () => {
    const manifest = JSON.parse(readFileSync(folder.file("package.json"), "utf8"));
    expect(manifest).toMatchObject({
      name: "ctlstore-loader",
      version: rootPackage.version,
      type: "module",
      bin: { "ctlstore-loader": "./main.js" },
      dependencies: rootPackage.optionalDependencies,
    });
    for (const file of [...manifest.files, "README.md", "LICENSE"])
      expect(existsSync(folder.file(file))).toBe(true);
    const schema = JSON.parse(readFileSync(folder.file("mapping.schema.json"), "utf8"));
    expect(schema).toMatchObject({ type: "object", additionalProperties: false });
    expect(readFileSync(main, "utf8")).toStartWith("#!/usr/bin/env node\n");
  });

  test.each(["node20", "node22", "node24"])("says version and help when %s runs it", async (runtime) => {
    const node = await runtimeBinary(runtime);
    const version = await runProcess([node, main, "--version", "--json"]);
    expect({ ...version, answer: JSON.parse(version.stdout) }).toMatchObject({
      code: 0,
      stderr: "",
      answer: { version: rootPackage.version, target: "node", compiled: true },
    });
    const help = await runProcess([node, main, "--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("--dead-letter");
  });

  test("exits with 2 and says what is missing when an option is not given", async () => {
    const { code, stderr } = await runProcess([nodeProgram(), main], {
      env: { CTLSTORE_BROKERS: undefined },
    });
    expect(code).toBe(2);
    expect(stderr).toContain("--brokers is not given");
  });
});

/** Ends at once, since there is no such mapping; only the loader itself looks for it. */
const COMMAND = [
  ...[process.execPath, CLI, "loader", "--brokers", "127.0.0.1:1", "--mapping", "nowhere.json"],
  ...["--admin-token", "a", "--secret", "b"],
];

describe("ctlstore loader on Bun", () => {
  test("gives the command line to Node, and takes its exit code, when it runs from the source", async () => {
    const { code, stderr } = await runProcess([...COMMAND, "--mapping", CLI]);
    expect(stderr).toContain("[mapping_invalid]");
    expect(code).toBe(1);
  });

  test("says what is missing when there is no Node", async () => {
    const { code, stderr } = await runProcess(COMMAND, { env: { CTLSTORE_NODE: "/nowhere/node" } });
    expect(stderr).toContain("Cannot start Node (/nowhere/node)");
    expect(code).toBe(2);
  });

  test("passes a signal on, and ends as the loader ends, when it is asked to stop", async () => {
    using folder = tempFolder("on-node");
    // What stands in for Node tells its signals, which only a child of the command can get.
    const node = folder.file("node");
    const script =
      '#!/bin/sh\ntrap "echo told; exit 7" TERM\necho "started $2"\nwhile kill -0 $PPID; do sleep 0.05; done\n';
    writeFileSync(node, script, { mode: 0o755 });
    await using child = startProcess(COMMAND, { env: { CTLSTORE_NODE: node } });
    await child.waitForOutput(/started --brokers/);
    child.signal("SIGTERM");
    expect((await child.exited).code).toBe(7);
    expect(child.stdout).toContain("told");
  });
});
