/**
 * Writes the TypeScript module of typed readers: a type for each row and each key, the schema with its fingerprint, and
 * functions that open a reader for exactly these tables.
 *
 * The text follows from the tables and options alone: no time, no host, no version. It is formatted as prettier formats it
 * by default, and biome where it indents with spaces.
 */
import { shortSchemaFingerprint } from "../core/digest/schema-fingerprint.ts";
import type { FieldType } from "../core/field-types.ts";
import { elementName, memberName, typeNames } from "./names.ts";
import { inModuleOrder, type ModuleField, type ModuleTable } from "./table.ts";

export interface ModuleOptions {
  /** How integers are read. Keys may be given as either in any case. */
  readonly integers: "number" | "bigint";
  /** Where the module imports the reader from. */
  readonly readerModule: string;
  /** The command that makes it, for the header; without what differs from host to host. */
  readonly command: string;
}

/** Where biome and prettier break a line by default. */
const LINE_CHARS = 80;

/** @throws CtlstoreError `unknown_table`, `invalid_schema` */
export function typedReaderModule(given: readonly ModuleTable[], options: ModuleOptions): string {
  const tables = inModuleOrder(given);
  const names = typeNames(tables);
  const parts = [
    header(options),
    imports(options),
    ...tables.flatMap((table, i) => [
      rowType(table, names[i] ?? "", options),
      keyType(table, names[i] ?? ""),
    ]),
    schemaType(tables, names),
    schemaValue(tables, options),
    FUNCTIONS,
  ];
  return `${parts.join("\n\n")}\n`;
}

function header({ command }: ModuleOptions): string {
  return `/**
 * Typed readers of ctlstore. Made by this command; do not edit, run it again:
 *
 *     ${command}
 */`;
}

function imports({ readerModule }: ModuleOptions): string {
  return `import {
  openCheckedReader,
  type SchemaDefinition,
  type TypedReader,
  type TypedReaderOptions,
  type WaitOptions,
  waitForCheckedReader,
} from ${JSON.stringify(readerModule)};`;
}

function rowType(
  { family, table, fields, keyFields }: ModuleTable,
  name: string,
  options: ModuleOptions,
): string {
  const members = fields.map((field) => {
    const orNull = keyFields.includes(field.name) ? "" : " | null";
    return `  ${memberName(field.name)}: ${rowValueType(field.type, options)}${orNull};`;
  });
  return `/** A row of \`${family}/${table}\`. */\nexport interface ${name}Row {\n${members.join("\n")}\n}`;
}

function keyType({ family, table, fields, keyFields }: ModuleTable, name: string): string {
  const elements = keyFields.map((keyField, i) => {
    const field = fields.find((one): one is ModuleField => one.name === keyField);
    return `${elementName(keyField, i)}: ${keyValueType(field?.type ?? "string")}`;
  });
  return `/** A key of \`${family}/${table}\`. */\n${list(`export type ${name}Key = `, elements, ";")}`;
}

function rowValueType(type: FieldType, { integers }: ModuleOptions): string {
  switch (type) {
    case "string":
    case "text":
      return "string";
    case "integer":
      return integers;
    case "decimal":
      return "number";
    case "binary":
    case "bytestring":
      return "Uint8Array";
  }
}

function keyValueType(type: FieldType): string {
  if (type === "integer") return "number | bigint";
  return type === "bytestring" ? "Uint8Array" : "string";
}

/** Every table with its types, as `TypedReader` takes it: a type and no interface, which would have no index. */
function schemaType(tables: readonly ModuleTable[], names: readonly string[]): string {
  const lines = ["/** Every table, with the types of its rows and keys. */", "export type Schema = {"];
  tables.forEach(({ family, table }, i) => {
    if (tables[i - 1]?.family !== family) lines.push(`  ${memberName(family)}: {`);
    lines.push(
      `    ${memberName(table)}: {`,
      `      row: ${names[i]}Row;`,
      `      key: ${names[i]}Key;`,
      "    };",
    );
    if (tables[i + 1]?.family !== family) lines.push("  };");
  });
  return [...lines, "};"].join("\n");
}

function schemaValue(tables: readonly ModuleTable[], { integers }: ModuleOptions): string {
  return [
    "/** The tables as they were; each reader that is opened compares them with its LDB. */",
    "export const SCHEMA = {",
    `  fingerprint: "${shortSchemaFingerprint(tables)}",`,
    `  integers: "${integers}",`,
    "  tables: [",
    ...tables.flatMap(tableValue),
    "  ],",
    "} as const satisfies SchemaDefinition;",
  ].join("\n");
}

function tableValue({ family, table, fields, keyFields }: ModuleTable): string[] {
  return [
    "    {",
    `      family: ${JSON.stringify(family)},`,
    `      table: ${JSON.stringify(table)},`,
    "      fields: {",
    ...fields.flatMap(({ name, type }) => member(`        ${memberName(name)}:`, `"${type}",`)),
    "      },",
    list(
      "      keyFields: ",
      keyFields.map((name) => JSON.stringify(name)),
      ",",
    ),
    "    },",
  ];
}

/** A member of an object: on one line where it fits. */
function member(name: string, value: string): string[] {
  const line = `${name} ${value}`;
  if (line.length <= LINE_CHARS) return [line];
  const indent = /^ */.exec(name)?.[0] ?? "";
  return [name, `${indent}  ${value}`];
}

/** A list in brackets: on one line where it fits, and on lines of its own where not even its beginning does. */
function list(before: string, elements: readonly string[], after: string): string {
  const line = `${before}[${elements.join(", ")}]${after}`;
  if (line.length <= LINE_CHARS) return line;
  if (before.endsWith("= ") && before.length >= LINE_CHARS)
    return `${before.trimEnd()}\n${list("  ", elements, after)}`;
  const indent = /^ */.exec(before)?.[0] ?? "";
  return `${before}[\n${elements.map((one) => `${indent}  ${one},\n`).join("")}${indent}]${after}`;
}

const FUNCTIONS = `/** A reader of these tables. */
export type SchemaReader = TypedReader<Schema>;
export type SchemaReaderOptions = TypedReaderOptions<Schema>;

/**
 * Opens the LDB in a folder. Throws \`schema_mismatch\`, naming every difference,
 * when its tables are not what this module was made for.
 */
export function openTypedReader(options: SchemaReaderOptions): SchemaReader {
  return openCheckedReader<Schema>(SCHEMA, options);
}

/**
 * The same for a start beside a Reflector that starts, too: waits until the LDB
 * is there and holds these tables.
 */
export function waitForTypedReader(
  options: SchemaReaderOptions,
  wait: WaitOptions,
): Promise<SchemaReader> {
  return waitForCheckedReader<Schema>(SCHEMA, options, wait);
}`;
