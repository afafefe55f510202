/** Where `ctlstore codegen` has the tables from: an Executive, an LDB, or a file with what an Executive answered. */
import type { ModuleTable } from "../codegen/table.ts";
import { CtlstoreError, messageOf, quote } from "../core/errors.ts";
import { isFieldType } from "../core/field-types.ts";
import type { TableAnswer } from "../core/wire/answers.ts";
import { answerOf } from "./answer-of.ts";
import { readGivenFile } from "./given-file.ts";
import { type OperatorValues, operatorClient } from "./operator.ts";
import type { TablePath } from "./parsers.ts";

/** Which tables are wanted: those of these families, and these; all when neither is given. */
export interface Selection {
  readonly families: readonly string[];
  readonly tables: readonly TablePath[];
}

/** @throws CtlstoreError `unknown_family`, `unknown_table`, and what the client throws */
export async function tablesOfExecutive(
  values: OperatorValues,
  selection: Selection,
): Promise<ModuleTable[]> {
  const client = await operatorClient(values);
  const ask = <T>(call: Parameters<typeof answerOf<T>>[1]) => answerOf(values.executive, call);
  const named = [...selection.families, ...selection.tables.map(({ family }) => family)];
  const families = named.length > 0 ? [...new Set(named)] : (await ask(client.families.get())).families;
  const answers: ModuleTable[] = [];
  for (const family of families) {
    const tables = (await ask(client.schema.family({ family }).get())) as readonly TableAnswer[];
    answers.push(...tables.map(tableOfAnswer));
  }
  return selected(answers, selection);
}

/** @throws CtlstoreError `unknown_family`, `unknown_table`, and what a reader throws */
export async function tablesOfLdb(path: string, selection: Selection): Promise<ModuleTable[]> {
  const { openReader } = await import("../reader/index.ts");
  using reader = openReader({ path });
  const tables = reader.snapshot((reads) =>
    reads.tables().map(({ family, table }) => reads.tableSchema(family, table)),
  );
  // Columns that ctlstore did not declare are nothing that a program may rely on.
  const declared = tables.map(({ fields, ...table }) => ({
    ...table,
    fields: fields.flatMap(({ name, type }) => (type === null ? [] : [{ name, type }])),
  }));
  return selected(declared, selection);
}

/** @throws CtlstoreError `config_invalid`, `unknown_family`, `unknown_table` */
export async function tablesOfFile(path: string, selection: Selection): Promise<ModuleTable[]> {
  const text = new TextDecoder().decode(readGivenFile("schema", path));
  const { parseSchemaAnswer } = await import("../core/wire/answers.ts");
  try {
    return selected(parseSchemaAnswer(JSON.parse(text)).map(tableOfAnswer), selection);
  } catch (cause) {
    if (cause instanceof CtlstoreError) throw cause;
    throw new CtlstoreError(
      "config_invalid",
      `Cannot use ${quote(path)} for --schema: it is not the JSON that GET /schema/family/{family} answers (${messageOf(cause)})`,
      { cause, hint: "ctlstore schema FAMILY --json prints it" },
    );
  }
}

function tableOfAnswer({ family, name, fields, keyFields }: TableAnswer): ModuleTable {
  const known = fields.map(([field, type]) => {
    if (isFieldType(type)) return { name: field, type };
    throw new CtlstoreError(
      "invalid_schema",
      `Cannot write a typed reader for ${family}/${name}: this ctlstore does not know the type ${quote(type)} of ${quote(field)}`,
    );
  });
  return { family, table: name, fields: known, keyFields };
}

function selected(tables: readonly ModuleTable[], { families, tables: paths }: Selection): ModuleTable[] {
  for (const family of families) {
    if (tables.some((table) => table.family === family)) continue;
    throw new CtlstoreError("unknown_family", `Cannot find a table in family ${quote(family)}: it has none`);
  }
  for (const { family, table } of paths) {
    if (tables.some((one) => one.family === family && one.table === table)) continue;
    throw new CtlstoreError("unknown_table", `Cannot find table ${family}/${table}: there is no such table`);
  }
  if (families.length === 0 && paths.length === 0) return [...tables];
  return tables.filter(
    (one) =>
      families.includes(one.family) ||
      paths.some(({ family, table }) => one.family === family && one.table === table),
  );
}
