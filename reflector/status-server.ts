/**
 * The Reflector's HTTP face: `/status`, `/healthz`, `/readyz`, `/metrics`.
 *
 * It answers from memory, whatever is away (R46), and reads nothing but the LDB's file sizes.
 */
import { type ErrorCode, quote } from "../core/errors.ts";
import { stringifyJson } from "../core/exact-json.ts";
import { listen } from "../core/process/listen.ts";
import type { Metrics } from "../core/process/metrics.ts";
import type { ReflectorStatus } from "./state.ts";

export interface StatusServerDeps {
  readonly status: () => ReflectorStatus;
  /** Brings the registry up to date. */
  readonly refreshMetrics: () => void;
  readonly metrics: Metrics;
}

export interface StatusServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param bind `host:port`; port 0 takes any free one. @throws CtlstoreError `config_invalid` */
export function startStatusServer(deps: StatusServerDeps, bind: string): StatusServer {
  const server = listen(bind, { fetch: (request) => answer(deps, request) });
  return { url: server.url.href.replace(/\/$/, ""), stop: () => server.stop(true) };
}

function answer(deps: StatusServerDeps, request: Request): Response | Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return failure(405, "method_not_allowed", `Cannot ${request.method} here: only GET is answered`);
  }
  // Of a request that names no host, as many health checks of HTTP/1.0 do, Bun gives the path alone.
  const pathname = URL.parse(request.url, "http://localhost")?.pathname ?? request.url;
  switch (pathname) {
    case "/status":
      return json(200, deps.status());
    case "/healthz":
      return json(200, { ok: true });
    case "/readyz":
      return readyz(deps.status());
    case "/metrics":
      return exposition(deps);
    default:
      return failure(404, "unknown_route", `Cannot find ${quote(pathname)}: there is no such route`);
  }
}

function readyz({ readiness, state, reason }: ReflectorStatus): Response {
  const { ready, healthy, lagSeconds } = readiness;
  return json(ready ? 200 : 503, { ready, healthy, lagSeconds, state, reason });
}

async function exposition(deps: StatusServerDeps): Promise<Response> {
  deps.refreshMetrics();
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
