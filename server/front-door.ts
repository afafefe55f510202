/**
 * What every request passes before its route and after it: 404 and 405, OPTIONS and HEAD, the admin token, the
 * declared size, and the metrics.
 *
 * A route needs the admin token unless it is listed in OPEN_ROUTES, so that a new one is closed from its first day (D22).
 */
import { CtlstoreError } from "../core/errors.ts";
import type { AppOptions, RouteContext } from "./context.ts";
import { createAdminCheck } from "./credentials.ts";
import { errorAnswer, unknownRoute } from "./error-answer.ts";
import { createRequestMetrics, type RequestMetrics } from "./executive-metrics.ts";
import { assertDeclaredLength } from "./read-body.ts";
import {
  allowedMethods,
  asRoutable,
  createRouteTable,
  pathOf,
  type Route,
  type RouteTable,
} from "./route-table.ts";

/** Routes that need no admin token: writers bring their own credentials, and the others tell nothing. */
export const OPEN_ROUTES: ReadonlySet<string> = new Set([
  "GET /cookie",
  "POST /cookie",
  "POST /families/:family/mutations",
  "GET /healthz",
  "GET /readyz",
  "GET /metrics",
  "GET /openapi",
  "GET /openapi/json",
]);

/** The router behind the door. */
export type Handle = (request: Request) => Promise<Response> | Response;

/** Methods that get a metric label of their own; anybody can invent more. */
const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

export class FrontDoor {
  readonly #context: RouteContext;
  readonly #isAdmin: (authorization: string | null) => boolean;
  readonly #table: RouteTable;
  readonly #metrics: RequestMetrics;

  constructor(
    context: RouteContext,
    options: Pick<AppOptions, "adminToken">,
    routes: ReadonlyArray<{ readonly method: string; readonly path: string }>,
  ) {
    this.#context = context;
    this.#isAdmin = createAdminCheck(options.adminToken);
    this.#table = createRouteTable(routes);
    this.#metrics = createRequestMetrics(context.metrics, this.#table.routes);
  }

  /** @param handle the router */
  async serve(received: Request, handle: Handle): Promise<Response> {
    const { clock, logger } = this.#context;
    const startedMs = clock.monotonicMs();
    // Before anything looks at it, so that door and router judge the same path.
    const request = asRoutable(received);
    const route = this.#table.find(pathOf(request.url));
    this.#metrics.started();
    let response: Response;
    try {
      response = await this.#answer(request, route, handle);
    } catch (error) {
      response = errorAnswer(error, logger);
    }
    this.#metrics.finished({
      route: route?.pattern ?? "none",
      method: KNOWN_METHODS.has(request.method) ? request.method : "other",
      status: response.status,
      seconds: (clock.monotonicMs() - startedMs) / 1000,
    });
    return response;
  }

  async #answer(request: Request, route: Route | undefined, handle: Handle): Promise<Response> {
    assertDeclaredLength(request, this.#context.limits.requestBytes);
    if (route === undefined) throw unknownRoute();
    if (request.method === "OPTIONS")
      return new Response(null, { status: 204, headers: { allow: allowedMethods(route) } });
    assertDecodable(pathOf(request.url));
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (!route.methods.has(method)) return this.#methodNotAllowed(request, route);
    if (!OPEN_ROUTES.has(`${method} ${route.pattern}`)) this.#assertAdmin(request);
    if (request.method !== "HEAD") return handle(request);
    const { status, headers } = await handle(new Request(request, { method }));
    return new Response(null, { status, headers });
  }

  #methodNotAllowed(request: Request, route: Route): Response {
    const method = KNOWN_METHODS.has(request.method) ? request.method : "this method";
    const error = new CtlstoreError("method_not_allowed", `Cannot use ${method} on ${route.pattern}`);
    const response = errorAnswer(error, this.#context.logger);
    response.headers.set("allow", allowedMethods(route));
    return response;
  }

  #assertAdmin(request: Request): void {
    if (this.#isAdmin(request.headers.get("authorization"))) return;
    throw new CtlstoreError("bad_credentials", "Cannot use this route: it needs the admin token", {
      hint: "send Authorization: Bearer TOKEN",
    });
  }
}

/** The router makes null of a parameter that it cannot decode. */
function assertDecodable(path: string): void {
  try {
    decodeURIComponent(path);
  } catch (cause) {
    throw new CtlstoreError("malformed_request", "Cannot read the path: it is not percent-encoded UTF-8", {
      cause,
    });
  }
}
