/** `ctlstore codegen`: writes the TypeScript module of typed readers, or checks in CI that the one there is current. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { ModuleTable } from "../../codegen/table.ts";
import { CtlstoreError, messageOf, quote } from "../../core/errors.ts";
import { parseFamilyName } from "../../core/names.ts";
import { type Selection, tablesOfExecutive, tablesOfFile, tablesOfLdb } from "../codegen-tables.ts";
import { command } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { OPERATOR_OPTIONS } from "../operator.ts";
import { listOption, type OptionValues, option, switchOption } from "../options.ts";
import { choice, tablePath, text } from "../parsers.ts";

const { json: _json, ...EXECUTIVE } = OPERATOR_OPTIONS;

const DEFAULT_READER_MODULE = "ctlstore-reader";

const OPTIONS = {
  ...EXECUTIVE,
  ldb: option<string, undefined>({
    flag: "ldb",
    placeholder: "DIR",
    help: "take the tables from this local database instead of the Executive",
    parse: text,
    fallback: undefined,
  }),
  schema: option<string, undefined>({
    flag: "schema",
    placeholder: "FILE",
    help: "take the tables from this file: what `ctlstore schema --json` prints",
    parse: text,
    fallback: undefined,
  }),
  family: listOption({
    flag: "family",
    placeholder: "FAMILY",
    help: "a family whose tables the module is for; all unless a family or table is given",
    parse: parseFamilyName,
  }),
  table: listOption({
    flag: "table",
    placeholder: "FAMILY/TABLE",
    help: "a table that the module is for",
    parse: tablePath,
  }),
  integers: option({
    flag: "integers",
    placeholder: "FORM",
    help: "how integers are read: number (beyond 2^53 an error) or bigint",
    parse: choice(["number", "bigint"] as const),
    fallback: "number" as "number" | "bigint",
  }),
  readerModule: option({
    flag: "reader-module",
    placeholder: "NAME",
    help: "where the module imports the reader from",
    parse: text,
    fallback: DEFAULT_READER_MODULE,
  }),
  out: option<string, undefined>({
    flag: "out",
    placeholder: "FILE.ts",
    help: "the module; standard output unless given",
    parse: text,
    fallback: undefined,
  }),
  check: switchOption({
    flag: "check",
    help: "write nothing; exit 1 and show what differs when the file is not what would be written",
  }),
};

type Values = OptionValues<typeof OPTIONS>;

export const codegenCommand = command({
  name: "codegen",
  summary: "write a TypeScript module of typed readers from the tables as they are",
  details:
    "The module has a type for each row and key, and opens a reader that refuses at\n" +
    "its start an LDB whose tables are not these. The tables come from the Executive\n" +
    "(an operator with the role read is enough), from --ldb, or from --schema. The\n" +
    "same tables give the same file; --check does not mind how it is formatted.",
  options: OPTIONS,
  examples: [
    "codegen --family mime --out src/mime.ts --admin-token @data/admin-token",
    "codegen --ldb data/ldb --integers bigint --out src/tables.ts",
    "codegen --schema schema.json --out src/tables.ts --check",
  ],
  async run(context, values) {
    const { typedReaderModule } = await import("../../codegen/module.ts");
    const { integers, readerModule } = values;
    const { tables, place } = await tablesOf(values);
    const module = typedReaderModule(tables, { integers, readerModule, command: commandOf(values) });
    if (values.out === undefined) {
      if (values.check)
        throw new CtlstoreError("config_invalid", "Cannot check a module: --out is not given");
      for (const line of module.trimEnd().split("\n")) context.out(line);
    } else if (values.check) await checkModule(context, values.out, module);
    else context.out(writeModule(values.out, module, `${countText(tables.length)} of ${place}`));
  },
});

/** The tables and where they are from, which is told: an environment may name a place that nobody thought of. */
async function tablesOf(values: Values): Promise<{ tables: ModuleTable[]; place: string }> {
  const selection: Selection = { families: values.family, tables: values.table };
  const { executive, ldb, schema } = values;
  if (ldb !== undefined && schema !== undefined)
    throw new CtlstoreError("config_invalid", "Cannot use --ldb and --schema together: one has the tables");
  if (schema !== undefined) return { tables: await tablesOfFile(schema, selection), place: schema };
  if (ldb !== undefined) return { tables: await tablesOfLdb(ldb, selection), place: ldb };
  return { tables: await tablesOfExecutive(values, selection), place: executive };
}

function countText(tables: number): string {
  return tables === 1 ? "1 table" : `${tables} tables`;
}

/** What decides over the module's text; where the tables came from differs from host to host. */
function commandOf({ family, table, integers, readerModule }: Values): string {
  const parts = ["ctlstore codegen"];
  for (const one of [...family].sort()) parts.push(`--family ${one}`);
  for (const path of table.map((one) => `${one.family}/${one.table}`).sort()) parts.push(`--table ${path}`);
  if (integers !== "number") parts.push(`--integers ${integers}`);
  if (readerModule !== DEFAULT_READER_MODULE) parts.push(`--reader-module ${readerModule}`);
  return parts.join(" ");
}

async function checkModule(
  context: { out(line: string): void },
  path: string,
  module: string,
): Promise<void> {
  const { differenceLines, isSameModule } = await import("../../codegen/difference.ts");
  if (!existsSync(path))
    throw new CommandFailure(`${path} is not there: run the same command without --check`);
  const found = readModule(path);
  if (isSameModule(found, module)) {
    context.out(`${path} is current`);
    return;
  }
  for (const line of differenceLines(found, module)) context.out(line);
  throw new CommandFailure(`${path} is not what the tables are now: run the same command without --check`);
}

/** A file that is as it should be is left alone, so that nothing is built again for it. */
function writeModule(path: string, module: string, what: string): string {
  if (existsSync(path) && readModule(path) === module) return `${path} is current (${what})`;
  try {
    writeFileSync(path, module);
  } catch (cause) {
    throw outError(path, "written", cause);
  }
  return `wrote ${path} (${what})`;
}

function readModule(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw outError(path, "read", cause);
  }
}

function outError(path: string, what: string, cause: unknown): CtlstoreError {
  return new CtlstoreError(
    "config_invalid",
    `Cannot use ${quote(path)} for --out: it cannot be ${what} (${messageOf(cause)})`,
    { cause },
  );
}
