/** `ctlstore status`: where the ledger stands, how far a local database is behind it, and which limits are nearly used up. */
import type { Client } from "../../client/index.ts";
import { isCtlstoreError } from "../../core/errors.ts";
import { answerOf } from "../answer-of.ts";
import { command } from "../command.ts";
import { NEAR_PERCENT, type NearLimit, nearLimits, nearLimitText } from "../limits-answer.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { option } from "../options.ts";
import { text } from "../parsers.ts";
import { durationText, jsonText, textTable } from "../print.ts";

export const statusCommand = command({
  name: "status",
  summary: "print where the ledger stands, and how far a local database is behind",
  details: `It also names writers and tables that have used ${NEAR_PERCENT} % of a limit, or more.`,
  options: {
    ...OPERATOR_OPTIONS,
    ldb: option({
      flag: "ldb",
      placeholder: "DIR",
      help: "also this local database",
      parse: text,
      fallback: undefined,
    }),
  },
  examples: ["status --admin-token @data/admin-token --ldb data/ldb"],
  async run(context, options) {
    const { executive, ldb, json } = options;
    const client = await operatorClient(options);
    const [status, near] = await Promise.all([
      answerOf(executive, client.status.get()),
      findNearLimits(client, executive),
    ]);
    const local = ldb === undefined ? null : await readLocal(ldb);
    const behind = local === null ? null : BigInt(status.ctldb.headSequence) - local.sequence;
    if (json) {
      const ofLdb = local === null ? {} : { ldb: { ...local, behind } };
      context.out(jsonText({ ...status, nearLimits: near, ...ofLdb }));
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
    for (const one of near) rows.push(["limit", nearLimitText(one)]);
    for (const line of textTable(["part", "state"], rows)) context.out(line);
  },
});

async function findNearLimits(client: Client, executive: string): Promise<NearLimit[]> {
  try {
    const { usage, sizes } = client.limits;
    return nearLimits(await answerOf(executive, usage.get()), await answerOf(executive, sizes.get()));
  } catch (error) {
    // An Executive of before has no limits.
    if (isCtlstoreError(error) && error.code === "unknown_route") return [];
    throw error;
  }
}

async function readLocal(path: string) {
  const { openReader } = await import("../../reader/index.ts");
  using reader = openReader({ path });
  return { sequence: reader.getLastSequence(), ledgerLatencySeconds: reader.getLedgerLatency() };
}
