/** A table of the central database, looked at over HTTP: its schema, and keys from a command line as its routes take them. */
import type { Client } from "../../client/index.ts";
import type { TableAnswer } from "../../core/wire/answers.ts";
import { answerOf } from "../answer-of.ts";
import { type KeyedTable, keyParts } from "../key-parts.ts";
import type { TablePath } from "../parsers.ts";
import { jsonText } from "../print.ts";

/** An Executive, and where it is, for messages. */
export interface Central {
  readonly client: Client;
  readonly executive: string;
}

/** @throws CtlstoreError `unknown_family`, `unknown_table`, and what `answerOf` throws */
export async function centralTable({ client, executive }: Central, path: TablePath): Promise<KeyedTable> {
  const { family, table } = path;
  const answer = (await answerOf(executive, client.schema.table({ family })({ table }).get())) as TableAnswer;
  return { ...answer, fields: answer.fields.map(([name, type]) => ({ name, type })) };
}

/** The parts of a key as a parameter: a JSON array, as mutations take values. @throws CtlstoreError `invalid_key` */
export function keyParameter(table: KeyedTable, texts: readonly string[]): string {
  return jsonText(keyParts(table, texts));
}
