/** `ctlstore changes`: which keys of a local database changed, from its changelog; to watch, and to try a cursor. */
import { CtlstoreError } from "../../core/errors.ts";
import { parseFamilyName } from "../../core/names.ts";
import type { ChangeEvent, Changes } from "../../reader/types.ts";
import { type CommandContext, command } from "../command.ts";
import { type OptionValues, option, switchOption } from "../options.ts";
import { tablePath, text } from "../parsers.ts";
import { jsonText, shownText, valueText } from "../print.ts";
import { jsonOption, ldbOption } from "../shared-options.ts";

const options = {
  ldb: ldbOption,
  family: option({
    flag: "family",
    placeholder: "FAMILY",
    help: "only changes in this family",
    parse: parseFamilyName,
    fallback: undefined,
    onlyFlag: true,
  }),
  table: option({
    flag: "table",
    placeholder: "FAMILY/TABLE",
    help: "only changes of this table",
    parse: tablePath,
    fallback: undefined,
    onlyFlag: true,
  }),
  since: option({
    flag: "since",
    placeholder: "CURSOR",
    help: "after this cursor, or this ledger sequence; without it all that are kept, with --follow those from now on",
    parse: text,
    fallback: undefined,
    onlyFlag: true,
  }),
  follow: switchOption({ flag: "follow", short: "f", help: "wait for more, until Ctrl-C" }),
  changelogPath: option({
    flag: "changelog-path",
    placeholder: "PATH",
    help: "where the Reflector keeps its changelog",
    parse: text,
    fallback: undefined,
    fallbackText: "change.log in the database's folder",
  }),
  json: jsonOption,
};

export const changesCommand = command({
  name: "changes",
  summary: "print which keys of the local database changed, from the changelog that its Reflector keeps",
  details:
    "A line is: ledger sequence, kind, table, key. Kinds: upsert, delete, clear, drop, schema (the table was made, or has " +
    "more fields), reload (any of its rows may have changed), invalidate (anything may have changed). At the end the " +
    "cursor to go on from is printed to standard error; with --json each line has its own, and says which one is the " +
    "last of its ledger transaction.",
  options,
  examples: [
    "changes --ldb data/ldb",
    "changes -f --table mime/types --ldb data/ldb",
    "changes --since 42@00f1e2d3c4b5a697 --json --ldb data/ldb",
  ],
  async run(context, given) {
    const { openReader } = await import("../../reader/index.ts");
    using reader = openReader({ path: given.ldb, integers: "bigint" });
    const { since = given.follow ? undefined : "oldest", follow, changelogPath } = given;
    const changes = reader.changes({
      ...filterOf(given),
      ...(since === undefined ? {} : { since }),
      ...(changelogPath === undefined ? {} : { changelogPath }),
      follow,
    });
    await printAll(context, changes, given);
    const cursor = changes.cursor ?? since;
    if (cursor !== undefined) context.note(`go on with --since ${cursor}`);
  },
});

function filterOf({ family, table }: OptionValues<typeof options>): { family?: string; table?: string } {
  if (table !== undefined && family !== undefined && family !== table.family) {
    throw new CtlstoreError(
      "config_invalid",
      `Cannot use --family ${family} with a table of ${table.family}`,
    );
  }
  return table ?? (family === undefined ? {} : { family });
}

async function printAll(
  context: CommandContext,
  changes: Changes,
  { follow, json }: OptionValues<typeof options>,
): Promise<void> {
  if (follow) context.stopSignal().addEventListener("abort", () => void changes.return(), { once: true });
  for await (const change of changes) context.out(json ? jsonText(change) : changeLine(change));
}

/** Without columns that would have to be known beforehand: what comes is not. */
function changeLine(change: ChangeEvent): string {
  const begin = `${change.sequence}  ${change.kind.padEnd("upsert".length)}`;
  if (change.kind === "invalidate") return `${begin}  anything may have changed: ${change.reason}`;
  const key = "key" in change ? `  ${change.key.map((part) => shownText(valueText(part))).join(" ")}` : "";
  return `${begin}  ${shownText(`${change.family}/${change.table}`)}${key}`;
}
