/** `ctlstore read`: rows of the local database, through the reader library, or of the central one, over HTTP. */
import { parseArgument } from "../arguments.ts";
import { command } from "../command.ts";
import { EXECUTIVE_FILE_OPTIONS } from "../executive-options.ts";
import { CommandFailure } from "../failure.ts";
import { centralRows, type FoundRows, localRows } from "../inspection/row-lookup.ts";
import { operatorClient } from "../operator.ts";
import { option, switchOption } from "../options.ts";
import { executiveAddress, integer, tablePath } from "../parsers.ts";
import { jsonText, textTable, valueText } from "../print.ts";
import { jsonOption, ldbOption, optionalAdminTokenOption } from "../shared-options.ts";

export const readCommand = command({
  name: "read",
  summary:
    "read a row by its key, or rows by the beginning of their key, from the local database or the central one",
  details:
    "It reads the local database, unless --executive says that the central one is meant.\n" +
    "Integers are decimal, bytes base64. Exit code 1 when there is no row with this key.",
  arguments: [
    { name: "family/table", help: "the table" },
    { name: "key", help: "the parts of the key, in key order; all rows unless given", kind: "optional-list" },
  ],
  options: {
    ldb: ldbOption,
    executive: option<string, undefined>({
      flag: "executive",
      placeholder: "URL",
      help: "read from the central database, through the Executive there, not from the local one",
      parse: executiveAddress,
      fallback: undefined,
      // On a host where it is set for other commands, reads stay local.
      onlyFlag: true,
    }),
    ...EXECUTIVE_FILE_OPTIONS,
    adminToken: optionalAdminTokenOption,
    prefix: switchOption({
      flag: "prefix",
      help: "the parts are the beginning of the key: print all such rows",
    }),
    limit: option<number, null>({
      flag: "limit",
      placeholder: "N",
      help: "rows at most; all unless given",
      parse: integer({ min: 1, max: 1_000_000_000 }),
      fallback: null,
    }),
    json: jsonOption,
  },
  examples: [
    "read mime/types text/html --ldb data/ldb",
    "read mime/extensions html --prefix --json --ldb data/ldb",
    "read mime/types --limit 20 --executive http://127.0.0.1:3000 --admin-token @data/admin-token",
  ],
  async run(context, options, [path, ...key]) {
    const { ldb, executive, limit, json } = options;
    const asPrefix = options.prefix || key.length === 0;
    const wanted = parseArgument("FAMILY/TABLE", path, tablePath);
    const lookup = { key, asPrefix, limit };
    const found =
      executive === undefined
        ? await localRows(ldb, wanted, lookup)
        : await centralRows(
            { client: await operatorClient({ ...options, executive }), executive },
            wanted,
            lookup,
          );
    const { rows } = found;
    if (json) context.out(jsonText(asPrefix ? rows : (rows[0] ?? null)));
    else if (rows.length > 0) for (const line of rowLines(found)) context.out(line);
    if (rows.length === 0 && !asPrefix)
      throw new CommandFailure(`${wanted.family}/${wanted.table} has no row with the key ${key.join(", ")}`);
  },
});

function rowLines({ fields, rows }: FoundRows): string[] {
  return textTable(
    fields,
    rows.map((row) => fields.map((name) => valueText(row[name]))),
  );
}
