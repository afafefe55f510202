/** `ctlstore reader declare`, `withdraw` and `list`: who reads a table, for whoever is going to change it. */
import { parseOperatorName } from "../../core/names.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { option } from "../options.ts";
import { tablePath, text } from "../parsers.ts";
import { jsonText, textTable } from "../print.ts";

const tableArgument = { name: "family/table", help: "the table" };

const readerOption = option({
  flag: "reader",
  placeholder: "NAME",
  help: "the service that reads it",
  parse: parseOperatorName,
});

export const readerDeclareCommand = command({
  name: "reader declare",
  summary: "say that a service reads a table, so that whoever changes the table can ask its people",
  details: "Nothing is enforced: dry runs of changes show it. Again replaces the contact.",
  arguments: [tableArgument],
  options: {
    ...OPERATOR_OPTIONS,
    reader: readerOption,
    contact: option<string, undefined>({
      flag: "contact",
      placeholder: "TEXT",
      help: "where to reach its people: a channel, an address",
      parse: text,
      fallback: undefined,
    }),
  },
  examples: [
    "reader declare shop/prices --reader checkout --contact '#team-checkout' --admin-token @data/admin-token",
  ],
  async run(context, options, [path]) {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const { reader, contact } = options;
    const client = await operatorClient(options);
    const route = client.families({ family }).tables({ table }).readers({ reader });
    const answer = await answerOf(options.executive, route.put(contact === undefined ? {} : { contact }));
    context.out(options.json ? jsonText(answer) : `${reader} reads ${family}/${table}`);
  },
});

export const readerWithdrawCommand = command({
  name: "reader withdraw",
  summary: "say that a service no longer reads a table",
  arguments: [tableArgument],
  options: { ...OPERATOR_OPTIONS, reader: readerOption },
  examples: ["reader withdraw shop/prices --reader checkout --admin-token @data/admin-token"],
  async run(context, options, [path]) {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const { reader } = options;
    const client = await operatorClient(options);
    const call = client.families({ family }).tables({ table }).readers({ reader }).delete();
    const answer = await answerOf(options.executive, call);
    context.out(options.json ? jsonText(answer) : `${reader} no longer reads ${family}/${table}`);
  },
});

export const readerListCommand = command({
  name: "reader list",
  summary: "print the services that were declared to read a table",
  arguments: [tableArgument],
  options: OPERATOR_OPTIONS,
  examples: ["reader list shop/prices --admin-token @data/admin-token"],
  async run(context, options, [path]) {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const client = await operatorClient(options);
    const call = client.families({ family }).tables({ table }).readers.get();
    const answer = await answerOf(options.executive, call);
    if (options.json) {
      context.out(jsonText(answer));
      return;
    }
    const rows = answer.readers.map((one) => [
      one.reader,
      one.contact ?? "-",
      one.declaredAt,
      one.declaredBy,
    ]);
    for (const line of textTable(["reader", "contact", "declared", "by"], rows)) context.out(line);
  },
});
