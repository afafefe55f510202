/** `ctlstore create-table`. */
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { dryRunOption, dryRunQuery, isPreview, showPreview } from "../change-preview.ts";
import { command } from "../command.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { listOption } from "../options.ts";
import { fieldDeclaration, tablePath, text } from "../parsers.ts";
import { jsonText } from "../print.ts";

export const fieldOption = listOption({
  flag: "field",
  placeholder: "NAME:TYPE",
  help: "a field; types are string, integer, decimal, text, binary, bytestring",
  parse: fieldDeclaration,
  required: true,
});

export const createTableCommand = command({
  name: "create-table",
  summary: "create a table in a family",
  arguments: [{ name: "family/table", help: "the new table" }],
  options: {
    ...OPERATOR_OPTIONS,
    field: fieldOption,
    key: listOption({
      flag: "key",
      placeholder: "FIELD",
      help: "a field of the primary key, in key order",
      parse: text,
      required: true,
    }),
    dryRun: dryRunOption,
  },
  examples: [
    "create-table shop/prices --field sku:string --field price:decimal --key sku --admin-token @data/admin-token",
    "create-table shop/prices --field sku:string --key sku --dry-run",
  ],
  async run(context, options, [path]) {
    const { executive, field, key, json } = options;
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const client = await operatorClient(options);
    const body = { fields: field.map(([name, type]): [string, string] => [name, type]), keyFields: [...key] };
    const query = await dryRunQuery(client, options);
    const call = client.families({ family }).tables({ table }).post(body, query);
    const answer = await answerOf(executive, call);
    if (isPreview(answer)) return showPreview(context, answer, options);
    context.out(json ? jsonText(answer) : `created table ${family}/${table} at sequence ${answer.sequence}`);
  },
});
