/** `ctlstore status`: where the ledger stands, and how far a local database is behind it. */
import { answerOf } from "../answer-of.ts";
import { command } from "../command.ts";
import { option } from "../options.ts";
import { text } from "../parsers.ts";
import { durationText, jsonText, textTable } from "../print.ts";
import { adminTokenOption, executiveOption, jsonOption } from "../shared-options.ts";

export const statusCommand = command({
  name: "status",
  summary: "print where the ledger stands, and how far a local database is behind",
  options: {
    executive: executiveOption,
    adminToken: adminTokenOption,
    ldb: option({
      flag: "ldb",
      placeholder: "DIR",
      help: "also this local database",
      parse: text,
      fallback: undefined,
    }),
    json: jsonOption,
  },
  examples: ["status --admin-token @data/admin-token --ldb data/ldb"],
  async run(context, { executive, adminToken, ldb, json }) {
    const { createClient } = await import("../../client/index.ts");
    const status = await answerOf(executive, createClient(executive, { adminToken }).status.get());
    const local = ldb === undefined ? null : await readLocal(ldb);
    const behind = local === null ? null : BigInt(status.ctldb.headSequence) - local.sequence;
    if (json) {
      context.out(jsonText({ ...status, ...(local === null ? {} : { ldb: { ...local, behind } }) }));
      return;
    }
    const rows = [
      ["executive", `${executive}, ctlstore ${status.version}, up ${status.uptimeSeconds} s`],
      ["ctldb", `${status.ctldb.server} (${status.ctldb.kind}), epoch ${status.ctldb.epoch}`],
      ["head", `sequence ${status.ctldb.headSequence}, schema version ${status.ctldb.schemaVersion}`],
    ];
    if (local !== null) {
      const latency = durationText(local.ledgerLatencySeconds * 1e6);
      rows.push(["ldb", `sequence ${local.sequence}, ${behind} behind, ledger latency ${latency}`]);
    }
    for (const line of textTable(["part", "state"], rows)) context.out(line);
  },
});

async function readLocal(path: string) {
  const { openReader } = await import("../../reader/index.ts");
  using reader = openReader({ path });
  return { sequence: reader.getLastSequence(), ledgerLatencySeconds: reader.getLedgerLatency() };
}
