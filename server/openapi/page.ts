/**
 * The OpenAPI document as a page for people.
 *
 * Whole as it is: no script, and nothing from elsewhere, so that whoever looks at it runs no code of others beside the
 * Executive, and it works where there is no way out. Its policy forbids the browser everything else.
 */
import { createHash } from "node:crypto";
import { type ApiDocument, accessText, type Operation } from "./document.ts";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2rem; }
summary { cursor: pointer; padding: .2rem 0; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .7rem; background: color-mix(in srgb, currentColor 8%, transparent); }
details > :not(summary) { margin-left: 1.2rem; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; }
.access { opacity: .7; }
:root { color-scheme: light dark; }
`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "referrer-policy": "no-referrer",
};

export function openapiPage(document: ApiDocument): Response {
  return new Response(pageOf(document), { headers: HEADERS });
}

interface Described {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

function pageOf({ info, tags, paths }: ApiDocument): string {
  const all: Described[] = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
  const sections = tags.map(({ name, description }) => {
    const described = all.filter(({ operation }) => operation.tags?.includes(name));
    return `<h2>${escaped(description)}</h2>${described.map(operationOf).join("")}`;
  });
  const title = escaped(info.title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title} ${escaped(info.version)}</h1>
<p>${escaped(info.description)} For programs: <a href="openapi/json">openapi/json</a>.</p>
${sections.join("\n")}
</body>
</html>
`;
}

function operationOf({ method, path, operation }: Described): string {
  const { summary = "", description, "x-ctlstore-access": access = "admin" } = operation;
  const parts = [
    `<summary><span class="method">${method}</span><code>${escaped(path)}</code> ${escaped(summary)}</summary>`,
    `<p class="access">For ${escaped(accessText(access))}.</p>`,
    description === undefined ? "" : `<p>${escaped(description)}</p>`,
    parametersOf(operation),
    bodyOf(operation),
    answersOf(operation),
  ];
  return `<details>${parts.join("")}</details>\n`;
}

function parametersOf({ parameters = [] }: Operation): string {
  const items = parameters
    .filter((parameter) => parameter.in !== "path")
    .map(
      ({ name, schema }) => `<li><code>${escaped(name)}</code> ${escaped(schema?.description ?? "")}</li>`,
    );
  return items.length === 0 ? "" : `<p>Parameters</p><ul>${items.join("")}</ul>`;
}

function bodyOf({ requestBody }: Operation): string {
  if (requestBody === undefined) return "";
  const media = Object.entries(requestBody.content).map(
    ([type, { schema }]) => `<p>Body: ${escaped(type)}</p>${schemaOf(schema)}`,
  );
  return `${requestBody.description === undefined ? "" : `<p>${escaped(requestBody.description)}</p>`}${media.join("")}`;
}

/** Errors have one form, which docs/http-api.md describes; here only what comes when all went well. */
function answersOf({ responses = {} }: Operation): string {
  const media = Object.entries(responses["200"]?.content ?? {});
  return media.map(([type, { schema }]) => `<p>Answer: ${escaped(type)}</p>${schemaOf(schema)}`).join("");
}

function schemaOf(schema: unknown): string {
  return `<pre>${escaped(JSON.stringify(schema, null, 2) ?? "")}</pre>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
