/** `ctlstore drop-table`. */
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { DESTRUCTIVE_OPTIONS, makeDestructiveChange } from "../destructive-change.ts";
import { operatorClient } from "../operator.ts";
import { tablePath } from "../parsers.ts";

export const dropTableCommand = command({
  name: "drop-table",
  summary: "drop a table with all of its rows, here and on every host",
  details:
    "It shows what would go and who reads it, and asks. The Executive refuses it unless it was started with\n" +
    "--destructive-schema-changes; --dry-run works without.",
  arguments: [{ name: "family/table", help: "the table" }],
  options: DESTRUCTIVE_OPTIONS,
  examples: [
    "drop-table shop/prices --dry-run --admin-token @data/admin-token",
    "drop-table shop/prices --yes --admin-token @data/admin-token",
  ],
  async run(context, options, [path]) {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const client = await operatorClient(options);
    const route = client.families({ family }).tables({ table });
    await makeDestructiveChange(
      { context, client },
      {
        act: `drop table ${family}/${table}`,
        done: `dropped table ${family}/${table}`,
        send: (query) => route.delete(undefined, query),
      },
      options,
    );
  },
});
