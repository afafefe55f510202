/** `ctlstore diff`: what differs between a local database and the central one, or another local one, value by value (D9). */
import { CtlstoreError } from "../../core/errors.ts";
import { VERIFY_LIMITS } from "../../core/limits.ts";
import { ldbTableName } from "../../core/names.ts";
import type { VerifyReport } from "../../verify/report.ts";
import { parseArgument } from "../arguments.ts";
import { type CommandContext, type CommonValues, command } from "../command.ts";
import { progressNotes } from "../compare-progress.ts";
import { diffJson, diffLines, diffVerdict, equalLine, type OtherSide } from "../diff-answer.ts";
import { CommandFailure } from "../failure.ts";
import { type OptionValues, option } from "../options.ts";
import { integer, tablePath, text } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { differencesOption, jsonOption, ldbOption, optionalCtldbOption } from "../shared-options.ts";

const OPTIONS = {
  ldb: ldbOption,
  ctldb: optionalCtldbOption,
  withLdb: option<string, undefined>({
    flag: "with-ldb",
    placeholder: "PATH",
    help: "compare with this local database, a folder or a file, in place of the ctldb",
    parse: text,
    fallback: undefined,
    onlyFlag: true,
  }),
  timeout: option<number, undefined>({
    flag: "timeout",
    placeholder: "SECONDS",
    help: `how long to look again at what is changed meanwhile (${VERIFY_LIMITS.timeoutSeconds} unless given); of two local databases, to wait until they are at one sequence (${VERIFY_LIMITS.pairSeconds})`,
    parse: integer({ min: 0, max: 86_400 }),
    fallback: undefined,
  }),
  differences: differencesOption,
  json: jsonOption,
};

export const diffCommand = command({
  name: "diff",
  summary: "show which rows of the local database differ from the central one, or from another local one",
  details:
    "Each table is compared by one digest of each side, and row by row only where these differ. Of a row that differs: key, field, value in the local database → value in the other.\n" +
    "It is the comparison of `ctlstore ldb verify`, which says of every table how it stands and shows no values: that is for checks of a host, this for finding out what is wrong.\n" +
    "Exits 0 when all is equal, 1 when something differs or could not be compared.",
  arguments: [{ name: "family/table", help: "only these tables", kind: "optional-list" }],
  options: OPTIONS,
  examples: [
    "diff --ldb data/ldb --ctldb sqlite:data/ctldb.db",
    "diff shop/prices shop/items --ctldb @replica-url --json",
    "diff --ldb /var/spool/ctlstore --with-ldb ./ldb-of-another-host.db",
  ],
  async run(context, options, paths) {
    const { report, other } = await compared(context, options, paths);
    for (const warning of report.warnings) context.note(`warning: ${warning}`);
    if (options.json) context.out(jsonText(diffJson(report)));
    else if (report.equal) context.out(equalLine(report, other));
    else for (const line of diffLines(report, other)) context.out(line);
    if (!report.equal) throw new CommandFailure(diffVerdict(report));
  },
});

async function compared(
  context: CommandContext,
  options: OptionValues<typeof OPTIONS> & CommonValues,
  paths: readonly string[],
): Promise<{ readonly report: VerifyReport; readonly other: OtherSide }> {
  const named = paths.map((path) => {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    return ldbTableName(family, table);
  });
  const tables = named.length === 0 ? {} : { tables: named };
  const onProgress = context.watched ? progressNotes(context) : () => {};
  const shared = { ...tables, onProgress, shownDifferences: options.differences };
  const { ldb, ctldb, withLdb, timeout } = options;
  if (withLdb !== undefined) {
    const { compareLdbs } = await import("../../verify/compare-ldbs.ts");
    const timeoutSeconds = timeout ?? VERIFY_LIMITS.pairSeconds;
    const report = await compareLdbs(context.clock, { ...shared, ldb, other: withLdb, timeoutSeconds });
    return { report, other: "the other" };
  }
  if (ctldb === undefined) throw neither();
  const { openRowSource } = await import("../../ctldb/open.ts");
  const { verifyLdb } = await import("../../verify/verify-ldb.ts");
  await using source = openRowSource(ctldb);
  const report = await verifyLdb(
    { source, clock: context.clock, logger: context.logger("diff", options.logLevel) },
    { ...shared, ldbFolder: ldb, timeoutSeconds: timeout ?? VERIFY_LIMITS.timeoutSeconds },
  );
  return { report, other: "the ctldb" };
}

function neither(): CtlstoreError {
  return new CtlstoreError(
    "config_invalid",
    "Cannot compare: neither --ctldb nor --with-ldb is given; one is needed",
    {
      hint: "give --ctldb URL or set CTLSTORE_CTLDB; --with-ldb PATH compares two local databases",
    },
  );
}
