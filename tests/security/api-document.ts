/** The operations of a live OpenAPI document: what the walk and the fuzz test are made from, so that no route is forgotten. */
import type { ApiDocument } from "../../server/openapi/document.ts";

export interface ApiOperation {
  /** Such as `POST /families/{family}`. */
  readonly name: string;
  readonly method: string;
  /** With parameters in braces. */
  readonly path: string;
  /** `open`, `writer`, or the permission that it needs. */
  readonly access: string;
  readonly query: readonly string[];
  readonly body: { readonly mediaType: string; readonly schema: JsonSchema } | null;
  /** Statuses that the document says it may answer. */
  readonly statuses: readonly number[];
  /** Of the JSON of a 200; null where the document says nothing of it. */
  readonly answer: JsonSchema | null;
}

/** The part of JSON Schema that the document uses. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
}

/** @throws Error when an operation does not say who may use it */
export function operationsOf({ paths }: ApiDocument): ApiOperation[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const name = `${method.toUpperCase()} ${path}`;
      const access = operation["x-ctlstore-access"];
      if (access === undefined) throw new Error(`the document does not say who may use ${name}`);
      const [media] = Object.entries(operation.requestBody?.content ?? {});
      return {
        name,
        method: method.toUpperCase(),
        path,
        access,
        query: (operation.parameters ?? []).filter((one) => one.in === "query").map((one) => one.name),
        body:
          media === undefined ? null : { mediaType: media[0], schema: (media[1].schema ?? {}) as JsonSchema },
        statuses: Object.keys(operation.responses ?? {}).map(Number),
        answer: (operation.responses?.["200"]?.content?.["application/json"]?.schema ??
          null) as JsonSchema | null,
      };
    }),
  );
}

export async function fetchOperations(url: string): Promise<ApiOperation[]> {
  const response = await fetch(`${url}/openapi/json`);
  return operationsOf((await response.json()) as ApiDocument);
}

/** The path with its parameters filled in. @throws Error for a parameter that nobody thought of */
export function filledPath(path: string, parameters: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name];
    if (value === undefined)
      throw new Error(`${path} has a parameter {${name}} that this test has no value for`);
    return encodeURIComponent(value);
  });
}
