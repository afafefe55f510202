/**
 * The OpenAPI document, made of the routes themselves.
 *
 * What each operation asks for is taken from the table of access, not from the route, so that the document says what the
 * front door does (D22).
 */
import { toOpenAPISchema } from "@elysiajs/openapi";
import type { AnyElysia } from "elysia";
import { ROLES, roleAllows } from "../../core/roles.ts";
import { VERSION } from "../../core/version.ts";
import { ErrorAnswer } from "../../core/wire/answers.ts";
import { wireJsonSchema } from "../../core/wire/json-schema.ts";
import { type Access, accessOf } from "../access/route-access.ts";
import { SECRET_HEADER, WRITER_HEADER } from "../credentials.ts";

const OPENAPI_VERSION = "3.1.2";

/** What is used here of an operation; the rest is handed on as it is. */
export interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: ReadonlyArray<{
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: { readonly description?: string };
  }>;
  readonly requestBody?: {
    readonly description?: string;
    readonly content: Readonly<Record<string, { readonly schema?: unknown }>>;
  };
  readonly responses?: Readonly<
    Record<string, { readonly description?: string; readonly content?: Record<string, { schema?: unknown }> }>
  >;
  readonly security?: ReadonlyArray<Readonly<Record<string, readonly string[]>>>;
  /** `open`, `writer`, or the permission that the operator's role must have. */
  readonly "x-ctlstore-access"?: Access;
}

export interface ApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: ReadonlyArray<{ readonly name: string; readonly description: string }>;
  readonly components: Readonly<Record<string, unknown>>;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const TAGS = [
  { name: "writes", description: "What writers do" },
  { name: "writers", description: "Writers, their secrets, grants and cookies" },
  { name: "schema", description: "Families, tables and fields" },
  { name: "limits", description: "What writers and tables may use" },
  { name: "operators", description: "Who may operate, and who did what" },
  { name: "operations", description: "Health, status and metrics" },
];

const SECURITY_SCHEMES = {
  operatorToken: {
    type: "http",
    scheme: "bearer",
    description: "An operator's token, or the Executive's admin token",
  },
  writer: { type: "apiKey", in: "header", name: WRITER_HEADER },
  secret: { type: "apiKey", in: "header", name: SECRET_HEADER },
};

const ERROR = {
  description: "What was wrong; its `code` says it for programs",
  content: { "application/json": { schema: wireJsonSchema(ErrorAnswer) } },
};

/** @param app with all of its routes */
export function describeApi(app: AnyElysia): ApiDocument {
  const { paths, components } = toOpenAPISchema(app, undefined, undefined, { valibot: wireJsonSchema });
  return {
    openapi: OPENAPI_VERSION,
    info: {
      title: "ctlstore Executive",
      version: VERSION,
      description: "The write API of ctlstore. Reads go to the local LDB of each host, not here.",
    },
    tags: TAGS,
    components: { ...components, securitySchemes: SECURITY_SCHEMES, responses: { Error: ERROR } },
    // The plug-in types operations more loosely than it makes them.
    paths: withAccess(withOneError(withNullInEnums(paths as ApiDocument["paths"]))),
  };
}

/** The plug-in makes "one of these, or null" a type with null, and leaves null out of what it may be one of. */
function withNullInEnums(paths: ApiDocument["paths"]): ApiDocument["paths"] {
  return JSON.parse(JSON.stringify(paths), (_name, value) =>
    isEnumOfNullable(value) ? { ...value, enum: [...value.enum, null] } : value,
  );
}

function isEnumOfNullable(value: unknown): value is { readonly enum: readonly unknown[] } {
  if (typeof value !== "object" || value === null || !("enum" in value) || !("type" in value)) return false;
  const { type, enum: choices } = value;
  return Array.isArray(type) && type.includes("null") && Array.isArray(choices) && !choices.includes(null);
}

/**
 * Errors have one form, which stands in the document once: repeated for every status of every route it would be a megabyte,
 * and whoever can connect may ask for it.
 */
function withOneError(paths: ApiDocument["paths"]): ApiDocument["paths"] {
  const form = JSON.stringify(ERROR.content["application/json"].schema);
  return JSON.parse(JSON.stringify(paths), (_name, value) =>
    JSON.stringify(value?.content?.["application/json"]?.schema) === form
      ? { $ref: "#/components/responses/Error" }
      : value,
  );
}

function withAccess(paths: ApiDocument["paths"]): ApiDocument["paths"] {
  const described = Object.entries(paths).map(([path, operations]) => {
    const pattern = path.replace(/\{(\w+)\}/g, ":$1");
    const withSecurity = Object.entries(operations).map(([method, operation]) => {
      const access = accessOf(method.toUpperCase(), pattern);
      return [method, { ...operation, ...securityOf(access), "x-ctlstore-access": access }];
    });
    return [path, Object.fromEntries(withSecurity)];
  });
  return Object.fromEntries(described);
}

function securityOf(access: Access): Pick<Operation, "security"> {
  if (access === "open") return { security: [] };
  return { security: [access === "writer" ? { writer: [], secret: [] } : { operatorToken: [] }] };
}

/** For people: whose credentials an operation takes. */
export function accessText(access: Access): string {
  if (access === "open") return "open to all";
  if (access === "writer") return "a writer, with its secret";
  const roles = ROLES.filter((role) => roleAllows(role, access));
  return `operators of role ${roles.join(", ")}`;
}
