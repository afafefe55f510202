#!/usr/bin/env bun
/** Entry of the host binary `ctlstore-reflector`: the command `reflector`, alone, so that nothing else is compiled in. */
import { reflectorCommand } from "./commands/reflector.ts";
import { exitWith } from "./exit.ts";
import { ensureHomeFolder } from "./home-folder.ts";
import { runCommandLine } from "./run.ts";
import { runTaskIfAsked } from "./run-task.ts";
import { systemContext } from "./system-context.ts";

ensureHomeFolder(process.env);
await runTaskIfAsked(process.argv);
const args = process.argv.slice(2);
const wanted = args[0] === "--version" ? args : ["reflector", ...args];
exitWith(await runCommandLine(wanted, systemContext(), { commands: [reflectorCommand], groups: {} }));
