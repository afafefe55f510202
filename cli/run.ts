/**
 * Runs one command line to its exit code: 0 done, 1 failed, 2 the command line or the configuration is wrong.
 *
 * Errors that ctlstore raises on purpose are printed as a line and a hint; others, which are defects, with their stack.
 */
import { isCtlstoreError } from "../core/errors.ts";
import type { Command, CommandContext } from "./command.ts";
import { CommandFailure, ExitCode } from "./failure.ts";
import { runProgram, UsageExit } from "./program.ts";
import { versionText } from "./version.ts";

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

export interface CommandSet {
  readonly commands: readonly Command[];
  /** What the groups of commands of several words are about. */
  readonly groups: Readonly<Record<string, string>>;
}

export async function runCommandLine(
  args: readonly string[],
  context: CommandContext,
  { commands, groups }: CommandSet,
): Promise<number> {
  try {
    // Without a command nothing is done, which is not what a script meant; but the help is what a person needs.
    const wanted = args.length === 0 ? ["--help"] : args;
    await runProgram(wanted, commands, context, { version: versionText, groups });
    return EXIT_OK;
  } catch (error) {
    if (error instanceof UsageExit) return args.length === 0 ? EXIT_USAGE : error.exitCode;
    return reportError(error, context);
  }
}

/** Prints an error for a person and says with which code to exit. */
export function reportError(error: unknown, context: Pick<CommandContext, "note">): number {
  if (error instanceof ExitCode) return error.code;
  if (error instanceof CommandFailure) {
    context.note(`ctlstore: ${error.message}`);
    return EXIT_FAILED;
  }
  if (!isCtlstoreError(error)) {
    context.note(`ctlstore: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return EXIT_FAILED;
  }
  context.note(`ctlstore: ${error.message} [${error.code}]`);
  if (error.details.hint !== undefined) context.note(`  hint: ${error.details.hint}`);
  return error.code === "config_invalid" ? EXIT_USAGE : EXIT_FAILED;
}
