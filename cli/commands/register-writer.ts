/** `ctlstore register-writer`. */
import { parseWriterName } from "../../core/names.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { jsonText } from "../print.ts";
import { adminTokenOption, executiveOption, jsonOption, secretOption } from "../shared-options.ts";

export const registerWriterCommand = command({
  name: "register-writer",
  summary: "register a writer: the name and secret with which mutations are sent",
  details: "The same name and secret again changes nothing; another secret is refused.",
  arguments: [{ name: "writer", help: "3 to 50 characters" }],
  options: {
    executive: executiveOption,
    adminToken: adminTokenOption,
    secret: secretOption,
    json: jsonOption,
  },
  examples: ["register-writer loader --secret @loader-secret --admin-token @data/admin-token"],
  async run(context, { executive, adminToken, secret, json }, [name]) {
    const writer = parseArgument("WRITER", name, parseWriterName);
    const { createClient } = await import("../../client/index.ts");
    const client = createClient(executive, { adminToken });
    const answer = await answerOf(
      executive,
      client.writers({ writer: encodeURIComponent(writer) }).post(secret),
    );
    context.out(json ? jsonText(answer) : `registered writer ${writer}`);
  },
});
