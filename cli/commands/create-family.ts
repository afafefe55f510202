/** `ctlstore create-family`. */
import { parseFamilyName } from "../../core/names.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { jsonText } from "../print.ts";
import { adminTokenOption, executiveOption, jsonOption } from "../shared-options.ts";

export const createFamilyCommand = command({
  name: "create-family",
  summary: "create a family, the namespace of tables",
  arguments: [{ name: "family", help: "3 to 30 letters, digits and single underscores" }],
  options: { executive: executiveOption, adminToken: adminTokenOption, json: jsonOption },
  examples: ["create-family shop --admin-token @data/admin-token"],
  async run(context, { executive, adminToken, json }, [name]) {
    const family = parseArgument("FAMILY", name, parseFamilyName);
    const { createClient } = await import("../../client/index.ts");
    const client = createClient(executive, { adminToken });
    const answer = await answerOf(executive, client.families({ family }).post());
    context.out(json ? jsonText(answer) : `created family ${family}`);
  },
});
