/**
 * The request bodies of the write API (docs/http-api.md).
 *
 * These check forms only. Names are parsed by `core/names.ts`, schemas by `core/schema.ts`, and values against their
 * fields' types by the ctldb, since only it knows the table. `null` means absent wherever the original's clients, which
 * send it for whatever they left out, may send it.
 */
import * as v from "valibot";
import { anyMembers, asBody } from "./json-body.ts";

const FieldDeclaration = v.pipe(
  v.strictTuple([v.string(), v.string()]),
  v.description("name and type; types: string, integer, decimal, text, binary, bytestring"),
);

const Fields = v.pipe(
  v.array(FieldDeclaration),
  v.examples([
    [
      ["name", "string"],
      ["weight", "decimal"],
    ],
  ]),
);
const KeyFields = v.pipe(
  v.array(v.string()),
  v.description("the primary key, in its order, which need not be the order of the fields"),
  v.examples([["name"]]),
);

/** Body of POST /families/{family}/tables/{table}. */
export const CreateTableBody = asBody(v.strictObject({ fields: Fields, keyFields: KeyFields }), "object");
export type CreateTableBody = v.InferOutput<typeof CreateTableBody>;

/** Body of PUT /families/{family}/tables/{table}. */
export const AddFieldsBody = asBody(v.strictObject({ fields: Fields }), "object");
export type AddFieldsBody = v.InferOutput<typeof AddFieldsBody>;

/** Body of POST /tables: what the schema routes return. */
export const CreateTablesBody = asBody(
  v.array(v.strictObject({ family: v.string(), name: v.string(), fields: Fields, keyFields: KeyFields })),
  "array",
);
export type CreateTablesBody = v.InferOutput<typeof CreateTablesBody>;

const Base64 = (what: string) =>
  v.nullish(v.pipe(v.string(), v.description(`${what}, as base64 with padding`)));

const WireMutation = v.strictObject({
  table: v.string(),
  delete: v.pipe(v.nullish(v.boolean()), v.description("true deletes the row with this key")),
  values: v.pipe(
    anyMembers,
    v.description(
      "by field name. Missing fields of an upsert become null; of a delete only the key counts. Integers may be decimal strings, bytes are base64.",
    ),
  ),
});
export type WireMutation = v.InferInput<typeof WireMutation>;

/** Body of POST /families/{family}/mutations. */
export const MutationsBody = asBody(
  v.strictObject({
    cookie: Base64("the cookie to store with this batch; absent leaves the stored one alone"),
    check_cookie: Base64("the batch is applied only if the stored cookie equals this"),
    mutations: v.pipe(
      v.nullish(v.array(WireMutation)),
      v.description("applied in order, all or none"),
      v.examples([
        [
          { table: "currency", values: { code: "EUR", digits: 2 } },
          { table: "currency", delete: true, values: { code: "DEM" } },
        ],
      ]),
    ),
  }),
  "object",
);
export type MutationsBody = v.InferOutput<typeof MutationsBody>;
