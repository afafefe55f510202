#!/usr/bin/env node
/** Entry of `ctlstore-loader`, for Node: the commands `loader …` alone, without the word in front. */
import { exitWith } from "./exit.ts";
import { LOADER_COMMANDS } from "./loader-commands.ts";
import { nodeProblem } from "./node-version.ts";
import { EXIT_USAGE, runCommandLine } from "./run.ts";
import { systemContext } from "./system-context.ts";

const problem = nodeProblem(process.versions.node);
if (problem === null) {
  const args = process.argv.slice(2);
  const wanted = args[0] === "--version" || args[0] === "-V" ? args : ["loader", ...args];
  exitWith(await runCommandLine(wanted, systemContext(), { commands: LOADER_COMMANDS, groups: {} }));
} else {
  process.stderr.write(`ctlstore: ${problem}\n`);
  exitWith(EXIT_USAGE);
}
