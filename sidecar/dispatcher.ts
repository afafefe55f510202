/** From a request to its answer: route, method, how many may be under way, errors, metrics. */
import { CtlstoreError, quote } from "../core/errors.ts";
import { Call, type CallContext } from "./call.ts";
import { errorAnswer } from "./error-answer.ts";
import { decoded, type RequestPath, requestPathOf } from "./request-path.ts";
import { allowedMethods, type Route } from "./routes.ts";
import { COMMON_HEADERS } from "./state-headers.ts";

export class Dispatcher {
  readonly #context: CallContext;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #maxRequests: number;
  #inFlight = 0;
  #isStopping = false;

  constructor(context: CallContext, routes: ReadonlyMap<string, Route>, maxRequests: number) {
    this.#context = context;
    this.#routes = routes;
    this.#maxRequests = maxRequests;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** From now on requests are refused, so that connections that stay open end. */
  stop(): void {
    this.#isStopping = true;
  }

  async fetch(request: Request): Promise<Response> {
    const { clock, meter, logger } = this.#context;
    const startedMs = clock.monotonicMs();
    const path = requestPathOf(request.url);
    const route = this.#find(path);
    this.#inFlight += 1;
    let response: Response;
    try {
      response = await this.#answer(request, path, route);
    } catch (error) {
      response = errorAnswer(error, logger);
    } finally {
      this.#inFlight -= 1;
    }
    meter.answered(route?.pattern ?? "none", response.status, (clock.monotonicMs() - startedMs) / 1000);
    return response;
  }

  #find({ name, segments }: RequestPath): Route | undefined {
    const route = this.#routes.get(name);
    return route?.names === segments.length && !segments.includes("") ? route : undefined;
  }

  #answer(request: Request, path: RequestPath, route: Route | undefined): Response | Promise<Response> {
    if (this.#isStopping) return this.#refuseWhileStopping();
    if (route === undefined) throw unknownRoute(path, this.#routes.get(path.name));
    const { method } = request;
    if (method !== route.method) {
      if (method === "OPTIONS") return options(route);
      if (method !== "HEAD" || route.method !== "GET") return this.#methodNotAllowed(route);
    }
    if (this.#inFlight > this.#maxRequests && !route.isExempt) return this.#refuse();
    if (request.headers.has("origin")) throw notForPages();
    const names = decoded(path.segments);
    const answer = route.answer(new Call(this.#context, request, { names, query: path.query }));
    return method === "HEAD" ? withoutBody(answer) : answer;
  }

  #methodNotAllowed(route: Route): Response {
    const error = new CtlstoreError(
      "method_not_allowed",
      `Cannot use this method on ${route.pattern}: it takes ${route.method}`,
    );
    return errorAnswer(error, this.#context.logger, { allow: allowedMethods(route) });
  }

  #refuse(): Response {
    const { meter, logger } = this.#context;
    meter.refused();
    const error = `Cannot take the request: ${this.#maxRequests} are under way already`;
    return errorAnswer(new CtlstoreError("overloaded", error), logger);
  }

  #refuseWhileStopping(): Response {
    const error = new CtlstoreError("overloaded", "Cannot take the request: the sidecar is stopping");
    return errorAnswer(error, this.#context.logger, { connection: "close" });
  }
}

/** @param like the route with the same beginning, if there is one: a name is missing, or there is one too many */
function unknownRoute({ name, segments }: RequestPath, like: Route | undefined): CtlstoreError {
  const path = `/${[name, ...segments].join("/")}`;
  return new CtlstoreError("unknown_route", `Cannot find ${quote(path)}: there is no such route`, {
    hint: like === undefined ? "docs/sidecar.md lists the routes" : `there is ${like.pattern}`,
  });
}

/**
 * A browser names the page that posts, and programs name none. Anybody's page can reach a loopback address, under a name of
 * his that he lets resolve to it, and could then read what the sidecar answers.
 */
function notForPages(): CtlstoreError {
  return new CtlstoreError(
    "not_granted",
    "Cannot answer a web page: the sidecar is for programs on its host",
    {
      hint: "a proxy that is meant to ask for pages has to leave out their Origin header",
    },
  );
}

function options(route: Route): Response {
  return new Response(null, { status: 204, headers: { ...COMMON_HEADERS, allow: allowedMethods(route) } });
}

async function withoutBody(answer: Response | Promise<Response>): Promise<Response> {
  const { status, headers } = await answer;
  return new Response(null, { status, headers });
}
