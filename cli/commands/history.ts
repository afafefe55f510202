/** `ctlstore history`: what happened to the row of one key, as far back as the ledger reaches. */
import { INSPECTION_LIMITS, TAIL_LIMITS } from "../../core/limits.ts";
import type { HistoryAnswer } from "../../core/wire/inspection.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { type Central, centralTable, keyParameter } from "../inspection/central-table.ts";
import { historyLines, type KeyChange } from "../inspection/history-lines.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { option } from "../options.ts";
import { integer, type TablePath, tablePath } from "../parsers.ts";
import { jsonText } from "../print.ts";

export const historyCommand = command({
  name: "history",
  summary: "print who changed the row of a key, when, and what from and to; the newest change first",
  details:
    "Found in the ledger, so it goes back as far as that. Clearing, dropping and creating the table are changes of every key.\n" +
    "Integers are decimal, bytes base64. Exit code 1 when the ledger has nothing about this key.",
  arguments: [
    { name: "family/table", help: "the table" },
    { name: "key", help: "the parts of the key, in key order", kind: "list" },
  ],
  options: {
    ...OPERATOR_OPTIONS,
    changes: option({
      flag: "changes",
      short: "n",
      placeholder: "N",
      help: "changes at most",
      parse: integer({ min: 1, max: TAIL_LIMITS.changes.max }),
      fallback: TAIL_LIMITS.changes.default,
    }),
  },
  examples: [
    "history shop/prices EUR 4711 --admin-token @data/admin-token",
    "history shop/prices EUR 4711 -n 1000 --json --admin-token @data/admin-token",
  ],
  async run(context, options, [path, ...key]) {
    const { executive, changes: most, json } = options;
    const wanted = parseArgument("FAMILY/TABLE", path, tablePath);
    const central = { client: await operatorClient(options), executive };
    const table = await centralTable(central, wanted);
    const history = await findHistory(central, wanted, { key: keyParameter(table, key), most });
    const { changes, complete } = history;
    if (json) context.out(jsonText({ family: wanted.family, table: wanted.table, ...history }));
    else if (changes.length > 0) for (const line of historyLines(changes, table)) context.out(line);
    const end = endOf(history, most);
    if (end !== null && !json) context.note(end);
    if (changes.length === 0 && complete)
      throw new CommandFailure(`the ledger has nothing about ${path} ${key.join(", ")}`);
  },
});

interface FoundHistory extends Pick<HistoryAnswer, "key" | "complete" | "searchedThrough"> {
  readonly changes: readonly KeyChange[];
}

/** Goes on by itself until there are as many as wanted, or the ledger's beginning. */
async function findHistory(
  { client, executive }: Central,
  { family, table }: TablePath,
  { key, most }: { readonly key: string; readonly most: number },
): Promise<FoundHistory> {
  const changes: KeyChange[] = [];
  let before: string | null = null;
  for (;;) {
    const limit = String(Math.min(INSPECTION_LIMITS.changesPerPage.max, most - changes.length));
    const page: HistoryAnswer = await answerOf(
      executive,
      client
        .families({ family })
        .tables({ table })
        .history.get({ query: { key, limit, ...(before === null ? {} : { before }) } }),
    );
    changes.push(...page.changes);
    const { complete, searchedThrough, next } = page;
    if (next === null || changes.length >= most) return { key: page.key, changes, complete, searchedThrough };
    before = String(next);
  }
}

/** What a person should know of where it ends. */
function endOf({ changes, complete, searchedThrough }: FoundHistory, most: number): string | null {
  if (!complete) return `these are the newest ${changes.length}; there may be more (-n ${10 * most})`;
  const oldest = changes.at(-1);
  if (oldest === undefined || oldest.old !== undefined) return null;
  return `what was before ${oldest.sequence} is not known: the ledger reaches back to ${searchedThrough}`;
}
