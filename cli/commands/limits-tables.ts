/** `ctlstore limits tables`, and `set` and `reset` in it: how large tables may become. */
import { sequenceToJson } from "../../core/sequence.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { tableLimitLines } from "../limits-answer.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { option } from "../options.ts";
import { byteSize, tablePath } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { bytesText } from "../snapshot-answer.ts";

const tableArgument = { name: "family/table", help: "the table" };

export const limitsTablesCommand = command({
  name: "limits tables",
  summary: "print the size limits of tables: the default, and those of their own",
  options: OPERATOR_OPTIONS,
  examples: ["limits tables --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const answer = await answerOf(options.executive, client.limits.tables.get());
    if (options.json) context.out(jsonText(answer));
    else for (const line of tableLimitLines(answer)) context.out(line);
  },
});

export const limitsTablesSetCommand = command({
  name: "limits tables set",
  summary: "give a table a size limit of its own",
  details:
    "Over the warning size there is a log line, a metric and a call of the webhook; over the largest size what would\n" +
    "make the table grow is refused, while deletes and what shrinks it pass.",
  arguments: [tableArgument],
  options: {
    ...OPERATOR_OPTIONS,
    max: option({
      flag: "max",
      placeholder: "BYTES",
      help: "the largest size, such as 200MiB",
      parse: byteSize,
    }),
    warn: option<bigint, undefined>({
      flag: "warn",
      placeholder: "BYTES",
      help: "the warning size; half of --max unless given",
      parse: byteSize,
      fallback: undefined,
    }),
  },
  examples: ["limits tables set shop/prices --max 200MiB --warn 150MiB --admin-token @data/admin-token"],
  async run(context, options, [path]) {
    const { max, warn = max / 2n, executive, json } = options;
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const client = await operatorClient(options);
    const body = { "max-size": sequenceToJson(max), "warn-size": sequenceToJson(warn) };
    const answer = await answerOf(executive, client.limits.tables({ family })({ table }).post(body));
    const sizes = `warning at ${bytesText(Number(warn))}, largest ${bytesText(Number(max))}`;
    context.out(json ? jsonText(answer) : `${family}/${table}: ${sizes}`);
  },
});

export const limitsTablesResetCommand = command({
  name: "limits tables reset",
  summary: "put a table back to the default size limit",
  arguments: [tableArgument],
  options: OPERATOR_OPTIONS,
  examples: ["limits tables reset shop/prices --admin-token @data/admin-token"],
  async run(context, options, [path]) {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const client = await operatorClient(options);
    const answer = await answerOf(options.executive, client.limits.tables({ family })({ table }).delete());
    context.out(options.json ? jsonText(answer) : `${family}/${table} has the default size limit`);
  },
});
