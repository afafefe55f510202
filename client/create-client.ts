/**
 * The typed client of the Executive's HTTP API: Elysia's Eden treaty, its types derived from the server's routes.
 *
 * Nothing of the server is imported at run time, and nothing but `fetch` is needed, so this also runs at the edge.
 */
import { type Treaty, treaty } from "@elysiajs/eden/treaty2";
import type { FetchLike } from "../core/process/fetch/fetch-like.ts";
import type { ErrorAnswer } from "../core/wire/answers.ts";
import type { App } from "../server/app.ts";
import { assertSendable } from "./encode.ts";
import { traceHeaders } from "./trace-headers.ts";

export type { FetchLike } from "../core/process/fetch/fetch-like.ts";

export interface ClientOptions {
  /**
   * The token of an operator, or the Executive's admin token; sent as `Authorization: Bearer …`. Every route needs one but
   * those of cookies and mutations; what an operator may do is said by its role.
   */
  readonly adminToken?: string;
  readonly fetch?: FetchLike;
  /** The `traceparent` (W3C Trace Context) of what is being done, asked for at each call; undefined for none. */
  readonly traceparent?: () => string | undefined;
}

/** Each status that an error may have, with the one body that errors have. */
type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 422 | 429 | 500 | 503 | 504 | 507;

/** The server's routes with our error answers in place of those that Elysia would give by itself. */
type Routes<Tree> = {
  [Name in keyof Tree]: Tree[Name] extends { readonly response: infer Answers }
    ? Omit<Tree[Name], "response"> & {
        response: { 200: Answers[200 & keyof Answers] } & Record<ErrorStatus, ErrorAnswer>;
      }
    : Routes<Tree[Name]>;
};

/** One function per route; see the OpenAPI document (`/openapi`) for what each takes and answers. */
export type Client = Treaty.Sign<Routes<App["~Routes"]>>;

/**
 * Makes a client. It opens no connection.
 *
 * Calls never throw: they resolve to `{ data, error, status, response }`, where `error.value.error.code` is a code of
 * ctlstore, and `response` is undefined when the Executive could not be reached. `unwrap` turns that into data or a
 * thrown `CtlstoreError`. To write rows use `Writer`, which retries safely.
 *
 * @param url where the Executive listens, such as `http://127.0.0.1:3000`
 * @throws CtlstoreError `config_invalid` for a token that no header can have
 *
 * @example
 * const client = createClient("http://127.0.0.1:3000", { adminToken: "…" });
 * unwrap(await client.families({ family: "shop" }).post());
 * unwrap(
 *   await client.families({ family: "shop" }).tables({ table: "currency" }).post({
 *     fields: [["code", "string"], ["digits", "integer"]],
 *     keyFields: ["code"],
 *   }),
 * );
 * unwrap(await client.writers({ writer: "importer" }).post("a secret"));
 */
export function createClient(url: string, options: ClientOptions = {}): Client {
  if (options.adminToken !== undefined) assertSendable("admin token", options.adminToken);
  // The same routes with more exact types for their errors.
  return treaty<App>(url.replace(/\/+$/, ""), {
    keepDomain: url.includes("://"),
    // Texts that look like dates stay texts.
    parseDate: false,
    ...(options.adminToken === undefined && options.traceparent === undefined
      ? {}
      : { headers: () => headersOf(options) }),
    ...(options.fetch === undefined ? {} : { fetcher: options.fetch as typeof fetch }),
  }) as unknown as Client;
}

function headersOf({ adminToken, traceparent }: ClientOptions): Record<string, string> {
  const authorization = adminToken === undefined ? {} : { authorization: `Bearer ${adminToken}` };
  return { ...authorization, ...traceHeaders(traceparent) };
}
