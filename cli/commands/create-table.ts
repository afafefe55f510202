/** `ctlstore create-table`. */
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { listOption } from "../options.ts";
import { fieldDeclaration, tablePath, text } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { adminTokenOption, executiveOption, jsonOption } from "../shared-options.ts";

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
    executive: executiveOption,
    adminToken: adminTokenOption,
    field: fieldOption,
    key: listOption({
      flag: "key",
      placeholder: "FIELD",
      help: "a field of the primary key, in key order",
      parse: text,
      required: true,
    }),
    json: jsonOption,
  },
  examples: [
    "create-table shop/prices --field sku:string --field price:decimal --key sku --admin-token @data/admin-token",
  ],
  async run(context, { executive, adminToken, field, key, json }, [path]) {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const { createClient } = await import("../../client/index.ts");
    const client = createClient(executive, { adminToken });
    const body = { fields: field.map(([name, type]): [string, string] => [name, type]), keyFields: [...key] };
    const answer = await answerOf(executive, client.families({ family }).tables({ table }).post(body));
    context.out(json ? jsonText(answer) : `created table ${family}/${table} at sequence ${answer.sequence}`);
  },
});
