#!/usr/bin/env bun
/** `ctlstore <command>`: gives a command line the real world and exits with its code. */
import { ALL_COMMANDS, GROUPS } from "./all-commands.ts";
import { exitWith } from "./exit.ts";
import { ensureHomeFolder } from "./home-folder.ts";
import { runCommandLine } from "./run.ts";
import { runTaskIfAsked } from "./run-task.ts";
import { systemContext } from "./system-context.ts";

ensureHomeFolder(process.env);
await runTaskIfAsked(process.argv);
exitWith(
  await runCommandLine(process.argv.slice(2), systemContext(), { commands: ALL_COMMANDS, groups: GROUPS }),
);
