/** `ctlstore add-fields`. */
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { tablePath } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { adminTokenOption, executiveOption, jsonOption } from "../shared-options.ts";
import { fieldOption } from "./create-table.ts";

export const addFieldsCommand = command({
  name: "add-fields",
  summary: "add fields to a table; they are null in the rows that exist",
  arguments: [{ name: "family/table", help: "the table" }],
  options: {
    executive: executiveOption,
    adminToken: adminTokenOption,
    field: fieldOption,
    json: jsonOption,
  },
  examples: ["add-fields shop/prices --field currency:string --admin-token @data/admin-token"],
  async run(context, { executive, adminToken, field, json }, [path]) {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const { createClient } = await import("../../client/index.ts");
    const client = createClient(executive, { adminToken });
    const body = { fields: field.map(([name, type]): [string, string] => [name, type]) };
    const answer = await answerOf(executive, client.families({ family }).tables({ table }).put(body));
    context.out(
      json
        ? jsonText(answer)
        : `added ${field.length} field(s) to ${family}/${table} at sequence ${answer.sequence}`,
    );
  },
});
