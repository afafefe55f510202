/** `ctlstore ldb verify`: compares the rows of a local database with those of the central one (D9). */
import { VERIFY_LIMITS } from "../../core/limits.ts";
import { command } from "../command.ts";
import { progressNotes } from "../compare-progress.ts";
import { CommandFailure } from "../failure.ts";
import { option, switchOption } from "../options.ts";
import { integer } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { ctldbOption, differencesOption, jsonOption, ldbOption } from "../shared-options.ts";
import { verifyJson, verifyLines, verifyVerdict } from "../verify-answer.ts";

export const ldbVerifyCommand = command({
  name: "ldb verify",
  summary: "compare every row of the local database with the central one",
  details:
    "Reads both while they are in use and changes neither. `ctlstore diff` finds the same, for single tables too and between two local databases, and shows values.\n" +
    "Exits 0 when all tables are equal, 1 when one is not or could not be compared.",
  options: {
    ldb: ldbOption,
    ctldb: ctldbOption,
    timeout: option({
      flag: "timeout",
      placeholder: "SECONDS",
      help: "how long to look again at what is changed meanwhile",
      parse: integer({ min: 0, max: 86_400 }),
      fallback: VERIFY_LIMITS.timeoutSeconds,
    }),
    differences: differencesOption,
    values: switchOption({
      flag: "values",
      help: "show the values of differing fields too, not only names and keys",
    }),
    json: jsonOption,
  },
  examples: [
    "ldb verify --ldb data/ldb --ctldb sqlite:data/ctldb.db",
    "ldb verify --ctldb @replica-url --json",
  ],
  async run(context, { ldb, ctldb, timeout, differences, values, json, logLevel }) {
    const { openRowSource } = await import("../../ctldb/open.ts");
    const { verifyLdb } = await import("../../verify/verify-ldb.ts");
    await using source = openRowSource(ctldb);
    const report = await verifyLdb(
      { source, clock: context.clock, logger: context.logger("verify", logLevel) },
      {
        ldbFolder: ldb,
        timeoutSeconds: timeout,
        shownDifferences: differences,
        onProgress: progressNotes(context),
      },
    );
    for (const warning of report.warnings) context.note(`warning: ${warning}`);
    if (json) context.out(jsonText(verifyJson(report, { values })));
    else for (const line of verifyLines(report, { values })) context.out(line);
    if (!report.equal) throw new CommandFailure(verifyVerdict(report));
  },
});
