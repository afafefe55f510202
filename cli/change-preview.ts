/** What a change of tables would do, as an Executive tells it with `?dry-run=true`. */
import type { Client } from "../client/index.ts";
import { CtlstoreError, isCtlstoreError } from "../core/errors.ts";
import type { PreviewAnswer } from "../core/wire/preview.ts";
import { answerOf } from "./answer-of.ts";
import type { CommandContext } from "./command.ts";
import { CommandFailure } from "./failure.ts";
import { switchOption } from "./options.ts";
import { jsonText, textTable } from "./print.ts";
import { bytesText } from "./snapshot-answer.ts";

export const dryRunOption = switchOption({
  flag: "dry-run",
  help: "change nothing: print what would be done, what it costs, who reads and writes the table, and what speaks against it",
});

/**
 * The query of a request that is to be a dry run, or not.
 * @throws CtlstoreError `config_invalid` where the Executive knows no dry runs: it would take the request for the change
 */
export async function dryRunQuery(
  client: Client,
  { dryRun, executive }: { readonly dryRun: boolean; readonly executive: string },
): Promise<DryRunQuery> {
  if (!dryRun) return {};
  try {
    // A route that came with them.
    await answerOf(executive, client.whoami.get());
  } catch (error) {
    if (!isCtlstoreError(error) || error.code !== "unknown_route") throw error;
    throw new CtlstoreError("config_invalid", "Cannot try the change: this Executive knows no dry runs", {
      hint: "it is older than this command line",
    });
  }
  return { query: { "dry-run": "true" } };
}

export interface DryRunQuery {
  readonly query?: { readonly "dry-run": string };
}

/** A change's own answer is not told apart from a preview by its type. */
export function isPreview(answer: object): answer is PreviewAnswer {
  return "dryRun" in answer;
}

const COSTS: Readonly<Record<string, string>> = {
  none: "nothing",
  instant: "metadata alone",
  rebuild: "writes the table anew; writes to all tables wait meanwhile",
  rows: "grows with the rows",
};

export function previewLines(preview: PreviewAnswer): string[] {
  const lines = preview.tables.flatMap((table) => [...tableLines(table), ""]);
  for (const { code, message, hint } of preview.conflicts) {
    lines.push(`conflict: ${message} [${code}]`);
    if (hint !== undefined) lines.push(`  hint: ${hint}`);
  }
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function tableLines(table: PreviewAnswer["tables"][number]): string[] {
  const facts: string[][] = [
    ["cost", COSTS[table.cost] ?? table.cost],
    ["rows", table.rows === null ? "-" : `${table.rowsEstimated ? "about " : ""}${table.rows}`],
    ["size", table.bytes === null ? "-" : bytesText(Number(table.bytes))],
    ...table.ledgerStatements.map((statement) => ["ledger", statement]),
    ...table.ctldbStatements.map((statement) => ["ctldb", statement]),
    ...table.readers.map(({ reader, contact }) => [
      "reader",
      contact === null ? reader : `${reader} (${contact})`,
    ]),
    ...table.writers.map(({ writer, lastAt }) => ["writer", `${writer}, last at ${lastAt}`]),
  ];
  if (table.readers.length === 0) facts.push(["reader", "none was declared"]);
  const [, ...lines] = textTable(["", ""], facts);
  return [`${table.family}/${table.table}`, ...lines.map((line) => `  ${line}`)];
}

/** Prints what a dry run found. @throws CommandFailure when the change would be refused */
export function showPreview(
  context: CommandContext,
  preview: PreviewAnswer,
  { json }: { readonly json: boolean },
): void {
  if (json) context.out(jsonText(preview));
  else for (const line of previewLines(preview)) context.out(line);
  if (!preview.possible) throw new CommandFailure("the change would be refused; nothing was changed");
  if (!json) context.note("a dry run: nothing was changed");
}
