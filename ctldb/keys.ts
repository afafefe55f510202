/** Keys, and first parts of keys, as whoever looks at rows gives them. */
import { CtlstoreError } from "../core/errors.ts";
import type { FieldSchema, TableSchema } from "../core/schema.ts";
import { checkValue, type SqlValue } from "../core/values.ts";

/** The fields of the key, in key order. */
export function keyOf(schema: TableSchema): FieldSchema[] {
  return schema.keyFields.flatMap((name) => schema.fields.filter((field) => field.name === name));
}

/** @throws CtlstoreError `invalid_key` (another number of values than the key has), `invalid_value` */
export function checkWholeKey(values: readonly unknown[], schema: TableSchema): SqlValue[] {
  const key = keyOf(schema);
  if (values.length !== key.length) throw countError(values.length, `${key.length}`, "key", schema);
  return key.map((field, i) => checkValue(field, values[i], true));
}

/** @throws CtlstoreError `invalid_key` (more values than the key has), `invalid_value` */
export function checkKeyPrefix(values: readonly unknown[], schema: TableSchema): SqlValue[] {
  const key = keyOf(schema);
  if (values.length > key.length) throw countError(values.length, `at most ${key.length}`, "prefix", schema);
  return key.slice(0, values.length).map((field, i) => checkValue(field, values[i], true));
}

function countError(
  given: number,
  wanted: string,
  field: "key" | "prefix",
  { family, table, keyFields }: TableSchema,
): CtlstoreError {
  return new CtlstoreError(
    "invalid_key",
    `Cannot look up a ${field} of ${family}/${table}: it has ${given} values; it needs ${wanted} (${keyFields.join(", ")})`,
    { field },
  );
}
