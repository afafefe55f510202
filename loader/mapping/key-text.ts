/** A row's key as one text: equal exactly for the same row, however the values were written. */
import type { FieldValue } from "../../client/encode.ts";
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { TableSchema } from "../../core/schema.ts";

/**
 * The text of a key. Values may be as the mapping makes them or as the Executive writes rows: integers also as decimal
 * strings, bytes also as base64 with padding.
 *
 * Each part says its type, and text its length, so no two keys have one text: `i12,s5:a,b,c,` is an integer and a string.
 *
 * @throws CtlstoreError `missing_key_field`
 */
export function keyTextOf(schema: TableSchema, values: Readonly<Record<string, FieldValue>>): string {
  const types = typesOf(schema);
  let text = "";
  schema.keyFields.forEach((field, index) => {
    const value = values[field];
    if (value === null || value === undefined) {
      throw new CtlstoreError(
        "missing_key_field",
        `Cannot tell which row it is: key field ${quote(field)} has no value`,
        {
          field,
        },
      );
    }
    text +=
      types[index] === "integer" ? `i${integerText(value)},` : partText(value, types[index] === "bytestring");
  });
  return text;
}

const keyTypes = new WeakMap<TableSchema, readonly string[]>();

/** The types of the key fields, found once per schema. */
function typesOf(schema: TableSchema): readonly string[] {
  let types = keyTypes.get(schema);
  if (types === undefined) {
    const byName = new Map(schema.fields.map(({ name, type }) => [name, type]));
    types = schema.keyFields.map((field) => byName.get(field) ?? "string");
    keyTypes.set(schema, types);
  }
  return types;
}

function integerText(value: Exclude<FieldValue, null | undefined>): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  // "007" and "-0" are integers too.
  return typeof value === "string" ? BigInt(value).toString() : String(value === 0 ? 0 : value);
}

function partText(value: Exclude<FieldValue, null | undefined>, isBytes: boolean): string {
  if (value instanceof Uint8Array)
    return `b${Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")},`;
  const text = String(value);
  return isBytes ? `b${text},` : `s${text.length}:${text},`;
}
