/** `ctlstore operator create`, `list`, `revoke` and `whoami`: named tokens with roles. */
import { parseOperatorName } from "../../core/names.ts";
import { ROLES } from "../../core/roles.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { type CommandContext, command } from "../command.ts";
import { confirm, yesOption } from "../confirm.ts";
import { SecretFile } from "../new-secret.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { option } from "../options.ts";
import { choice, text } from "../parsers.ts";
import { jsonText, textTable } from "../print.ts";

const operatorArgument = { name: "operator", help: "the operator's name" };
const TOKEN_FILE = "token-file";

export const operatorCreateCommand = command({
  name: "operator create",
  summary: "make a token for a person or a program that operates ctlstore",
  details:
    "The token is printed on standard output, alone and this once, or kept in --token-file. Give it as --admin-token.\n" +
    "Roles: read looks at everything but the audit trail; loader also registers writers; schema creates families and\n" +
    "tables; admin does everything. Once there is an operator, no request is taken without a token.",
  arguments: [{ name: "operator", help: "3 to 50 of letters, digits and . _ @ - between them" }],
  options: {
    ...OPERATOR_OPTIONS,
    role: option({
      flag: "role",
      placeholder: "ROLE",
      help: `one of ${ROLES.join(", ")}`,
      parse: choice(ROLES),
    }),
    tokenFile: option({
      flag: TOKEN_FILE,
      placeholder: "PATH",
      help: "write the token into this new file, which only its owner may read, instead of printing it",
      parse: text,
      fallback: undefined,
    }),
  },
  examples: [
    "operator create alice --role schema --token-file alice-token --admin-token @data/admin-token",
    "operator create grafana --role read --token-file grafana-token --admin-token @data/admin-token",
  ],
  async run(context, options, [name]) {
    const { executive, role, tokenFile, json } = options;
    const operator = parseArgument("OPERATOR", name, parseOperatorName);
    using file = tokenFile === undefined ? null : new SecretFile(TOKEN_FILE, tokenFile);
    const client = await operatorClient(options);
    try {
      const { token, ...answer } = await answerOf(
        executive,
        client.operators({ name: operator }).post({ role }),
      );
      file?.write(token);
      showToken(context, { answer, token, tokenFile }, { json });
    } catch (error) {
      // The Executive makes the token: without its answer there is none.
      file?.remove();
      throw error;
    }
  },
});

function showToken(
  context: CommandContext,
  made: {
    readonly answer: { readonly name: string; readonly role: string };
    readonly token: string;
    readonly tokenFile: string | undefined;
  },
  { json }: { readonly json: boolean },
): void {
  const { answer, token, tokenFile } = made;
  const done = `created operator ${answer.name} with role ${answer.role}`;
  if (json) context.out(jsonText({ ...answer, ...(tokenFile === undefined ? { token } : { tokenFile }) }));
  else if (tokenFile === undefined) {
    context.note(`${done}; its token, which is not shown again:`);
    context.out(token);
  } else context.out(`${done}; its token is in ${tokenFile}`);
}

export const operatorListCommand = command({
  name: "operator list",
  summary: "print the operators and their roles",
  options: OPERATOR_OPTIONS,
  examples: ["operator list --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const answer = await answerOf(options.executive, client.operators.get());
    if (options.json) {
      context.out(jsonText(answer));
      return;
    }
    const rows = answer.operators.map((one) => [one.name, one.role, one.createdAt, one.createdBy]);
    for (const line of textTable(["operator", "role", "created", "by"], rows)) context.out(line);
  },
});

export const operatorRevokeCommand = command({
  name: "operator revoke",
  summary: "make an operator's token invalid",
  details: "Executives refuse it within a second.",
  arguments: [operatorArgument],
  options: { ...OPERATOR_OPTIONS, yes: yesOption },
  examples: ["operator revoke alice --yes --admin-token @data/admin-token"],
  async run(context, options, [name]) {
    const operator = parseArgument("OPERATOR", name, parseOperatorName);
    await confirm(context, options, `revoke operator ${operator}`);
    const client = await operatorClient(options);
    const answer = await answerOf(options.executive, client.operators({ name: operator }).delete());
    context.out(options.json ? jsonText(answer) : `revoked operator ${operator}`);
  },
});

export const operatorWhoamiCommand = command({
  name: "operator whoami",
  summary: "print whose token this is, and its role",
  options: OPERATOR_OPTIONS,
  examples: ["operator whoami --admin-token @alice-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const answer = await answerOf(options.executive, client.whoami.get());
    context.out(options.json ? jsonText(answer) : `${answer.name}, role ${answer.role}`);
  },
});
