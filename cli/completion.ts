/** Shell completion scripts, made from the command declarations: commands, their flags, and files after a flag. */
import type { Command } from "./command.ts";
import { COMMON_OPTIONS } from "./shared-options.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case "bash":
      return bashScript(commands);
    case "zsh":
      // zsh runs bash's completions through a layer of its own.
      return `#compdef ctlstore\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(commands)}`;
    case "fish":
      return fishScript(commands);
  }
}

/** First words, and for each first word the second ones. */
function wordsOf(commands: readonly Command[]): { first: string[]; second: Map<string, string[]> } {
  const first = new Set<string>();
  const second = new Map<string, string[]>();
  for (const { name } of commands) {
    const [one = "", two] = name.split(" ");
    first.add(one);
    if (two !== undefined) second.set(one, [...(second.get(one) ?? []), two]);
  }
  return { first: [...first], second };
}

function flagsOf(command: Command): string[] {
  const flags = Object.values({ ...command.options, ...COMMON_OPTIONS }).map(({ flag }) => `--${flag}`);
  return [...flags, "--help"];
}

function bashScript(commands: readonly Command[]): string {
  const { first, second } = wordsOf(commands);
  const groups = [...second].map(([group, words]) => `    "${group} "*) words="${words.join(" ")}" ;;`);
  // The longer names first: "ldb status" before a command "ldb".
  const flags = [...commands]
    .sort((a, b) => b.name.length - a.name.length)
    .map((one) => `    "${one.name} "*) flags="${flagsOf(one).join(" ")}" ;;`);
  return `_ctlstore() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  local before="\${COMP_WORDS[*]:1:COMP_CWORD-1} "
  local words="" flags="--help"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${first.join(" ")} --help --version" -- "$current"))
    return
  fi
  if [ "$COMP_CWORD" -eq 2 ]; then case "$before" in
${groups.join("\n")}
  esac; fi
  case "$before" in
${flags.join("\n")}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _ctlstore ctlstore
`;
}

function fishScript(commands: readonly Command[]): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = ["complete -c ctlstore -n __fish_use_subcommand -l version -d 'print the version'"];
  const seen = new Set<string>();
  for (const command of commands) {
    const [one = "", two] = command.name.split(" ");
    const summary = two === undefined ? command.summary : "";
    if (!seen.has(one))
      lines.push(`complete -c ctlstore -n __fish_use_subcommand -xa ${one} -d ${quoted(summary)}`);
    seen.add(one);
    let condition = `__fish_seen_subcommand_from ${one}`;
    if (two !== undefined) {
      lines.push(`complete -c ctlstore -n ${quoted(condition)} -xa ${two} -d ${quoted(command.summary)}`);
      condition += `; and __fish_seen_subcommand_from ${two}`;
    }
    for (const { flag, help, placeholder } of Object.values(command.options)) {
      const needsValue = placeholder === null ? "" : " -r";
      lines.push(`complete -c ctlstore -n ${quoted(condition)} -l ${flag}${needsValue} -d ${quoted(help)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
