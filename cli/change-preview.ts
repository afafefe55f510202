/** What a change of tables would do, as an Executive tells it with `?dry-run=true`. */
import type { CommandContext } from "./command.ts";
import { CommandFailure } from "./failure.ts";
import { switchOption } from "./options.ts";
import { jsonText, textTable } from "./print.ts";
import { bytesText } from "./snapshot-answer.ts";

export const dryRunOption = switchOption({
  flag: "dry-run",
  help: "change nothing: print what would be done, what it costs, who reads and writes the table, and what speaks against it",
});

/** Given with every request that may be one for a preview. */
export function dryRunQuery({ dryRun }: { readonly dryRun: boolean }) {
  return dryRun ? { query: { "dry-run": "true" } } : {};
}

type Count = number | string | null;

/** The answer to a dry run; the part of it that is shown. */
export interface Preview {
  readonly dryRun: boolean;
  readonly possible: boolean;
  readonly conflicts: ReadonlyArray<{
    readonly code: string;
    readonly message: string;
    readonly hint?: string | undefined;
  }>;
  readonly tables: ReadonlyArray<PreviewedTable>;
}

interface PreviewedTable {
  readonly family: string;
  readonly table: string;
  readonly ledgerStatements: readonly string[];
  readonly ctldbStatements: readonly string[];
  readonly cost: string;
  readonly rows: Count;
  readonly bytes: Count;
  readonly readers: ReadonlyArray<{ readonly reader: string; readonly contact: string | null }>;
  readonly writers: ReadonlyArray<{ readonly writer: string; readonly lastAt: string }>;
}

export function isPreview(answer: object): answer is Preview {
  return "dryRun" in answer;
}

const COSTS: Readonly<Record<string, string>> = {
  none: "nothing",
  instant: "metadata alone",
  rebuild: "writes the table anew; writes to all tables wait meanwhile",
  rows: "grows with the rows",
};

export function previewLines(preview: Preview): string[] {
  const lines = preview.tables.flatMap((table) => [...tableLines(table), ""]);
  for (const { code, message, hint } of preview.conflicts) {
    lines.push(`conflict: ${message} [${code}]`);
    if (hint !== undefined) lines.push(`  hint: ${hint}`);
  }
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function tableLines(table: PreviewedTable): string[] {
  const facts: string[][] = [
    ["cost", COSTS[table.cost] ?? table.cost],
    ["rows", table.rows === null ? "-" : String(table.rows)],
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
  return textTable([`${table.family}/${table.table}`, ""], facts).map((line, i) =>
    // A table's name is no heading: it stays as it is.
    i === 0 ? `${table.family}/${table.table}` : line,
  );
}

/** Prints what a dry run found. @throws CommandFailure when the change would be refused */
export function showPreview(
  context: CommandContext,
  preview: Preview,
  { json }: { readonly json: boolean },
): void {
  if (json) context.out(jsonText(preview));
  else for (const line of previewLines(preview)) context.out(line);
  if (!preview.possible) throw new CommandFailure("the change would be refused; nothing was changed");
  if (!json) context.note("a dry run: nothing was changed");
}
