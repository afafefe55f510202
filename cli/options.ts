/**
 * Options: each is declared once, with its type, default, flag, environment name and help.
 *
 * A value comes from the command line, else from the environment (`--ldb` is `CTLSTORE_LDB`), else from the default.
 * What cannot be parsed ends in a `config_invalid` error that names the flag, and the variable if it came from there.
 */
import { readFileSync } from "node:fs";
import { CtlstoreError, messageOf, quote } from "../core/errors.ts";

export interface Option<T> {
  /** Without the dashes. */
  readonly flag: string;
  /** One letter for the same, where everybody's fingers know it. */
  readonly short?: string;
  /** What stands for the value in the help; null for a switch, which takes none. */
  readonly placeholder: string | null;
  readonly help: string;
  /** Absent: the option must be given. */
  readonly fallback?: T;
  /** The default as a person would give it, where that is not its value. */
  readonly fallbackText?: string;
  /** May be given several times; from the environment, separated by commas. */
  readonly repeated: boolean;
  /** Never printed. `@FILE` reads it from a file. */
  readonly secret: boolean;
  /** Messages do not repeat what was given: a part of it may be a secret. */
  readonly hidden?: boolean;
  /** The original ctlstore's variable for the same, looked at after ours. */
  readonly originalVariable?: string;
  /** No variable gives it: it changes what a command is about, and a variable may be there for other commands. */
  readonly onlyFlag?: boolean;
  /** @throws Error saying what is wrong with the text; the caller adds the flag */
  parse(texts: readonly string[]): T;
}

// biome-ignore lint/suspicious/noExplicitAny: a set of options of any types; `OptionValues` gives each its own back
export type Options = Readonly<Record<string, Option<any>>>;

export type OptionValues<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never;
};

interface Declaration {
  readonly flag: string;
  readonly short?: string;
  readonly placeholder: string;
  readonly help: string;
}

/** An option with one value. Without `fallback` it is required; `fallback: undefined` makes it optional. */
export function option<T, F = T>(
  declaration: Declaration & {
    readonly parse: (text: string) => T;
    readonly fallback?: F;
    readonly fallbackText?: string;
    readonly secret?: boolean;
    readonly originalVariable?: string;
    readonly onlyFlag?: boolean;
  },
): Option<T | F> {
  const { parse, secret = false, ...rest } = declaration;
  return { ...rest, repeated: false, secret, parse: (texts) => parse(texts.at(-1) ?? "") };
}

/** An option that may be given several times. */
export function listOption<T>(
  declaration: Declaration & {
    readonly parse: (text: string) => T;
    readonly required?: boolean;
    readonly hidden?: boolean;
  },
): Option<readonly T[]> {
  const { parse, required = false, ...rest } = declaration;
  const base = {
    ...rest,
    repeated: true,
    secret: false,
    parse: (texts: readonly string[]) => texts.map(parse),
  };
  return required ? base : { ...base, fallback: [] };
}

/** An option that is on or off. In the environment: true, 1, false or 0. */
export function switchOption(declaration: Pick<Declaration, "flag" | "short" | "help">): Option<boolean> {
  return {
    ...declaration,
    placeholder: null,
    fallback: false,
    repeated: false,
    secret: false,
    parse: ([text = ""]) => {
      if (["true", "1", ""].includes(text)) return true;
      if (["false", "0"].includes(text)) return false;
      throw new Error("it must be true or false");
    },
  };
}

function environmentName(flag: string): string {
  return `CTLSTORE_${flag.toUpperCase().replaceAll("-", "_")}`;
}

/** The variables that may give an option, the one that counts first. */
export function variablesOf(
  declared: Pick<Option<unknown>, "flag" | "originalVariable" | "onlyFlag">,
): string[] {
  if (declared.onlyFlag === true) return [];
  const own = environmentName(declared.flag);
  return declared.originalVariable === undefined ? [own] : [own, declared.originalVariable];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The values of all options.
 * @param given what the command line has, by flag
 * @throws CtlstoreError `config_invalid`
 */
export function resolveOptions<O extends Options>(
  options: O,
  given: Readonly<Record<string, readonly string[] | undefined>>,
  environment: Environment,
): OptionValues<O> {
  const values: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(options)) {
    values[name] = resolveOption(declared, given[declared.flag], environment);
  }
  return values as OptionValues<O>; // one value per option, by construction
}

function resolveOption<T>(
  declared: Option<T>,
  given: readonly string[] | undefined,
  environment: Environment,
): T {
  if (given !== undefined) return parseOption(declared, given, `--${declared.flag}`);
  const variables = variablesOf(declared);
  // An empty variable is how shells and unit files say "not set".
  const variable = variables.find((name) => (environment[name] ?? "") !== "");
  if (variable !== undefined) {
    const text = environment[variable] ?? "";
    const texts = declared.repeated ? text.split(",") : [text];
    return parseOption(declared, texts, `${variable} (the variable for --${declared.flag})`);
  }
  if ("fallback" in declared) return declared.fallback as T;
  throw new CtlstoreError("config_invalid", `Cannot start: --${declared.flag} is not given; it is needed`, {
    hint: `give --${declared.flag} ${declared.placeholder ?? ""} or set ${variables[0]}`,
  });
}

function parseOption<T>(declared: Option<T>, texts: readonly string[], source: string): T {
  try {
    return declared.parse(declared.secret ? texts.map(secretText) : texts);
  } catch (error) {
    const isHidden = declared.secret || declared.hidden === true;
    const shown = isHidden ? "its value" : quote(withoutPassword(texts.at(-1) ?? ""));
    const reason = messageOf(error);
    throw new CtlstoreError("config_invalid", `Cannot use ${shown} for ${source}: ${reason}`, {
      cause: error,
    });
  }
}

/** A URL without the user and the password that it names. */
function withoutPassword(text: string): string {
  return text.replace(/^([a-z]+:\/\/)[^/]*@/, "$1…@");
}

/** `@FILE` keeps a secret out of the process list and of the shell's history. */
function secretText(text: string): string {
  if (!text.startsWith("@")) return text;
  const path = text.slice(1);
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new Error(
      `the file ${quote(path)} cannot be read (${error instanceof Error ? error.message : error})`,
    );
  }
}
