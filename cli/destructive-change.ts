/** Changes that destroy data: shown first, and made when somebody at the terminal, or `--yes`, says so. */
import type { ClientResult } from "../client/client-error.ts";
import type { Client } from "../client/index.ts";
import type { SequenceAnswer } from "../core/wire/answers.ts";
import { answerOf } from "./answer-of.ts";
import {
  type DryRunQuery,
  dryRunOption,
  dryRunQuery,
  isPreview,
  previewLines,
  showPreview,
} from "./change-preview.ts";
import type { CommandContext } from "./command.ts";
import { confirm, yesOption } from "./confirm.ts";
import { OPERATOR_OPTIONS, type OperatorValues } from "./operator.ts";
import type { OptionValues } from "./options.ts";
import { jsonText } from "./print.ts";

export const DESTRUCTIVE_OPTIONS = { ...OPERATOR_OPTIONS, dryRun: dryRunOption, yes: yesOption };

export type DestructiveValues = OperatorValues & OptionValues<typeof DESTRUCTIVE_OPTIONS>;

export interface DestructiveChange {
  /** Such as "drop shop/prices". */
  readonly act: string;
  /** Such as "dropped table shop/prices". */
  readonly done: string;
  /** @param query asks for a preview, or for nothing */
  send(query: DryRunQuery): Promise<ClientResult<SequenceAnswer>>;
}

/** @throws CommandFailure when it would be refused, or is not wanted; `config_invalid` when nobody can be asked */
export async function makeDestructiveChange(
  { context, client }: { readonly context: CommandContext; readonly client: Client },
  change: DestructiveChange,
  options: DestructiveValues,
): Promise<void> {
  const { executive, dryRun, yes, json } = options;
  if (dryRun || !yes) {
    // Without a terminal there is no use in asking the Executive first.
    if (!dryRun && context.ask === null) await confirm(context, options, change.act);
    const query = await dryRunQuery(client, { dryRun: true, executive });
    const preview = await answerOf(executive, change.send(query));
    if (!isPreview(preview)) throw new Error("the answer to a dry run is none");
    if (dryRun || !preview.possible) return showPreview(context, preview, options);
    for (const line of previewLines(preview)) context.note(line);
    await confirm(context, options, change.act);
  }
  const answer = await answerOf(executive, change.send({}));
  if (!isPreview(answer)) told(context, change, { sequence: answer.sequence, json });
}

function told(
  context: CommandContext,
  { done }: DestructiveChange,
  { sequence, json }: { readonly sequence: number | string; readonly json: boolean },
): void {
  context.out(json ? jsonText({ sequence }) : `${done} at sequence ${sequence}`);
}
