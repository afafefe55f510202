/** Asking before what cannot be undone. */
import { CtlstoreError } from "../core/errors.ts";
import type { CommandContext } from "./command.ts";
import { CommandFailure } from "./failure.ts";
import { switchOption } from "./options.ts";

export const yesOption = switchOption({ flag: "yes", help: "do it without asking" });

/**
 * @param act such as "drop shop/prices"
 * @throws CtlstoreError `config_invalid` where nobody can be asked; CommandFailure when the answer is not yes
 */
export async function confirm(
  { ask }: Pick<CommandContext, "ask">,
  { yes }: { readonly yes: boolean },
  act: string,
): Promise<void> {
  if (yes) return;
  if (ask === null) {
    throw new CtlstoreError(
      "config_invalid",
      `Cannot ${act}: nobody is at a terminal to be asked; it needs --yes`,
    );
  }
  const answer = await ask(`${act}? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure("nothing was changed");
}
