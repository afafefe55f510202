/** The OpenAPI document: whole, well-formed, and true to the routes. */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { accessOf } from "../../server/access/route-access.ts";
import { openTestApp } from "./test-app.ts";

interface Operation {
  readonly summary?: string;
  readonly operationId?: string;
  readonly "x-ctlstore-access"?: string;
  readonly security?: ReadonlyArray<Record<string, readonly string[]>>;
  readonly parameters?: ReadonlyArray<{
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }>;
  readonly requestBody?: { readonly content: Record<string, { readonly schema?: object }> };
  readonly responses?: Record<string, Described>;
}

interface Described {
  readonly description?: string;
  readonly content?: Record<string, { readonly schema?: object }>;
}

/** Errors have one form, which the document says once. */
const ERROR_REFERENCE: object = { $ref: "#/components/responses/Error" };

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly securitySchemes: Record<string, unknown>;
    readonly responses: Record<string, Described>;
  };
}

async function readDocument(): Promise<{ document: Document; routes: string[] }> {
  await using app = await openTestApp();
  const answer = await app.call({ method: "GET", path: "/openapi/json", headers: {} });
  const routes = app.app.routes.filter(({ path }) => !path.startsWith("/openapi"));
  return {
    document: answer.json as Document,
    routes: routes.map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, "{$1}")}`),
  };
}

test("I13 the document is small when there are many routes, since whoever can connect may ask for it", async () => {
  const { document } = await readDocument();
  expect(JSON.stringify(document).length).toBeLessThan(250_000);
});

test("the document has every route and no other", async () => {
  const { document, routes } = await readDocument();
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
  expect(described.toSorted()).toEqual(routes.toSorted());
});

test("each operation has a summary, a unique id, its path parameters, known security, and described answers", async () => {
  const { document } = await readDocument();
  expect(document.openapi).toStartWith("3.1");
  expect(document.info.title).not.toBe("");
  const ids: (string | undefined)[] = [];
  for (const [path, operations] of Object.entries(document.paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const operation of Object.values(operations)) {
      ids.push(operation.operationId);
      expect(operation.summary).toBeTruthy();
      const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(parameters.map(({ name, required }) => [name, required])).toEqual(
        names.map((name) => [name, true]),
      );
      for (const requirement of operation.security ?? []) {
        expect(Object.keys(document.components.securitySchemes)).toEqual(
          expect.arrayContaining(Object.keys(requirement)),
        );
      }
      for (const [status, response] of Object.entries(operation.responses ?? {}))
        if (status === "200") expect(response.description).toBeTruthy();
        else expect(response).toEqual(ERROR_REFERENCE);
    }
  }
  expect(ids).not.toContain(undefined);
  expect(new Set(ids).size).toBe(ids.length);
});

test("bodies, answers, errors and an example of the mutations route are described", async () => {
  const { document } = await readDocument();
  const operation = document.paths["/families/{family}/mutations"]?.["post"];
  const body = operation?.requestBody?.content["application/json"]?.schema;
  expect(body).toMatchObject({
    type: "object",
    additionalProperties: false,
    properties: {
      cookie: {},
      check_cookie: {},
      mutations: { items: { required: ["table", "values"] }, examples: [[{ table: "currency" }, {}]] },
    },
  });
  const answer = operation?.responses?.["200"]?.content?.["application/json"]?.schema;
  expect(answer).toMatchObject({ properties: { sequence: {} }, required: ["sequence"] });
  for (const status of ["400", "401", "404", "409", "413", "422", "429", "503", "504", "507"]) {
    expect(operation?.responses?.[status]).toEqual(ERROR_REFERENCE);
  }
  const error = document.components.responses["Error"]?.content?.["application/json"]?.schema;
  expect(error).toMatchObject({ properties: { error: { required: ["code", "message"] } } });
});

test("every request body of the document has a media type with a schema", async () => {
  const { document } = await readDocument();
  for (const operations of Object.values(document.paths)) {
    for (const { requestBody } of Object.values(operations)) {
      if (requestBody === undefined) continue;
      const media = Object.values(requestBody.content);
      expect(media.length).toBe(1);
      expect(media[0]?.schema).toBeDefined();
    }
  }
});

test("D22 each operation asks for what the front door asks for", async () => {
  const { document } = await readDocument();
  const FORMS: Record<string, NonNullable<Operation["security"]>> = {
    open: [],
    writer: [{ writer: [], secret: [] }],
  };
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const access = accessOf(method.toUpperCase(), path.replace(/\{(\w+)\}/g, ":$1"));
      expect([path, method, operation["x-ctlstore-access"]]).toEqual([path, method, access]);
      expect({ security: operation.security }).toEqual({
        security: FORMS[access] ?? [{ operatorToken: [] }],
      });
    }
  }
});

test("the page shows every operation, runs no script, and loads nothing from anywhere", async () => {
  await using app = await openTestApp();
  const page = await app.call({ method: "GET", path: "/openapi", headers: {} });
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  expect(page.text).toContain('href="openapi/json"');
  expect(page.text).not.toMatch(/<script|<link|<img|<iframe|\bsrc=|https?:|\bon\w+=/i);
  const { document } = await readDocument();
  for (const path of Object.keys(document.paths)) expect(page.text).toContain(`<code>${path}</code>`);
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toStartWith("default-src 'none'; style-src 'sha256-");
  expect(policy).toContain("frame-ancestors 'none'");
  // The one style that the policy allows is the one that is there.
  const style = /<style>([\s\S]*?)<\/style>/.exec(page.text)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  expect(policy).toContain(`'sha256-${hash}'`);
});
