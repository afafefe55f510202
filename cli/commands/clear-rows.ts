/** `ctlstore clear-rows`. */
import { parseFamilyName } from "../../core/names.ts";
import { parseArgument } from "../arguments.ts";
import type { DryRunQuery } from "../change-preview.ts";
import { command } from "../command.ts";
import { DESTRUCTIVE_OPTIONS, makeDestructiveChange } from "../destructive-change.ts";
import { operatorClient } from "../operator.ts";
import { tablePath } from "../parsers.ts";

export const clearRowsCommand = command({
  name: "clear-rows",
  summary: "delete all rows of a table, or of every table of a family, here and on every host",
  details:
    "The tables stay. It shows how many rows would go and who reads them, and asks. The Executive refuses it unless it\n" +
    "was started with --destructive-schema-changes; --dry-run works without.",
  arguments: [{ name: "family[/table]", help: "the table, or the family" }],
  options: DESTRUCTIVE_OPTIONS,
  examples: [
    "clear-rows shop/prices --dry-run --admin-token @data/admin-token",
    "clear-rows shop --yes --admin-token @data/admin-token",
  ],
  async run(context, options, [path = ""]) {
    const client = await operatorClient(options);
    const routes = client["clear-rows"].families;
    if (path.includes("/")) {
      const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
      const route = routes({ family }).tables({ table });
      const send = (query: DryRunQuery) => route.delete(undefined, query);
      const change = {
        act: `clear table ${family}/${table}`,
        done: `cleared table ${family}/${table}`,
        send,
      };
      return makeDestructiveChange({ context, client }, change, options);
    }
    const family = parseArgument("FAMILY", path, parseFamilyName);
    const send = (query: DryRunQuery) => routes({ family }).delete(undefined, query);
    const change = { act: `clear every table of ${family}`, done: `cleared every table of ${family}`, send };
    return makeDestructiveChange({ context, client }, change, options);
  },
});
