/** `ctlstore writer list`, `show`, `grant` and `revoke`: who may write what. */
import { CtlstoreError } from "../../core/errors.ts";
import { type FamilyName, parseFamilyName, parseWriterName } from "../../core/names.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { confirm, yesOption } from "../confirm.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { switchOption } from "../options.ts";
import { jsonText } from "../print.ts";
import { grantsText, writerLines } from "../writer-answer.ts";

const writerArgument = { name: "writer", help: "the writer's name" };

export const writerListCommand = command({
  name: "writer list",
  summary: "print the writers: the families that they may write, and what is known of their secrets",
  options: OPERATOR_OPTIONS,
  examples: ["writer list --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const answer = await answerOf(options.executive, client.writers.get());
    if (options.json) context.out(jsonText(answer));
    else for (const line of writerLines(answer.writers)) context.out(line);
  },
});

export const writerShowCommand = command({
  name: "writer show",
  summary: "print one writer",
  arguments: [writerArgument],
  options: OPERATOR_OPTIONS,
  examples: ["writer show importer --admin-token @data/admin-token"],
  async run(context, options, [name]) {
    const writer = parseArgument("WRITER", name, parseWriterName);
    const client = await operatorClient(options);
    const call = client.writers({ writer: encodeURIComponent(writer) }).get();
    const answer = await answerOf(options.executive, call);
    if (options.json) context.out(jsonText(answer));
    else for (const line of writerLines([answer])) context.out(line);
  },
});

export const writerGrantCommand = command({
  name: "writer grant",
  summary: "say which families a writer may write: these and no others",
  details:
    "It replaces what was granted before. A writer to whom nothing was ever granted may write every family, or none\n" +
    "where the Executive was started with --require-grants; --all brings that back.",
  arguments: [writerArgument, { name: "family", help: "the families", kind: "optional-list" }],
  options: {
    ...OPERATOR_OPTIONS,
    all: switchOption({ flag: "all", help: "take all grants back, as if none had ever been given" }),
    none: switchOption({ flag: "none", help: "let it write no family at all" }),
  },
  examples: [
    "writer grant importer shop billing --admin-token @data/admin-token",
    "writer grant importer --all --admin-token @data/admin-token",
  ],
  async run(context, options, [name, ...names]) {
    const writer = parseArgument("WRITER", name, parseWriterName);
    const families = grantsOf(names, options);
    const client = await operatorClient(options);
    const route = client.writers({ writer: encodeURIComponent(writer) }).grants;
    const answer = await answerOf(options.executive, route.put({ families }));
    context.out(
      options.json ? jsonText(answer) : `families that ${writer} may write: ${grantsText(answer.grants)}`,
    );
  },
});

function grantsOf(
  names: readonly string[],
  { all, none }: { readonly all: boolean; readonly none: boolean },
): FamilyName[] | null {
  const ways = [names.length > 0, all, none].filter(Boolean).length;
  if (ways !== 1) {
    throw new CtlstoreError(
      "config_invalid",
      "Cannot tell what to grant: it needs one of a list of families, --all and --none",
    );
  }
  return all ? null : names.map((family) => parseArgument("FAMILY", family, parseFamilyName));
}

export const writerRevokeCommand = command({
  name: "writer revoke",
  summary: "make every secret of a writer invalid; its cookie stays",
  details:
    "Executives refuse it within a second. `ctlstore writer rotate` makes it valid again, with a new secret.",
  arguments: [writerArgument],
  options: { ...OPERATOR_OPTIONS, yes: yesOption },
  examples: ["writer revoke importer --yes --admin-token @data/admin-token"],
  async run(context, options, [name]) {
    const writer = parseArgument("WRITER", name, parseWriterName);
    await confirm(context, options, `revoke writer ${writer}`);
    const client = await operatorClient(options);
    const call = client.writers({ writer: encodeURIComponent(writer) }).delete();
    const answer = await answerOf(options.executive, call);
    context.out(options.json ? jsonText(answer) : `revoked writer ${writer}`);
  },
});
