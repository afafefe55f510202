/** About how many bytes a mutation takes in a request: what batches are cut by. The Executive has the last word. */
import type { FieldValue } from "../../../client/encode.ts";
import type { RowMutation } from "../../mapping/mapping.ts";

/** Braces, names of members and commas around one mutation. */
const FRAME_BYTES = 40;
/** Of a field: quotes, colon, comma. */
const FIELD_BYTES = 4;
/** From here on the escapes of a text are counted too: a large one can make the difference. */
const LONG_TEXT = 4_096;

export function wireBytesOf({ table, values }: RowMutation): number {
  let bytes = FRAME_BYTES + table.length;
  for (const name in values) bytes += FIELD_BYTES + name.length + valueBytes(values[name]);
  return bytes;
}

function valueBytes(value: FieldValue): number {
  if (typeof value === "string")
    return Buffer.byteLength(value.length < LONG_TEXT ? value : JSON.stringify(value)) + 2;
  if (value instanceof Uint8Array) return 4 * Math.ceil(value.length / 3) + 2;
  if (typeof value === "number" || typeof value === "bigint") return String(value).length + 2;
  return 5;
}
