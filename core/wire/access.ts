/**
 * Bodies, parameters and answers of the routes about who may do what: writers, operators, the audit trail, and the readers
 * that were declared of a table (docs/http-api.md).
 *
 * These check forms only; names are parsed by `core/names.ts`.
 */
import * as v from "valibot";
import { ROLES } from "../roles.ts";
import { anyMembers, asBody } from "./json-body.ts";
import { asQuery, Parameter } from "./queries.ts";

const Time = v.pipe(v.string(), v.description("in UTC, as ISO 8601 has it"));
const BigInteger = v.pipe(
  v.union([v.number(), v.string()]),
  v.description("a decimal string where a double could not hold it exactly"),
);

// Writers

export const WriterInfoAnswer = v.object({
  writer: v.string(),
  grants: v.pipe(
    v.nullable(v.array(v.string())),
    v.description("families that it may write; null when none were ever given"),
  ),
  revoked: v.boolean(),
  secretForm: v.pipe(
    v.nullable(v.picklist(["salted", "sha256"])),
    v.description("how the secret is stored; null of a revoked writer"),
  ),
  previousSecretUntil: v.pipe(
    v.nullable(Time),
    v.description("until when the secret before the last rotation is valid; null when there is none"),
  ),
});
export type WriterInfoAnswer = v.InferOutput<typeof WriterInfoAnswer>;
export const WritersAnswer = v.object({ writers: v.array(WriterInfoAnswer) });

/** Of POST /writers/{writer}/secret. */
export const RotateQuery = asQuery(
  v.strictObject({
    overlap: Parameter(
      "how long the old secret stays valid beside the new one, such as `24h` or `0s`; 24h if absent, a year at most",
    ),
  }),
);
export type RotateQuery = v.InferOutput<typeof RotateQuery>;

/** Body of PUT /writers/{writer}/grants. */
export const GrantsBody = asBody(
  v.strictObject({
    families: v.pipe(
      v.nullable(v.array(v.string())),
      v.description("all that the writer may write; null as if none had ever been given"),
      v.examples([["shop"]]),
    ),
  }),
  "object",
);
export type GrantsBody = v.InferOutput<typeof GrantsBody>;

// Operators

const RoleMember = v.pipe(
  v.picklist(ROLES),
  v.description(
    "read: look; loader: read and register writers; schema: read and change tables; admin: everything",
  ),
);

/** Body of POST /operators/{name}. */
export const OperatorBody = asBody(v.strictObject({ role: RoleMember }), "object");
export type OperatorBody = v.InferOutput<typeof OperatorBody>;

export const OperatorsAnswer = v.object({
  operators: v.array(
    v.object({ name: v.string(), role: RoleMember, createdAt: Time, createdBy: v.string() }),
  ),
});
export type OperatorsAnswer = v.InferOutput<typeof OperatorsAnswer>;
export const NewOperatorAnswer = v.object({
  name: v.string(),
  role: RoleMember,
  token: v.pipe(v.string(), v.description("told this once; its digest is kept")),
});
export type NewOperatorAnswer = v.InferOutput<typeof NewOperatorAnswer>;
export const OperatorNameAnswer = v.object({ name: v.string() });
export const WhoamiAnswer = v.object({ name: v.string(), role: RoleMember });

// The audit trail

/** Of GET /audit. */
export const AuditQuery = asQuery(
  v.strictObject({
    before: Parameter("`next` of the page before; absent for the newest entries"),
    limit: Parameter("entries of a page at most: 1 to 1000, 100 if absent"),
    actor: Parameter("entries of this operator alone"),
    action: Parameter("entries of this kind alone, such as `table.drop`"),
    target: Parameter("entries about this alone, such as `shop/item`"),
  }),
);
export type AuditQuery = v.InferOutput<typeof AuditQuery>;

export const AuditAnswer = v.object({
  entries: v.array(
    v.object({
      id: BigInteger,
      at: Time,
      actor: v.pipe(v.string(), v.description("operator; `admin-token` for the Executive's own token")),
      action: v.string(),
      target: v.string(),
      detail: v.pipe(
        v.optional(anyMembers),
        v.description("what it was changed to; integers beyond 2^53 are decimal strings"),
      ),
      sequence: v.optional(BigInteger),
    }),
  ),
  next: v.pipe(v.nullable(BigInteger), v.description("the `before` of the next page; null after the oldest")),
});
export type AuditAnswer = v.InferOutput<typeof AuditAnswer>;

// Declared readers

/** Body of PUT /families/{family}/tables/{table}/readers/{reader}. */
export const ReaderBody = asBody(
  v.strictObject({
    contact: v.pipe(
      v.nullish(v.string()),
      v.description("where to reach its people: a channel, an address"),
      v.examples(["#team-checkout"]),
    ),
  }),
  "object",
);
export type ReaderBody = v.InferOutput<typeof ReaderBody>;

export const ReadersAnswer = v.object({
  readers: v.array(
    v.object({
      reader: v.string(),
      contact: v.nullable(v.string()),
      declaredAt: Time,
      declaredBy: v.string(),
    }),
  ),
});
export type ReadersAnswer = v.InferOutput<typeof ReadersAnswer>;
export const ReaderNameAnswer = v.object({ reader: v.string() });
