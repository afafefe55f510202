/** `ctlstore register-writer`. */
import { parseWriterName } from "../../core/names.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { secretFileOption, sendNewSecret } from "../new-secret.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { optionalSecretOption } from "../shared-options.ts";
import { answerOrRotate, showSecret } from "../writer-answer.ts";

export const registerWriterCommand = command({
  name: "register-writer",
  summary: "register a writer: the name and secret with which mutations are sent",
  details:
    "Without --secret one is made: it is printed on standard output, alone and this once, or kept in --secret-file.\n" +
    "The same name and secret again changes nothing; another secret is refused.",
  arguments: [{ name: "writer", help: "3 to 50 characters" }],
  options: { ...OPERATOR_OPTIONS, secret: optionalSecretOption, secretFile: secretFileOption },
  examples: [
    "register-writer importer --secret-file importer-secret --admin-token @data/admin-token",
    "register-writer loader --secret @loader-secret --admin-token @data/admin-token",
  ],
  async run(context, options, [name]) {
    const { executive, secret: given, secretFile: file } = options;
    const writer = parseArgument("WRITER", name, parseWriterName);
    const client = await operatorClient(options);
    const route = client.writers({ writer: encodeURIComponent(writer) });
    const { answer, shown } = await sendNewSecret(context, { given, file, flag: "secret" }, (secret) =>
      answerOrRotate(executive, writer, route.post(secret)),
    );
    showSecret(context, { answer, shown, file, done: `registered writer ${writer}` }, options);
  },
});
