/** The query parameters of the write API (docs/http-api.md): their forms as texts; whoever takes them parses them. */
import * as v from "valibot";
import { CtlstoreError } from "../errors.ts";

const Parameter = (what: string) => v.optional(v.pipe(v.string(), v.description(what)));

/** Of GET /families/{family}/tables/{table}/rows. */
export const RowsQuery = asQuery(
  v.object({
    after: Parameter("`next` of the page before; absent for the first page"),
    limit: Parameter("rows of a page at most: 1 to 10000, 1000 if absent"),
    fields: Parameter("`key` for the key's fields alone, `all` if absent"),
  }),
);
export type RowsQuery = v.InferOutput<typeof RowsQuery>;

/** The schema as one whose check raises our own error: a parameter that comes twice is a list, not a text. */
function asQuery<Schema extends v.GenericSchema>(schema: Schema): Schema {
  const validate = (value: unknown): { value: unknown } => {
    const result = v.safeParse(schema, value, { abortEarly: true });
    if (result.success) return { value: result.output };
    const name = String(result.issues[0].path?.[0]?.key);
    throw new CtlstoreError("malformed_request", `Cannot read parameter ${name}: it must come once at most`);
  };
  return { ...schema, "~standard": { ...schema["~standard"], validate } };
}
