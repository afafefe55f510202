/** The query parameters of the write API (docs/http-api.md): their forms as texts; whoever takes them parses them. */
import * as v from "valibot";
import { CtlstoreError, quote } from "../errors.ts";

/** A parameter that may be left out. */
export const Parameter = (what: string) => v.optional(v.pipe(v.string(), v.description(what)));

/** Of GET /families/{family}/tables/{table}/rows. */
export const RowsQuery = asQuery(
  v.object({
    after: Parameter("`next` of the page before; absent for the first page"),
    limit: Parameter("rows of a page at most: 1 to 10000, 1000 if absent"),
    fields: Parameter("`key` for the key's fields alone, `all` if absent"),
    prefix: Parameter(
      "only rows whose key begins with these values: a JSON array of the first parts of the key, as mutations take them",
    ),
  }),
);
export type RowsQuery = v.InferOutput<typeof RowsQuery>;

/**
 * The schema as one whose check raises our own error: a parameter that comes twice is a list, not a text, and one that a
 * `strictObject` does not name is refused.
 */
export function asQuery<Schema extends v.GenericSchema>(schema: Schema): Schema {
  const validate = (value: unknown): { value: unknown } => {
    const result = v.safeParse(schema, value, { abortEarly: true });
    if (result.success) return { value: result.output };
    const [{ path, type }] = result.issues;
    const name = String(path?.[0]?.key);
    const reason = type === "strict_object" ? "it means nothing here" : "it must come once at most";
    throw new CtlstoreError("malformed_request", `Cannot read parameter ${quoteName(name)}: ${reason}`);
  };
  return { ...schema, "~standard": { ...schema["~standard"], validate } };
}

/** Whoever asks made the name up. */
function quoteName(name: string): string {
  return /^\w{1,64}$/.test(name) ? name : quote(name);
}
