/** `ctlstore schema`: families, tables and fields as the Executive has them. */

import { parseFamilyName } from "../../core/names.ts";
import type { TableAnswer } from "../../core/wire/answers.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { OPERATOR_OPTIONS, operatorClient } from "../operator.ts";
import { tablePath } from "../parsers.ts";
import { jsonText, textTable } from "../print.ts";

export const schemaCommand = command({
  name: "schema",
  summary: "print the tables of a family, one table, or of all families",
  arguments: [{ name: "family[/table]", help: "what to print; all families unless given", kind: "optional" }],
  options: OPERATOR_OPTIONS,
  examples: [
    "schema --admin-token @data/admin-token",
    "schema mime/types --json --admin-token @data/admin-token",
  ],
  async run(context, options, [wanted]) {
    const { executive, json } = options;
    const client = await operatorClient(options);
    const ofFamily = (family: string) =>
      answerOf(executive, client.schema.family({ family }).get()) as Promise<readonly TableAnswer[]>;
    let tables: TableAnswer[];
    if (wanted === undefined) {
      const { families } = await answerOf(executive, client.families.get());
      tables = (await Promise.all(families.map(ofFamily))).flat();
    } else if (wanted.includes("/")) {
      const { family, table } = parseArgument("FAMILY/TABLE", wanted, tablePath);
      tables = [(await answerOf(executive, client.schema.table({ family })({ table }).get())) as TableAnswer];
    } else {
      tables = [...(await ofFamily(parseArgument("FAMILY", wanted, parseFamilyName)))];
    }
    if (json) context.out(jsonText(tables));
    else for (const line of tableLines(tables)) context.out(line);
  },
});

function tableLines(tables: readonly TableAnswer[]): string[] {
  const rows = tables.map(({ family, name, fields, keyFields }) => [
    `${family}/${name}`,
    keyFields.join(", "),
    fields.map(([field, type]) => `${field}:${type}`).join(" "),
  ]);
  return textTable(["table", "key", "fields"], rows);
}
