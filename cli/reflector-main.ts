#!/usr/bin/env bun
/**
 * Entry of the host binary `ctlstore-reflector`: the commands of a host alone, so that nothing else is compiled in. Without a
 * command it is the Reflector.
 */
import { reflectorCommand } from "./commands/reflector.ts";
import { sidecarCommand } from "./commands/sidecar.ts";
import { exitWith } from "./exit.ts";
import { ensureHomeFolder } from "./home-folder.ts";
import { runCommandLine } from "./run.ts";
import { runTaskIfAsked } from "./run-task.ts";
import { systemContext } from "./system-context.ts";

/** Nobody would look for a second command in what is named after the first. */
const reflector = {
  ...reflectorCommand,
  details: `${reflectorCommand.details}\nThis binary also runs the sidecar: ctlstore-reflector sidecar --help`,
};
const COMMANDS = [reflector, sidecarCommand];

ensureHomeFolder(process.env);
await runTaskIfAsked(process.argv);
const args = process.argv.slice(2);
const isNamed = args[0] === "--version" || COMMANDS.some(({ name }) => name === args[0]);
const wanted = isNamed ? args : ["reflector", ...args];
exitWith(await runCommandLine(wanted, systemContext(), { commands: COMMANDS, groups: {} }));
