/** The parameter that asks for a dry run of a change of tables, and the preview that answers it (docs/http-api.md). */
import * as v from "valibot";
import { ERROR_CODES } from "../errors.ts";
import { AnsweredInteger } from "./integers.ts";
import { asQuery, Parameter } from "./queries.ts";

/**
 * Of each route that changes tables. Strict: a parameter that was meant to be this one must not let the change happen.
 */
export const DryRunQuery = asQuery(
  v.strictObject({
    "dry-run": Parameter("`true` changes nothing and answers what the change would do; `false` if absent"),
  }),
);
export type DryRunQuery = v.InferOutput<typeof DryRunQuery>;

const Conflict = v.object({
  code: v.picklist(ERROR_CODES),
  message: v.string(),
  index: v.pipe(v.optional(v.number()), v.description("position in the body of the table at fault")),
  field: v.optional(v.string()),
  hint: v.optional(v.string()),
});

const TablePreview = v.object({
  family: v.string(),
  table: v.string(),
  ledgerStatements: v.pipe(v.array(v.string()), v.description("what every host would run")),
  ctldbStatements: v.pipe(v.array(v.string()), v.description("what the central database would run")),
  cost: v.pipe(
    v.picklist(["none", "instant", "rebuild", "rows"]),
    v.description(
      "to the ctldb: `none`; `instant`, metadata alone; `rebuild`, the whole table is written anew while all writes wait; `rows`, grows with their number",
    ),
  ),
  rows: v.pipe(v.nullable(AnsweredInteger), v.description("null of a table that is not there yet")),
  rowsEstimated: v.pipe(v.boolean(), v.description("true: there was no time to count them")),
  bytes: v.pipe(v.nullable(AnsweredInteger), v.description("as last measured; null when nobody has")),
  readers: v.pipe(
    v.array(
      v.object({
        reader: v.string(),
        contact: v.nullable(v.string()),
        declaredAt: v.string(),
        declaredBy: v.string(),
      }),
    ),
    v.description("who was declared to read it"),
  ),
  writers: v.pipe(
    v.array(v.object({ writer: v.string(), lastAt: v.string() })),
    v.description("who wrote to it in the newest 100,000 entries of the ledger, the last one first"),
  ),
});

export const PreviewAnswer = v.object({
  dryRun: v.literal(true),
  possible: v.pipe(v.boolean(), v.description("false: the change would be refused as things are")),
  conflicts: v.pipe(v.array(Conflict), v.description("all reasons to refuse it; at most 100 are told")),
  tables: v.pipe(
    v.array(TablePreview),
    v.description("what it would do, as far as it could be done; at most 1000 tables are shown"),
  ),
});
export type PreviewAnswer = v.InferOutput<typeof PreviewAnswer>;

/**
 * The answers of a route that knows dry runs. In its type only the change's own answer: who asks for a preview knows that,
 * and everybody else shall not have to tell the two apart.
 */
export function orPreview<Schema extends v.GenericSchema>(answer: Schema): Schema {
  return v.union([answer, PreviewAnswer]) as v.GenericSchema as Schema;
}
