/** `ctlstore writer rotate`: a new secret, while the old one is valid for a while (R45). */
import { ACCESS_LIMITS } from "../../core/limits.ts";
import { parseWriterName } from "../../core/names.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { secretFileOption, sendNewSecret } from "../new-secret.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { option } from "../options.ts";
import { duration, durationForm, text } from "../parsers.ts";
import { showSecret } from "../writer-answer.ts";

const { default: usual, min, max } = ACCESS_LIMITS.secretOverlapSeconds;

export const writerRotateCommand = command({
  name: "writer rotate",
  summary: "give a writer a new secret; the old one stays valid for a while",
  details:
    "Without --new-secret one is made: it is printed on standard output, alone and this once, or kept in --secret-file.\n" +
    "A revoked writer is valid again with it. The secret that it has already changes nothing.\n" +
    "Beside the new secret only one old one is valid: to rotate twice within the overlap ends the oldest at once.",
  arguments: [{ name: "writer", help: "the writer's name" }],
  options: {
    ...OPERATOR_OPTIONS,
    // Not --secret: an operator's environment may have CTLSTORE_SECRET, which is the one to be replaced.
    newSecret: option<string, undefined>({
      flag: "new-secret",
      placeholder: "SECRET",
      help: "the new secret; @FILE reads it from a file",
      parse: text,
      fallback: undefined,
      secret: true,
    }),
    secretFile: secretFileOption,
    overlap: option({
      flag: "overlap",
      placeholder: "TIME",
      help: "how long the old secret stays valid, such as 1h; 0s ends it at once, as when it leaked",
      parse: duration({ min: min * 1000, max: max * 1000 }),
      fallback: usual * 1000,
      fallbackText: durationForm(usual * 1000),
    }),
  },
  examples: [
    "writer rotate importer --secret-file importer-secret --admin-token @data/admin-token",
    "writer rotate importer --overlap 2h --admin-token @data/admin-token",
  ],
  async run(context, options, [name]) {
    const { executive, newSecret: given, secretFile: file } = options;
    const writer = parseArgument("WRITER", name, parseWriterName);
    const client = await operatorClient(options);
    const route = client.writers({ writer: encodeURIComponent(writer) }).secret;
    const query = { overlap: `${Math.ceil(options.overlap / 1000)}s` };
    const { answer, shown } = await sendNewSecret(context, { given, file, flag: "new-secret" }, (secret) =>
      answerOf(executive, route.post(secret, { query })),
    );
    const until = answer.previousSecretUntil;
    const done = `${writer} has a new secret; ${until === null ? "no other is valid" : `the old one is valid until ${until}`}`;
    showSecret(context, { answer, shown, file, done }, options);
  },
});
