/** `ctlstore add-fields`. */
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { dryRunOption, dryRunQuery, isPreview, showPreview } from "../change-preview.ts";
import { command } from "../command.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { tablePath } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { fieldOption } from "./create-table.ts";

export const addFieldsCommand = command({
  name: "add-fields",
  summary: "add fields to a table; they are null in the rows that exist",
  arguments: [{ name: "family/table", help: "the table" }],
  options: { ...OPERATOR_OPTIONS, field: fieldOption, dryRun: dryRunOption },
  examples: [
    "add-fields shop/prices --field currency:string --admin-token @data/admin-token",
    "add-fields shop/prices --field currency:string --dry-run",
  ],
  async run(context, options, [path]) {
    const { executive, field, json } = options;
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const client = await operatorClient(options);
    const body = { fields: field.map(([name, type]): [string, string] => [name, type]) };
    const query = await dryRunQuery(client, options);
    const call = client.families({ family }).tables({ table }).put(body, query);
    const answer = await answerOf(executive, call);
    if (isPreview(answer)) return showPreview(context, answer, options);
    context.out(
      json
        ? jsonText(answer)
        : `added ${field.length} field(s) to ${family}/${table} at sequence ${answer.sequence}`,
    );
  },
});
