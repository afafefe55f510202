/** `ctlstore limits`: everything on one page; `limits usage` and `limits sizes` are parts of it. */
import { answerOf } from "../answer-of.ts";
import { command } from "../command.ts";
import { fleetRateLines, sizeLines, tableLimitLines, usageLines, writerRateLines } from "../limits-answer.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { jsonText } from "../print.ts";

export const limitsCommand = command({
  name: "limits",
  summary: "print all limits and what is used of them: rates of writers, sizes of tables",
  details: "Defaults are those of the Executive that answers; what was set holds for all of them.",
  options: OPERATOR_OPTIONS,
  examples: ["limits --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const { executive } = options;
    const [tables, writers, fleet, usage, sizes] = await Promise.all([
      answerOf(executive, client.limits.tables.get()),
      answerOf(executive, client.limits.writers.get()),
      answerOf(executive, client.limits.fleet.get()),
      answerOf(executive, client.limits.usage.get()),
      answerOf(executive, client.limits.sizes.get()),
    ]);
    if (options.json) {
      context.out(jsonText({ tables, writers, fleet, usage, sizes }));
      return;
    }
    const sections: [string, string[]][] = [
      ["Rates of writers", writerRateLines(writers)],
      ["Rate of all writers together", fleetRateLines(fleet)],
      [`Used of the minute since ${usage.window.start}`, usageLines(usage)],
      ["Limits of sizes", tableLimitLines(tables)],
      ["Sizes as last measured", sizeLines(sizes)],
    ];
    for (const [i, [title, lines]] of sections.entries()) {
      if (i > 0) context.out("");
      context.out(title);
      for (const line of lines) context.out(`  ${line}`);
    }
  },
});

export const limitsUsageCommand = command({
  name: "limits usage",
  summary: "print what writers have used of this minute, the busiest first",
  options: OPERATOR_OPTIONS,
  examples: ["limits usage --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const usage = await answerOf(options.executive, client.limits.usage.get());
    if (options.json) context.out(jsonText(usage));
    else for (const line of usageLines(usage)) context.out(line);
  },
});

export const limitsSizesCommand = command({
  name: "limits sizes",
  summary: "print the sizes of all tables as last measured, the largest first",
  options: OPERATOR_OPTIONS,
  examples: ["limits sizes --admin-token @data/admin-token"],
  async run(context, options) {
    const client = await operatorClient(options);
    const sizes = await answerOf(options.executive, client.limits.sizes.get());
    if (options.json) context.out(jsonText(sizes));
    else for (const line of sizeLines(sizes)) context.out(line);
  },
});
