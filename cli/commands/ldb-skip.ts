/** `ctlstore ldb skip`: lets one local database pass over a ledger entry that it cannot apply (D10). */
import { toSequence } from "../../core/sequence.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { option } from "../options.ts";
import { text } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { jsonOption, ldbOption } from "../shared-options.ts";

export const ldbSkipCommand = command({
  name: "ldb skip",
  summary: "let this local database pass over one ledger entry that it cannot apply",
  details:
    "Stop the Reflector first. From then on this local database differs from the central one; it is recorded in it\n" +
    "and shown in its status for ever.",
  arguments: [{ name: "sequence", help: "of the entry, as the Reflector's status says" }],
  options: {
    ldb: ldbOption,
    reason: option({
      flag: "reason",
      placeholder: "TEXT",
      help: "why, for whoever reads the status later",
      parse: text,
      fallback: "none given",
    }),
    json: jsonOption,
  },
  examples: ["ldb skip 1234 --ldb /var/spool/ctlstore --reason 'entry written by hand, ticket 77'"],
  async run(context, { ldb, reason, json, logLevel }, [wanted]) {
    const sequence = parseArgument("SEQUENCE", wanted, toSequence);
    const { skipStatement } = await import("../../reflector/skip.ts");
    const deps = { clock: context.clock, logger: context.logger("ldb", logLevel) };
    const result = skipStatement(deps, { ldbFolder: ldb, sequence, reason });
    context.out(
      json
        ? jsonText(result)
        : `ledger entry ${sequence} will be passed over; the local database is at ${result.ldbSequence}. Start the Reflector again.`,
    );
  },
});
