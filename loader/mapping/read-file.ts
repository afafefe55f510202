/** From the text of a mapping file to its parsed document, or to everything that is wrong with its form. */
import * as v from "valibot";
import { CtlstoreError, quote } from "../../core/errors.ts";
import { MAPPING_LIMITS } from "../../core/limits.ts";
import { ColumnName, ColumnSource, ConstantSource, MappingDocument, type TableSpec } from "./file.ts";
import { parseDocument } from "./json-document.ts";
import { mappingInvalid, type Problem, placeOf } from "./problems.ts";

/** Where a field's value comes from, by the file. */
export type FieldSpec = string | ColumnSource | ConstantSource;

/** A table of the file with its fields parsed, in the file's order. */
export interface ParsedTable extends Omit<TableSpec, "fields"> {
  readonly fields: ReadonlyMap<string, FieldSpec>;
}

export interface ParsedMapping extends Omit<MappingDocument, "tables"> {
  readonly tables: readonly ParsedTable[];
}

/**
 * Parses a mapping file.
 * @param text or its bytes, in UTF-8
 * @param name of the file, for messages
 * @throws CtlstoreError `mapping_invalid` with line and column, or with the place of what is wrong
 */
export function readMappingFile(text: string | Uint8Array, name: string): ParsedMapping {
  const value = parseDocument(decoded(text, name), {
    cannot: `Cannot use the mapping ${name}`,
    code: "mapping_invalid",
    depth: MAPPING_LIMITS.fileDepth,
  });
  if (!(value instanceof Object) || Array.isArray(value)) {
    throw mappingInvalid(name, [{ place: "", what: `is ${quote(value)}; it needs to be an object` }]);
  }
  const result = v.safeParse(MappingDocument, value);
  if (!result.success)
    throw mappingInvalid(
      name,
      result.issues.map((issue) => problemOf(issue)),
    );
  const problems: Problem[] = [];
  const tables = result.output.tables.map(({ fields, ...table }, index) => ({
    ...table,
    fields: fieldSpecs(fields ?? {}, index, problems),
  }));
  if (problems.length > 0) throw mappingInvalid(name, problems);
  return { ...result.output, tables };
}

function decoded(text: string | Uint8Array, name: string): string {
  const { fileBytes } = MAPPING_LIMITS;
  if (text.length > fileBytes) {
    const what = `has ${text.length} bytes; the limit is ${fileBytes}`;
    throw mappingInvalid(name, [{ place: "", what }]);
  }
  if (typeof text === "string") return text;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
  } catch (cause) {
    throw new CtlstoreError("mapping_invalid", `Cannot use the mapping ${name}: it is not valid UTF-8`, {
      cause,
    });
  }
}

function fieldSpecs(
  fields: Record<string, unknown>,
  table: number,
  problems: Problem[],
): ReadonlyMap<string, FieldSpec> {
  const specs = new Map<string, FieldSpec>();
  for (const [field, value] of Object.entries(fields)) {
    const result = v.safeParse(formOf(value), value);
    if (result.success) specs.set(field, result.output);
    else problems.push(...result.issues.map((issue) => problemOf(issue, ["tables", table, "fields", field])));
  }
  return specs;
}

/** Which of the three a field is meant to be, so that what is wrong with it can be said. */
function formOf(value: unknown): v.GenericSchema<unknown, FieldSpec> {
  if (!(value instanceof Object)) return ColumnName;
  return Object.hasOwn(value, "constant") ? ConstantSource : ColumnSource;
}

function problemOf(issue: v.BaseIssue<unknown>, within: readonly (string | number)[] = []): Problem {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
  const place = placeOf([...within, ...path]);
  if (issue.type === "strict_object" && issue.expected === "never") {
    return { place, what: "means nothing here" };
  }
  if (issue.input === undefined) return { place, what: "is missing" };
  const isWorded = issue.kind === "validation" || issue.type === "custom" || issue.type === "union";
  const needed = isWorded ? issue.message : neededFor(issue.expected ?? issue.message);
  return { place, what: `is ${quote(issue.input)}; it needs to be ${needed}` };
}

const PLAIN_WORDS: Readonly<Record<string, string>> = {
  Object: "an object",
  Array: "a list",
  string: "a string",
  boolean: "true or false",
  number: "a number",
};

/** valibot's `("topic" | "partition")` in words. */
function neededFor(expected: string): string {
  const word = PLAIN_WORDS[expected];
  return word ?? expected.replace(/^\((.*)\)$/, "$1").replaceAll(" | ", " or ");
}
