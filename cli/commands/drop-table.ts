/** `ctlstore drop-table`. */
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { tablePath } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { adminTokenOption, executiveOption, jsonOption } from "../shared-options.ts";

export const dropTableCommand = command({
  name: "drop-table",
  summary: "drop a table with all of its rows, here and on every host",
  details: "The Executive refuses it unless it was started with --destructive-schema-changes.",
  arguments: [{ name: "family/table", help: "the table" }],
  options: { executive: executiveOption, adminToken: adminTokenOption, json: jsonOption },
  examples: ["drop-table shop/prices --admin-token @data/admin-token"],
  async run(context, { executive, adminToken, json }, [path]) {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const { createClient } = await import("../../client/index.ts");
    const client = createClient(executive, { adminToken });
    const answer = await answerOf(executive, client.families({ family }).tables({ table }).delete());
    context.out(json ? jsonText(answer) : `dropped table ${family}/${table} at sequence ${answer.sequence}`);
  },
});
