/**
 * The HTTP face that a service shows to operators: `/status`, `/healthz`, `/readyz`, `/metrics`. It answers from
 * memory, whatever is away (R46).
 */
import { type ErrorCode, quote } from "../errors.ts";
import { stringifyJson } from "../exact-json.ts";
import { listen, type TlsFiles } from "./listen.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

export interface StatusEndpointDeps {
  /** The document behind `/status`. */
  readonly status: () => unknown;
  /** Whether the service does what it is for, with what it says about that. */
  readonly readiness: () => { readonly ready: boolean } & Readonly<Record<string, unknown>>;
  readonly metrics: Metrics;
  /** Told of certificates that change. */
  readonly logger?: Logger;
}

export interface StatusEndpoint {
  readonly url: string;
  stop(): Promise<void>;
}

export interface StatusEndpointOptions {
  /** `host:port` or `unix:PATH`; port 0 takes any free one. */
  readonly bind: string;
  readonly tls?: TlsFiles;
}

/** On Bun and Node. @throws CtlstoreError `config_invalid` */
export async function startStatusEndpoint(
  deps: StatusEndpointDeps,
  { bind, tls }: StatusEndpointOptions,
): Promise<StatusEndpoint> {
  const { metrics, logger } = deps;
  const listener = await listen(bind, {
    fetch: (request) => answer(deps, request),
    metrics,
    ...(logger === undefined ? {} : { logger }),
    ...(tls === undefined ? {} : { tls }),
  });
  return { url: listener.url, stop: () => listener.stop(true) };
}

function answer(deps: StatusEndpointDeps, request: Request): Response | Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return failure(405, "method_not_allowed", `Cannot ${request.method} here: only GET is answered`);
  }
  // Of a request that names no host, as many health checks of HTTP/1.0 do, Bun gives the path alone.
  const pathname = pathOf(request.url);
  switch (pathname) {
    case "/status":
      return json(200, deps.status());
    case "/healthz":
      return json(200, { ok: true });
    case "/readyz": {
      const readiness = deps.readiness();
      return json(readiness.ready ? 200 : 503, readiness);
    }
    case "/metrics":
      return exposition(deps);
    default:
      return failure(404, "unknown_route", `Cannot find ${quote(pathname)}: there is no such route`);
  }
}

function pathOf(url: string): string {
  try {
    return new URL(url, "http://localhost").pathname;
  } catch {
    return url;
  }
}

async function exposition(deps: StatusEndpointDeps): Promise<Response> {
  return new Response(await deps.metrics.render(), { headers: { "content-type": deps.metrics.contentType } });
}

function json(status: number, body: unknown): Response {
  return new Response(`${stringifyJson(body)}\n`, {
    status,
    headers: { "content-type": "application/json" },
  });
}

function failure(status: number, code: ErrorCode, message: string): Response {
  return json(status, { error: { code, message } });
}
