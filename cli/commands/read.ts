/** `ctlstore read`: rows of the local database, through the reader library. */
import type { LdbReads, ReaderTable, Row } from "../../reader/types.ts";
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { keyParts } from "../key-parts.ts";
import { switchOption } from "../options.ts";
import { tablePath } from "../parsers.ts";
import { jsonText, textTable, valueText } from "../print.ts";
import { jsonOption, ldbOption } from "../shared-options.ts";

export const readCommand = command({
  name: "read",
  summary: "read a row by its key from the local database, or rows by the beginning of their key",
  details: "Integers are decimal, bytes base64. Exit code 1 when there is no row with this key.",
  arguments: [
    { name: "family/table", help: "the table" },
    { name: "key", help: "the parts of the key, in key order; all rows unless given", kind: "optional-list" },
  ],
  options: {
    ldb: ldbOption,
    prefix: switchOption({
      flag: "prefix",
      help: "the parts are the beginning of the key: print all such rows",
    }),
    json: jsonOption,
  },
  examples: [
    "read mime/types text/html --ldb data/ldb",
    "read mime/extensions html --prefix --json --ldb data/ldb",
    "read mime/types --json --ldb data/ldb",
  ],
  async run(context, { ldb, prefix: asPrefix, json }, [path, ...key]) {
    const prefix = asPrefix || key.length === 0;
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const { openReader } = await import("../../reader/index.ts");
    using reader = openReader({ path: ldb, integers: "bigint" });
    const schema = reader.tableSchema(family, table);
    const rows = readRows(reader, schema, key, prefix);
    if (json) context.out(jsonText(prefix ? rows : (rows[0] ?? null)));
    else if (rows.length > 0) for (const line of rowLines(schema, rows)) context.out(line);
    if (rows.length === 0 && !prefix)
      throw new CommandFailure(`${family}/${table} has no row with the key ${key.join(", ")}`);
  },
});

function readRows(reader: LdbReads, schema: ReaderTable, key: readonly string[], prefix: boolean): Row[] {
  const parts = keyParts(schema, key);
  if (prefix) return [...reader.getRowsByKeyPrefix(schema.family, schema.table, ...parts)];
  const row = reader.getRowByKey(schema.family, schema.table, ...parts);
  return row === null ? [] : [row];
}

function rowLines(schema: ReaderTable, rows: readonly Row[]): string[] {
  const names = schema.fields.map(({ name }) => name);
  return textTable(
    names,
    rows.map((row) => names.map((name) => valueText(row[name]))),
  );
}
