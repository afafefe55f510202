/** Turns command declarations into a commander program: parsing, help pages, suggestions. The only file that knows commander. */
import { Command as CommanderCommand, CommanderError, Option as CommanderOption } from "commander";
import type { Argument, Command, CommandContext } from "./command.ts";
import { type Option, resolveOptions, variablesOf } from "./options.ts";
import { COMMON_OPTIONS } from "./shared-options.ts";

export interface ProgramOptions {
  /** What `--version` prints, as a line or as JSON; asked for only then. */
  readonly version: (asJson: boolean) => string;
  /** What the groups of two-word commands are about. */
  readonly groups: Readonly<Record<string, string>>;
}

/** How the parsing of a command line ended when no command ran: help, version, or a usage error already printed. */
export class UsageExit extends Error {
  readonly exitCode: 0 | 2;

  constructor(exitCode: 0 | 2) {
    super("the command line asked for no command");
    this.exitCode = exitCode;
  }
}

/**
 * Parses the arguments and runs the command that they name.
 * @throws UsageExit when there was none to run; otherwise what the command throws
 */
export async function runProgram(
  args: readonly string[],
  commands: readonly Command[],
  context: CommandContext,
  options: ProgramOptions,
): Promise<void> {
  const program = buildProgram(commands, context, options);
  program.on("option:version", () => {
    context.out(options.version(args.includes("--json")));
    throw new UsageExit(0);
  });
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) throw new UsageExit(error.exitCode === 0 ? 0 : 2);
    throw error;
  }
}

function buildProgram(
  commands: readonly Command[],
  context: CommandContext,
  { groups }: ProgramOptions,
): CommanderCommand {
  const program = prepared(new CommanderCommand("ctlstore"), context)
    .description(
      "Control data on every host: written once, ordered in one ledger, read from a local SQLite file.",
    )
    .option("-V, --version", "print version, commit and runtime; with --json for scripts")
    .addHelpText(
      "after",
      "\nEvery option --some-name can also be given as the environment variable CTLSTORE_SOME_NAME.",
    );
  const firstWords = new Map<string, CommanderCommand>();
  for (const command of commands) {
    const [first = "", second] = command.name.split(" ");
    const known = firstWords.get(first);
    if (second === undefined) firstWords.set(first, addCommand(program, first, command, context));
    // A command may be a group as well, of the commands that come after it in the list.
    else if (known !== undefined) addCommand(known, second, command, context);
    else {
      const group = prepared(program.command(first), context).description(groups[first] ?? "");
      firstWords.set(first, group);
      addCommand(group, second, command, context);
    }
  }
  return program;
}

function prepared(command: CommanderCommand, context: CommandContext): CommanderCommand {
  return (
    command
      .exitOverride()
      .showSuggestionAfterError()
      .showHelpAfterError("(add --help for the whole story)")
      .helpOption("-h, --help", "print this help")
      .helpCommand(false)
      // Else a command that is a group as well would take the options of the commands in it.
      .enablePositionalOptions()
      .configureOutput({
        writeOut: (text) => context.out(text.replace(/\n$/, "")),
        writeErr: (text) => context.note(text.replace(/\n$/, "")),
      })
  );
}

function addCommand(
  parent: CommanderCommand,
  name: string,
  command: Command,
  context: CommandContext,
): CommanderCommand {
  const options = { ...command.options, ...COMMON_OPTIONS };
  const built = prepared(parent.command(name), context).summary(command.summary);
  built.description(
    command.details === undefined ? command.summary : `${command.summary}\n\n${command.details}`,
  );
  for (const argument of command.arguments ?? []) built.argument(argumentForm(argument), argument.help);
  for (const declared of Object.values(options)) built.addOption(optionForm(declared));
  built.addHelpText(
    "after",
    `\nExamples:\n${command.examples.map((line) => `  ctlstore ${line}`).join("\n")}`,
  );
  built.action(async () => {
    const [misplaced] = Object.keys(parent.opts());
    if (misplaced !== undefined)
      built.error(`error: options of '${command.name}' stand behind that name: move them to the end`);
    const given: Record<string, readonly string[]> = {};
    for (const declared of Object.values(options)) {
      const raw: unknown = built.getOptionValue(attributeName(declared.flag));
      if (raw !== undefined) given[declared.flag] = raw === true ? [""] : (raw as string[]);
    }
    const values = resolveOptions(options, given, context.environment);
    await command.run(context, values, built.args);
  });
  return built;
}

function argumentForm({ name, kind = "required" }: Argument): string {
  if (kind === "optional") return `[${name}]`;
  if (kind === "optional-list") return `[${name}...]`;
  return kind === "list" ? `<${name}...>` : `<${name}>`;
}

/** Every option is gathered as a list of texts; types, defaults and the environment are resolved afterwards. */
function optionForm(declared: Option<unknown>): CommanderOption {
  const value = declared.placeholder === null ? "" : ` <${declared.placeholder}>`;
  const form = new CommanderOption(
    `--${declared.flag}${value}`,
    `${declared.help} (${notes(declared).join("; ")})`,
  );
  if (declared.placeholder === null) return form;
  return form.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
}

function notes(declared: Option<unknown>): string[] {
  const list: string[] = [];
  if (!("fallback" in declared)) list.push("required");
  else if (declared.placeholder !== null && declared.fallback !== undefined && !declared.repeated)
    list.push(`default: ${declared.fallbackText ?? declared.fallback}`);
  if (declared.repeated) list.push("may be repeated");
  list.push(variablesOf(declared).join(", else "));
  return list;
}

/** commander's name for the value of `--some-flag`. */
function attributeName(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
