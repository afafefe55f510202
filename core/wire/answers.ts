/** The answers of the write API (docs/http-api.md). Later versions may add members, so clients ignore unknown ones. */
import * as v from "valibot";
import { ERROR_CODES } from "../errors.ts";
import { anyMembers } from "./json-body.ts";

const Sequence = v.pipe(
  v.union([v.number(), v.string()]),
  v.description("position in the ledger; a decimal string where a double could not hold it exactly"),
);

/** What every write answers: wait for this sequence in an LDB to read your own write. */
export const SequenceAnswer = v.object({ sequence: Sequence });
export type SequenceAnswer = v.InferOutput<typeof SequenceAnswer>;

/** What clearing rows answers. */
export const ClearedAnswer = v.object({
  sequence: Sequence,
  tables: v.pipe(v.number(), v.description("how many tables were cleared")),
});

export const FamilyAnswer = v.object({ family: v.string() });
export const FamiliesAnswer = v.object({ families: v.array(v.string()) });
export const TablesAnswer = v.object({ family: v.string(), tables: v.array(v.string()) });
export const WriterAnswer = v.object({ writer: v.string() });

export const TableAnswer = v.object({
  family: v.string(),
  name: v.string(),
  fields: v.array(v.tuple([v.string(), v.string()])),
  keyFields: v.array(v.string()),
});
export type TableAnswer = v.InferOutput<typeof TableAnswer>;
export const SchemaAnswer = v.array(TableAnswer);

/** What a schema route answered, from a file. @throws Error saying what is wrong with it */
export function parseSchemaAnswer(value: unknown): TableAnswer[] {
  return v.parse(SchemaAnswer, value);
}

export const RowsAnswer = v.object({
  family: v.string(),
  table: v.string(),
  rows: v.pipe(
    v.array(anyMembers),
    v.description(
      "values by field name, as mutations take them: integers beyond 2^53 are decimal strings, bytes are base64",
    ),
  ),
  next: v.pipe(v.nullable(v.string()), v.description("the `after` of the next page; null after the last")),
  sequence: Sequence,
});
export type RowsAnswer = v.InferOutput<typeof RowsAnswer>;

export const StatusAnswer = v.object({
  version: v.string(),
  uptimeSeconds: v.number(),
  ctldb: v.object({
    kind: v.picklist(["mysql", "sqlite"]),
    server: v.pipe(v.string(), v.description("product and version")),
    epoch: v.pipe(v.string(), v.description("identity of the ledger")),
    headSequence: Sequence,
    schemaVersion: v.union([v.number(), v.string()]),
  }),
});
export type StatusAnswer = v.InferOutput<typeof StatusAnswer>;

/** The body of every status of 400 and above. Branch on `code`, never on `message`. */
export const ErrorAnswer = v.object({
  error: v.object({
    code: v.picklist(ERROR_CODES),
    message: v.string(),
    index: v.pipe(v.optional(v.number()), v.description("position in the batch of the mutation at fault")),
    field: v.pipe(v.optional(v.string()), v.description("name of the field at fault")),
    hint: v.pipe(v.optional(v.string()), v.description("what to do next")),
    requestId: v.pipe(v.optional(v.string()), v.description("with `internal`: the same id is in the log")),
  }),
});
export type ErrorAnswer = v.InferOutput<typeof ErrorAnswer>;
