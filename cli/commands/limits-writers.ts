/** `ctlstore limits writers` and `limits fleet`, and `set` and `reset` in them: rows and bytes in a minute. */
import { sequenceToJson } from "../../core/sequence.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { fleetRateLines, rateCells, writerRateLines } from "../limits-answer.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { option } from "../options.ts";
import { text } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { bytesRate, isUnlimited, rowsRate } from "../rate-options.ts";

const writerArgument = {
  name: "writer",
  help: "a name, or the beginning of names and *: then each writer whose name begins so has the limit for itself",
};

const rowsDeclaration = {
  flag: "rows",
  placeholder: "N/PERIOD",
  help: "rows in a period, such as 60000/1m; none is no limit",
  parse: rowsRate,
};

const bytesOption = option<bigint | null, null>({
  flag: "bytes",
  placeholder: "BYTES/PERIOD",
  help: "bytes of ledger statements in a period, such as 64MiB/1m; none is no limit",
  parse: bytesRate,
  fallback: null,
  fallbackText: "none",
});

/** Periods are turned into minutes here, since both amounts of a limit have one period. */
function rateBody({ rows, bytes }: { readonly rows: bigint; readonly bytes: bigint | null }) {
  const limited = bytes === null ? {} : { bytes: sequenceToJson(bytes) };
  return { amount: sequenceToJson(rows), ...limited, period: "1m" };
}

function rateText(body: ReturnType<typeof rateBody>): string {
  const [rows, bytes] = rateCells(body);
  return `rows in a minute: ${rows}, bytes in a minute: ${bytes}`;
}

export const limitsWritersCommand = command({
  name: "limits writers",
  summary: "print the rate limits of writers: the default, and those of their own",
  options: OPERATOR_OPTIONS,
  examples: ["limits writers --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const answer = await answerOf(options.executive, client.limits.writers.get());
    if (options.json) context.out(jsonText(answer));
    else for (const line of writerRateLines(answer)) context.out(line);
  },
});

export const limitsWritersSetCommand = command({
  name: "limits writers set",
  summary: "give a writer a rate limit of its own",
  details: "It holds within a second on every Executive. 0 rows switch the writer off.",
  arguments: [writerArgument],
  options: { ...OPERATOR_OPTIONS, rows: option(rowsDeclaration), bytes: bytesOption },
  examples: [
    "limits writers set importer --rows 20000/1m --admin-token @data/admin-token",
    "limits writers set 'loader:*' --rows 60000/1m --bytes 64MiB/1m --admin-token @data/admin-token",
  ],
  async run(context, options, [name]) {
    const writer = parseArgument("WRITER", name, text);
    const client = await operatorClient(options);
    const body = rateBody(options);
    const call = client.limits.writers({ writer: encodeURIComponent(writer) }).post(body);
    const answer = await answerOf(options.executive, call);
    context.out(options.json ? jsonText(answer) : `${writer}: ${rateText(body)}`);
  },
});

export const limitsWritersResetCommand = command({
  name: "limits writers reset",
  summary: "put a writer back to the limit of the longest beginning that fits, or to the default",
  arguments: [writerArgument],
  options: OPERATOR_OPTIONS,
  examples: ["limits writers reset importer --admin-token @data/admin-token"],
  async run(context, options, [name]) {
    const writer = parseArgument("WRITER", name, text);
    const client = await operatorClient(options);
    const call = client.limits.writers({ writer: encodeURIComponent(writer) }).delete();
    const answer = await answerOf(options.executive, call);
    context.out(options.json ? jsonText(answer) : `${writer} has no rate limit of its own`);
  },
});

export const limitsFleetCommand = command({
  name: "limits fleet",
  summary: "print the rate limit of all writers together",
  options: OPERATOR_OPTIONS,
  examples: ["limits fleet --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const answer = await answerOf(options.executive, client.limits.fleet.get());
    if (options.json) context.out(jsonText(answer));
    else for (const line of fleetRateLines(answer)) context.out(line);
  },
});

export const limitsFleetSetCommand = command({
  name: "limits fleet set",
  summary: "limit all writers together",
  details: "It holds within a second on every Executive.",
  options: {
    ...OPERATOR_OPTIONS,
    rows: option({ ...rowsDeclaration, fallback: rowsRate("none"), fallbackText: "none" }),
    bytes: bytesOption,
  },
  examples: ["limits fleet set --rows 100000/1m --bytes 256MiB/1m --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const { amount, ...rest } = rateBody(options);
    // Of the fleet, other than of a writer, rows need no limit.
    const body = isUnlimited(amount) ? rest : { amount, ...rest };
    const answer = await answerOf(options.executive, client.limits.fleet.post(body));
    context.out(options.json ? jsonText(answer) : `all writers together: ${rateText({ amount, ...rest })}`);
  },
});

export const limitsFleetResetCommand = command({
  name: "limits fleet reset",
  summary: "put all writers together back to the default rate limit",
  options: OPERATOR_OPTIONS,
  examples: ["limits fleet reset --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const answer = await answerOf(options.executive, client.limits.fleet.delete());
    context.out(options.json ? jsonText(answer) : "all writers together have the default rate limit");
  },
});
