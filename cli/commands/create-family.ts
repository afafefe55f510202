/** `ctlstore create-family`. */
import { parseFamilyName } from "../../core/names.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { dryRunOption, dryRunQuery, isPreview, showPreview } from "../change-preview.ts";
import { command } from "../command.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { jsonText } from "../print.ts";

export const createFamilyCommand = command({
  name: "create-family",
  summary: "create a family, the namespace of tables",
  arguments: [{ name: "family", help: "3 to 30 letters, digits and single underscores" }],
  options: { ...OPERATOR_OPTIONS, dryRun: dryRunOption },
  examples: ["create-family shop --admin-token @data/admin-token"],
  async run(context, options, [name]) {
    const { executive, json } = options;
    const family = parseArgument("FAMILY", name, parseFamilyName);
    const client = await operatorClient(options);
    const query = await dryRunQuery(client, options);
    const answer = await answerOf(executive, client.families({ family }).post(undefined, query));
    if (isPreview(answer)) return showPreview(context, answer, options);
    context.out(json ? jsonText(answer) : `created family ${family}`);
  },
});
