/**
 * What every request passes before its route and after it: 404 and 405, OPTIONS and HEAD, the operator's token, the
 * declared size, the headers of every answer, and the metrics.
 *
 * A route asks for what `access/route-access.ts` says, and for an admin when that says nothing (D22).
 */
import { CtlstoreError } from "../core/errors.ts";
import { assertDeclaredLength, readBody } from "../core/process/read-body.ts";
import { AccessControl } from "./access/access-control.ts";
import { noteCaller } from "./access/actor.ts";
import { type CredentialKind, createRefusals, type Refusals } from "./access/refusals.ts";
import { withCommonHeaders } from "./access/response-headers.ts";
import { accessOf } from "./access/route-access.ts";
import { COUNTED_ROUTES } from "./answer-budget.ts";
import type { AppOptions, RouteContext } from "./context.ts";
import { assertKnowsDryRun } from "./dry-run-routes.ts";
import { errorAnswer, unknownRoute } from "./error-answer.ts";
import { createRequestMetrics, type RequestMetrics } from "./executive-metrics.ts";
import { beginRequest, endRequest, noteSpan, tracedErrorAnswer } from "./request-trace.ts";
import {
  allowedMethods,
  asRoutable,
  createRouteTable,
  pathOf,
  type RegisteredRoute,
  type Route,
  type RouteTable,
} from "./route-table.ts";

/** The router behind the door. */
export type Handle = (request: Request) => Promise<Response> | Response;

/** Methods that get a metric label of their own; anybody can invent more. */
const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

export class FrontDoor {
  readonly #context: RouteContext;
  readonly #access: AccessControl;
  readonly #refusals: Refusals;
  readonly #table: RouteTable;
  readonly #metrics: RequestMetrics;

  constructor(
    context: RouteContext,
    options: Pick<AppOptions, "adminToken" | "openTo">,
    routes: readonly RegisteredRoute[],
  ) {
    this.#context = context;
    const { adminToken, openTo = "this-host" } = options;
    this.#access = new AccessControl(context.ctldb.operators, { adminToken, openTo });
    this.#refusals = createRefusals(context);
    this.#table = createRouteTable(routes);
    this.#metrics = createRequestMetrics(context.metrics, this.#table.routes);
  }

  /** @param handle the router */
  async serve(received: Request, handle: Handle): Promise<Response> {
    const { clock, logger, tracer } = this.#context;
    const startedMs = clock.monotonicMs();
    // Before anything looks at it, so that door and router judge the same path.
    const request = asRoutable(received);
    const route = this.#table.find(pathOf(request.url));
    const pattern = route?.pattern ?? "none";
    const method = KNOWN_METHODS.has(request.method) ? request.method : "other";
    this.#metrics.started();
    const span = beginRequest(tracer, request, { route: pattern, method });
    noteSpan(request, span);
    let response: Response;
    try {
      response = await this.#answer(request, route, handle);
    } catch (error) {
      response = tracedErrorAnswer(error, request, logger);
    }
    endRequest(span, response.status);
    if (response.status === 401) this.#refusals.note(kindOf(request, pattern), pattern);
    this.#metrics.finished({
      route: pattern,
      method,
      status: response.status,
      seconds: (clock.monotonicMs() - startedMs) / 1000,
    });
    return withCommonHeaders(response);
  }

  async #answer(request: Request, route: Route | undefined, handle: Handle): Promise<Response> {
    assertDeclaredLength(request, this.#context.limits.requestBytes);
    if (route === undefined) throw unknownRoute();
    if (request.method === "OPTIONS")
      return new Response(null, { status: 204, headers: { allow: allowedMethods(route) } });
    assertDecodable(pathOf(request.url));
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (!route.methods.has(method)) return this.#methodNotAllowed(request, route);
    const routed = method === request.method ? request : new Request(request, { method });
    const access = accessOf(method, route.pattern);
    // Writers' secrets are judged by the ctldb.
    if (access !== "open" && access !== "writer") {
      const judge = () => this.#access.admit(request, access);
      noteCaller(routed, await judge(), judge);
    }
    assertKnowsDryRun(routed, route.pattern);
    // Bun hands a request on with its head, and refuses a broken body by itself: nothing may have been changed by then.
    if (route.bodiless.has(method)) {
      const { limits } = this.#context;
      await readBody(routed, limits.requestBytes, limits);
    }
    if (COUNTED_ROUTES.has(route.pattern)) return this.#counted(routed, request, handle);
    if (request.method !== "HEAD") return handle(routed);
    const { status, headers } = await handle(routed);
    return new Response(null, { status, headers });
  }

  async #counted(routed: Request, { method, signal }: Request, handle: Handle): Promise<Response> {
    const { answers } = this.#context.limits;
    answers.assertRoom();
    const answer = await handle(routed);
    if (method !== "HEAD") return answers.count(answer, signal);
    return new Response(null, { status: answer.status, headers: answer.headers });
  }

  #methodNotAllowed(request: Request, route: Route): Response {
    const method = KNOWN_METHODS.has(request.method) ? request.method : "this method";
    const error = new CtlstoreError("method_not_allowed", `Cannot use ${method} on ${route.pattern}`);
    const response = errorAnswer(error, this.#context.logger);
    response.headers.set("allow", allowedMethods(route));
    return response;
  }
}

function kindOf({ method }: Request, pattern: string): CredentialKind {
  return accessOf(method === "HEAD" ? "GET" : method, pattern) === "writer" ? "writer" : "operator";
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
