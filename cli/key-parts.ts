/** Key parts from the text of a command line to what their fields' types need. */
import { CtlstoreError, quote } from "../core/errors.ts";
import type { KeyValue } from "../reader/types.ts";

/** What has to be known of a table, wherever it is. */
export interface KeyedTable {
  readonly fields: ReadonlyArray<{ readonly name: string; readonly type: string | null }>;
  readonly keyFields: readonly string[];
}

/** @throws CtlstoreError `invalid_key` */
export function keyParts(schema: KeyedTable, texts: readonly string[]): KeyValue[] {
  return texts.map((text, i) => {
    const name = schema.keyFields[i];
    const type = schema.fields.find((field) => field.name === name)?.type;
    if (type === "integer") return integerPart(String(name), text);
    if (type === "bytestring" || type === "binary") return bytesPart(String(name), text);
    return text; // also for parts too many: the reader says how many there may be
  });
}

function integerPart(name: string, text: string): bigint {
  if (/^[+-]?\d{1,19}$/.test(text)) return BigInt(text);
  throw new CtlstoreError(
    "invalid_key",
    `Cannot use ${quote(text)} for key field ${quote(name)}: it is not an integer`,
  );
}

function bytesPart(name: string, text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") === text) return new Uint8Array(bytes);
  throw new CtlstoreError(
    "invalid_key",
    `Cannot use ${quote(text)} for key field ${quote(name)}: it is not base64`,
  );
}
