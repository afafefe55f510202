/** `ctlstore ldb status`: what is in a local database, read beside a running Reflector and without any other service. */
import { realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import { bunDriver } from "../../ldb/drivers/bun.ts";
import { currentLdb } from "../../ldb/generations.ts";
import { LDB_FILE_NAME } from "../../ldb/layout.ts";
import { command } from "../command.ts";
import { durationText, jsonText, textTable } from "../print.ts";
import { jsonOption, ldbOption } from "../shared-options.ts";

interface Skip {
  readonly sequence: unknown;
  readonly reason: unknown;
  readonly skippedAt: unknown;
}

export const ldbStatusCommand = command({
  name: "ldb status",
  summary: "print how far the local database is, its age, its tables, and what it passed over",
  options: { ldb: ldbOption, json: jsonOption },
  examples: ["ldb status --ldb data/ldb", "ldb status --json"],
  async run(context, { ldb, json }) {
    const { ldbFilePath } = await import("../../reader/followed-ldb.ts");
    const { openReader } = await import("../../reader/index.ts");
    using reader = openReader({ path: ldb });
    const path = ldbFilePath(ldb);
    const status = {
      kind: basename(path) === LDB_FILE_NAME ? currentLdb(dirname(path)).kind : "plain",
      sequence: reader.getLastSequence(),
      ledgerLatencySeconds: reader.getLedgerLatency(),
      tables: reader.tables().map(({ family, table }) => `${family}/${table}`),
      skips: readSkips(realpathSync(path)),
    };
    if (json) {
      context.out(jsonText(status));
      return;
    }
    const rows = [
      ["sequence", String(status.sequence)],
      ["ledger latency", durationText(status.ledgerLatencySeconds * 1e6)],
      ["tables", status.tables.join(", ")],
      ...status.skips.map((skip) => ["passed over", `${skip.sequence} on ${skip.skippedAt}: ${skip.reason}`]),
    ];
    for (const line of textTable(["what", "value"], rows)) context.out(line);
  },
});

/** An LDB made by the original has no such table. */
function readSkips(path: string): Skip[] {
  const connection = bunDriver.open(path);
  try {
    const named = connection.prepare("SELECT 1 AS found FROM sqlite_schema WHERE name = '_ldb_skips'", false);
    if (named.get() === undefined) return [];
    const skips = connection.prepare("SELECT seq, reason, skipped_at FROM _ldb_skips ORDER BY seq", true);
    return skips.all().map((row) => ({
      sequence: row["seq"],
      reason: row["reason"],
      skippedAt: row["skipped_at"],
    }));
  } finally {
    connection.close();
  }
}
