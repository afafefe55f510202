/** `ctlstore read-seq`: how far the local database is. */

import { toSequence } from "../../core/sequence.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { option } from "../options.ts";
import { integer } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { jsonOption, ldbOption } from "../shared-options.ts";

export const readSeqCommand = command({
  name: "read-seq",
  summary: "print the sequence of the local database, or wait until it has one",
  arguments: [{ name: "sequence", help: "wait until the local database holds this one", kind: "optional" }],
  options: {
    ldb: ldbOption,
    timeoutMs: option({
      flag: "timeout-ms",
      placeholder: "MS",
      help: "how long to wait",
      parse: integer({ min: 1, max: 86_400_000 }),
      fallback: 30_000,
    }),
    json: jsonOption,
  },
  examples: ["read-seq --ldb data/ldb", "read-seq 1234 --ldb data/ldb --timeout-ms 5000"],
  async run(context, { ldb, timeoutMs, json }, [wanted]) {
    const { openReader } = await import("../../reader/index.ts");
    using reader = openReader({ path: ldb });
    if (wanted !== undefined)
      await reader.waitFor(parseArgument("SEQUENCE", wanted, toSequence), { timeoutMs });
    const sequence = reader.getLastSequence();
    context.out(
      json ? jsonText({ sequence, ledgerLatencySeconds: reader.getLedgerLatency() }) : String(sequence),
    );
  },
});
