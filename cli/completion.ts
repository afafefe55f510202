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

/** For each beginning of a name, the empty one included, the words that may come next. */
function nextWords(commands: readonly Command[]): Map<string, string[]> {
  const next = new Map<string, string[]>();
  for (const { name } of commands) {
    const words = name.split(" ");
    for (const [i, word] of words.entries()) {
      const before = words.slice(0, i).join(" ");
      const known = next.get(before) ?? [];
      if (!known.includes(word)) next.set(before, [...known, word]);
    }
  }
  return next;
}

function flagsOf(command: Command): string[] {
  const flags = Object.values({ ...command.options, ...COMMON_OPTIONS }).map(({ flag }) => `--${flag}`);
  return [...flags, "--help"];
}

function bashScript(commands: readonly Command[]): string {
  const next = nextWords(commands);
  const first = next.get("") ?? [];
  next.delete("");
  const groups = [...next].map(([group, words]) => `    "${group} ") words="${words.join(" ")}" ;;`);
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
  case "$before" in
${groups.join("\n")}
  esac
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
    const words = command.name.split(" ");
    let condition = "__fish_use_subcommand";
    for (const [i, word] of words.entries()) {
      const name = words.slice(0, i + 1).join(" ");
      const summary = i === words.length - 1 ? command.summary : "";
      if (!seen.has(name))
        lines.push(`complete -c ctlstore -n ${quoted(condition)} -xa ${word} -d ${quoted(summary)}`);
      seen.add(name);
      const seenWord = `__fish_seen_subcommand_from ${word}`;
      condition = i === 0 ? seenWord : `${condition}; and ${seenWord}`;
    }
    for (const { flag, short, help, placeholder } of Object.values(command.options)) {
      const form = short === undefined ? `-l ${flag}` : `-s ${short} -l ${flag}`;
      const needsValue = placeholder === null ? "" : " -r";
      lines.push(`complete -c ctlstore -n ${quoted(condition)} ${form}${needsValue} -d ${quoted(help)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
