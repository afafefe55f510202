/** What a command is: a declaration from which parsing, help and completions are made, and a function that runs it. */
import type { Clock } from "../core/process/clock.ts";
import type { Logger, LogLevel } from "../core/process/logger.ts";
import type { Environment, Options, OptionValues } from "./options.ts";

/** The world outside of a command, given by `main.ts`. */
export interface CommandContext {
  /** Writes a line to standard output: results. */
  out(line: string): void;
  /** Writes a line to standard error: what a person should know, and nothing that a script reads. */
  note(line: string): void;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: () => number;
  readonly stdin: () => Promise<string>;
  /** Asks whoever sits at the terminal for a line; null where nobody does. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** True when standard output is a terminal. */
  readonly interactive: boolean;
  /** Its width in cells just now; absent where it is no terminal, or none that says so. */
  readonly columns?: number | undefined;
  /** True when standard error is one. */
  readonly watched: boolean;
  /** A logger that writes JSON lines to standard error. */
  logger(component: string, level: LogLevel): Logger;
  /** Aborts at the first SIGTERM or SIGINT. Asking for it takes over those signals. */
  stopSignal(): AbortSignal;
  /** From now on SIGHUP means this, and no longer to stop; of a terminal that is closed it still does. */
  onHangup(reload: () => void): void;
}

export interface Argument {
  readonly name: string;
  readonly help: string;
  /** All but "required" can only be the last; a "list" has one or more, an "optional-list" any number. */
  readonly kind?: "required" | "optional" | "list" | "optional-list";
}

export interface CommandSpec<O extends Options> {
  /** One word, or several: a group, which may be a command itself, and a command in it. */
  readonly name: string;
  readonly summary: string;
  /** More for the help page. */
  readonly details?: string;
  readonly arguments?: readonly Argument[];
  readonly options: O;
  /** Lines to paste, without the leading `ctlstore`. */
  readonly examples: readonly string[];
  run(
    context: CommandContext,
    options: OptionValues<O> & CommonValues,
    args: readonly string[],
  ): Promise<void>;
}

/** Values of the options that every command has (`COMMON_OPTIONS`). */
export interface CommonValues {
  readonly logLevel: LogLevel;
}

/** A command whose option types are known to itself only. */
export type Command = CommandSpec<Options>;

/** Gives `run` the types of its own options. */
export function command<O extends Options>(spec: CommandSpec<O>): Command {
  return spec as unknown as Command; // run() only ever gets what resolveOptions made of these same options
}
