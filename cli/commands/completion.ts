/** `ctlstore completion SHELL`: prints the script that completes command lines. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { type Command, command } from "../command.ts";
import { completionScript, SHELLS } from "../completion.ts";

/** @param commands all of the others; this one adds itself */
export function completionCommand(commands: readonly Command[]): Command {
  const self: Command = command({
    name: "completion",
    summary: "print a completion script for bash, zsh or fish",
    arguments: [{ name: "shell", help: SHELLS.join(", ") }],
    options: {},
    examples: ["completion bash > /etc/bash_completion.d/ctlstore", "completion fish | source"],
    async run(context, _options, [wanted = ""]) {
      const shell = SHELLS.find((one) => one === wanted);
      if (shell === undefined) {
        throw new CtlstoreError(
          "config_invalid",
          `Cannot print completions for ${quote(wanted)}: it must be one of ${SHELLS.join(", ")}`,
        );
      }
      context.out(completionScript(shell, [...commands, self]).trimEnd());
    },
  });
  return self;
}
