/** Turns command declarations into a commander program: parsing, help pages, suggestions. The only file that knows commander. */
import { Command as CommanderCommand, CommanderError, Option as CommanderOption } from "commander";
import type { Argument, Command, CommandContext } from "./command.ts";
import { exposedSecrets } from "./exposed-secrets.ts";
import { type Option, resolveOptions, variablesOf } from "./options.ts";
import { COMMON_OPTIONS } from "./shared-options.ts";

export interface ProgramOptions {
  /** What `--version` prints, as a line or as JSON; asked for only then. */
  readonly version: (asJson: boolean) => string;
  /** What the groups of commands of several words are about. */
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
      "\nAn option --some-name can also be given as the environment variable CTLSTORE_SOME_NAME, where its help names that.",
    );
  const known = new Map<string, CommanderCommand>();
  for (const command of commands) {
    const words = command.name.split(" ");
    const last = words.pop() ?? "";
    const parent = groupOf(words, { known, program, groups, context });
    known.set(command.name, addCommand(parent, last, command, context));
  }
  return program;
}

/** What stands for the words before a command's last: another command, which comes earlier in the list, or a mere group. */
function groupOf(
  words: readonly string[],
  world: {
    readonly known: Map<string, CommanderCommand>;
    readonly program: CommanderCommand;
    readonly groups: Readonly<Record<string, string>>;
    readonly context: CommandContext;
  },
): CommanderCommand {
  const { known, program, groups, context } = world;
  const last = words.at(-1);
  if (last === undefined) return program;
  const name = words.join(" ");
  const found = known.get(name);
  if (found !== undefined) return found;
  const parent = groupOf(words.slice(0, -1), world);
  const group = prepared(parent.command(last), context).description(groups[name] ?? "");
  known.set(name, group);
  return group;
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
    if (hasOptionsBefore(parent))
      built.error(`error: options of '${command.name}' stand behind that name: move them to the end`);
    const given: Record<string, readonly string[]> = {};
    for (const declared of Object.values(options)) {
      const raw: unknown = built.getOptionValue(attributeName(declared.flag));
      if (raw !== undefined) given[declared.flag] = raw === true ? [""] : (raw as string[]);
    }
    const values = resolveOptions(options, given, context.environment);
    for (const warning of exposedSecrets(options, given)) context.note(warning);
    await command.run(context, values, built.args);
  });
  return built;
}

/** True when a command that is a group as well was given options of its own, which nothing would look at. */
function hasOptionsBefore(parent: CommanderCommand | null): boolean {
  if (parent === null) return false;
  return Object.keys(parent.opts()).length > 0 || hasOptionsBefore(parent.parent);
}

function argumentForm({ name, kind = "required" }: Argument): string {
  if (kind === "optional") return `[${name}]`;
  if (kind === "optional-list") return `[${name}...]`;
  return kind === "list" ? `<${name}...>` : `<${name}>`;
}

/** Every option is gathered as a list of texts; types, defaults and the environment are resolved afterwards. */
function optionForm(declared: Option<unknown>): CommanderOption {
  const value = declared.placeholder === null ? "" : ` <${declared.placeholder}>`;
  const short = declared.short === undefined ? "" : `-${declared.short}, `;
  const about = notes(declared).join("; ");
  const form = new CommanderOption(
    `${short}--${declared.flag}${value}`,
    about === "" ? declared.help : `${declared.help} (${about})`,
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
  const variables = variablesOf(declared);
  if (variables.length > 0) list.push(variables.join(", else "));
  return list;
}

/** commander's name for the value of `--some-flag`. */
function attributeName(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
