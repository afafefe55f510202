/** Every way in which an operation is asked for by whoever may not. */

import { testSecret } from "../support/secrets.ts";
import { SERVICE_ADMIN_TOKEN } from "../support/services.ts";
import type { ApiOperation } from "./api-document.ts";
import { filledPath } from "./api-document.ts";
import { headersOf, PARAMETERS, type WalkWorld, WRITERS } from "./walk-world.ts";

/** Which roles have a permission: written down here once more, so that a slip in the table of roles shows. */
const ROLES_WITH: Readonly<Record<string, readonly string[]>> = {
  read: ["read", "loader", "schema", "admin"],
  register: ["loader", "admin"],
  schema: ["schema", "admin"],
  admin: ["admin"],
};

export interface Refusal {
  readonly who: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: 401 | 403;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** @throws Error for an access that nobody thought of */
export function refusalsOf(operation: ApiOperation, world: WalkWorld): Refusal[] {
  const { access } = operation;
  if (access === "open") return [];
  if (access === "writer") return writerRefusals(operation);
  const allowed = ROLES_WITH[access];
  if (allowed === undefined) throw new Error(`${operation.name} asks for ${access}, which is no permission`);
  const lower = Object.entries(world.tokens).filter(([role]) => !allowed.includes(role));
  return [
    ...strangers(world),
    ...lower.map(([role, token]): Refusal => ({ who: `role ${role}`, headers: bearer(token), status: 403 })),
  ];
}

function strangers({ revokedToken }: WalkWorld): Refusal[] {
  const ways: [string, Record<string, string>][] = [
    ["nobody", {}],
    ["a wrong token", bearer(`ctl_${"A".repeat(43)}`)],
    ["an empty token", { authorization: "Bearer " }],
    ["half of the token", bearer(SERVICE_ADMIN_TOKEN.slice(0, -1))],
    ["a longer token", bearer(`${SERVICE_ADMIN_TOKEN}x`)],
    ["a revoked token", bearer(revokedToken)],
    ["the token without its scheme", { authorization: SERVICE_ADMIN_TOKEN }],
    ["the token as a password", { authorization: `Basic ${btoa(`admin:${SERVICE_ADMIN_TOKEN}`)}` }],
    [
      "the token in other headers",
      { "x-api-key": SERVICE_ADMIN_TOKEN, cookie: `token=${SERVICE_ADMIN_TOKEN}` },
    ],
    ["a writer", headersOf(WRITERS.granted)],
    [
      "a proxy's word for it",
      { "x-forwarded-for": "127.0.0.1", "x-forwarded-user": "admin", forwarded: "for=127.0.0.1" },
    ],
  ];
  return ways.map(([who, headers]) => ({ who, headers, status: 401 }));
}

function writerRefusals({ path }: ApiOperation): Refusal[] {
  const { granted, stranger, revoked, replaced } = WRITERS;
  const ways: [string, Record<string, string>][] = [
    ["nobody", {}],
    ["a writer with a wrong secret", headersOf({ ...granted, secret: testSecret("wrong") })],
    ["a writer with another's secret", headersOf({ ...granted, secret: stranger.secret })],
    ["a writer without a secret", { "ctlstore-writer": granted.name }],
    ["a writer with an empty secret", headersOf({ ...granted, secret: "" })],
    ["a writer with the mark of a revoked one", headersOf({ ...revoked, secret: "!" })],
    ["an unknown writer", headersOf({ name: "nobody", secret: granted.secret })],
    ["a revoked writer", headersOf(revoked)],
    ["a writer with its secret of before", headersOf(replaced)],
    ["an operator", bearer(SERVICE_ADMIN_TOKEN)],
  ];
  const refusals: Refusal[] = ways.map(([who, headers]) => ({ who, headers, status: 401 }));
  if (path.includes("{family}"))
    refusals.push({ who: "a writer of another family", headers: headersOf(stranger), status: 403 });
  return refusals;
}

const BODIES: Readonly<Record<string, string>> = {
  "POST /families/{family}/tables/{table}": '{"fields":[["id","integer"]],"keyFields":["id"]}',
  "PUT /families/{family}/tables/{table}": '{"fields":[["extra","text"]]}',
  "POST /tables": '[{"family":"shop","name":"extra","fields":[["id","integer"]],"keyFields":["id"]}]',
  "POST /families/{family}/mutations": '{"mutations":[{"table":"item","values":{"id":2}}]}',
  "POST /limits/tables/{family}/{table}": '{"max-size":1000000,"warn-size":1000}',
  "POST /limits/writers/{writer}": '{"amount":7,"period":"1m"}',
  "POST /limits/fleet": '{"amount":7,"period":"1m"}',
  "PUT /writers/{writer}/grants": '{"families":["bank"]}',
  "POST /operators/{name}": '{"role":"admin"}',
  "PUT /families/{family}/tables/{table}/readers/{reader}": '{"contact":"#nobody"}',
  "POST /cookie": "stolen",
  "POST /writers/{writer}": WRITERS.granted.secret,
  "POST /writers/{writer}/secret": WRITERS.granted.secret,
};

/** A body with which the operation would change something, if only it were let in. @throws Error when there is none here */
export function bodyOf({ name, body }: ApiOperation): string | null {
  const given = BODIES[name];
  if (body !== null && given === undefined)
    throw new Error(`${name} has a body, and this test has none for it`);
  return given ?? null;
}

/** Paths that are the operation's, or that somebody might take for it. */
function targetsFor(path: string): [what: string, target: string][] {
  const [, first = "", rest = ""] = /^\/([^/]+)(.*)$/.exec(path) ?? [];
  const encodedFirst = `%${first.charCodeAt(0).toString(16)}${first.slice(1)}`;
  return [
    ["as it is", path],
    ["a slash at the end", `${path}/`],
    ["two slashes", `/${path}`],
    ["two slashes within", path.replace(/(.)\//, "$1//")],
    ["a dot", `/.${path}`],
    ["up from an open route", `/healthz/..${path}`],
    ["up from an open route, encoded", `/healthz/%2e%2e${path}`],
    ["up, with the slash encoded", `/healthz/..%2f${path.slice(1)}`],
    ["slashes encoded", `/${path.slice(1).replaceAll("/", "%2F")}`],
    ["backslashes", path.replaceAll("/", "\\")],
    ["a letter encoded", `/${encodedFirst}${rest}`],
    ["a letter encoded twice", `/${encodedFirst.replace("%", "%25")}${rest}`],
    ["upper case", path.toUpperCase()],
    ["path parameters", `/healthz;${path}`],
    ["an open route behind a semicolon", `${path};/healthz`],
    ["an open route in the query", `${path}?/healthz`],
    ["an open route in the fragment", `${path}#/healthz`],
    ["NUL", `${path}%00`],
    ["a line break", `${path}%0d%0a`],
    ["overlong UTF-8", `${path.slice(0, -1)}%c0%af`],
    ["the absolute form", `http://localhost${path}`],
    ["the absolute form of another host", `http://healthz${path}`],
    ["the absolute form with a user", `http://admin:admin@localhost${path}`],
    ["the absolute form, short", `http://a${path}`],
    ["no slash", path.slice(1)],
    ["a host's place", `//localhost${path}`],
  ];
}

export interface Disguise {
  readonly what: string;
  readonly bytes: string;
}

/**
 * Requests as bytes that mean the operation, or might be taken for it on one side of a door and not on the other.
 * @param credentials a header line, or none
 */
export function disguisesOf(operation: ApiOperation, credentials: string | null): Disguise[] {
  const path = filledPath(operation.path, PARAMETERS);
  const body = bodyOf(operation) ?? "";
  const message = (line: string, headers: readonly string[] = ["host: localhost"]) => {
    const length = body === "" ? [] : [`content-length: ${Buffer.byteLength(body)}`];
    const lines = [
      line,
      ...headers,
      ...(credentials === null ? [] : [credentials]),
      "connection: close",
      ...length,
    ];
    return `${lines.join("\r\n")}\r\n\r\n${body}`;
  };
  const { method } = operation;
  return [
    ...targetsFor(path).map(([what, target]) => ({ what, bytes: message(`${method} ${target} HTTP/1.1`) })),
    { what: "no host", bytes: message(`${method} ${path} HTTP/1.0`, []) },
    { what: "a host that is a path", bytes: message(`${method} ${path} HTTP/1.1`, ["host: a/healthz?"]) },
    { what: "two hosts", bytes: message(`${method} ${path} HTTP/1.1`, ["host: localhost", "host: a"]) },
    { what: "a host of other characters", bytes: message(`${method} ${path} HTTP/1.1`, ["host: [::1"]) },
    { what: "an empty host", bytes: message(`${method} ${path} HTTP/1.1`, ["host:"]) },
    {
      what: "a path that a proxy would set",
      bytes: message(`GET /healthz HTTP/1.1`, [
        "host: a",
        `x-original-url: ${path}`,
        `x-rewrite-url: ${path}`,
        `x-http-method-override: ${method}`,
      ]),
    },
    { what: "a method in lower case", bytes: message(`${method.toLowerCase()} ${path} HTTP/1.1`) },
    { what: "HEAD", bytes: message(`HEAD ${path} HTTP/1.1`) },
    { what: "OPTIONS", bytes: message(`OPTIONS ${path} HTTP/1.1`) },
    { what: "TRACE", bytes: message(`TRACE ${path} HTTP/1.1`) },
    { what: "PATCH", bytes: message(`PATCH ${path} HTTP/1.1`) },
    { what: "a method of our own", bytes: message(`TAKE ${path} HTTP/1.1`) },
    {
      what: "authorization twice",
      bytes: message(`${method} ${path} HTTP/1.1`, [
        "host: a",
        "authorization: Bearer x",
        "authorization: Bearer y",
      ]),
    },
  ];
}
