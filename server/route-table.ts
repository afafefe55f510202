/** Which routes there are: for 404, 405 with Allow, OPTIONS, and the route label of metrics. */

/** The part of the router's own record of a route that is looked at. */
export interface RegisteredRoute {
  readonly method: string;
  readonly path: string;
  readonly hooks?: { readonly body?: unknown; readonly detail?: { readonly requestBody?: unknown } };
}

export interface Route {
  /** As registered, such as `/families/:family`. */
  readonly pattern: string;
  readonly methods: ReadonlySet<string>;
  /** Those that may change something and whose route declares no body: it reads none. */
  readonly bodiless: ReadonlySet<string>;
}

export interface RouteTable {
  readonly routes: readonly Route[];
  /** The route that a path belongs to, whatever the method. */
  find(path: string): Route | undefined;
}

export function createRouteTable(registered: readonly RegisteredRoute[]): RouteTable {
  const byPattern = Map.groupBy(registered, ({ path }) => path);
  const routes = [...byPattern].map(([pattern, ofPattern]) => ({
    pattern,
    methods: new Set(ofPattern.map(({ method }) => method)),
    bodiless: new Set(ofPattern.filter(declaresNoBody).map(({ method }) => method)),
    segments: pattern.split("/"),
  }));
  // As the router does, a literal segment goes before a parameter.
  routes.sort((a, b) => parameterCount(a.segments) - parameterCount(b.segments));
  return {
    routes,
    find: (path) => {
      const segments = path.split("/");
      return routes.find((route) => matches(route.segments, segments));
    },
  };
}

function declaresNoBody({ method, hooks }: RegisteredRoute): boolean {
  return method !== "GET" && hooks?.body === undefined && hooks?.detail?.requestBody === undefined;
}

function parameterCount(segments: readonly string[]): number {
  return segments.filter((segment) => segment.startsWith(":")).length;
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  if (pattern.length !== path.length) return false;
  return pattern.every((segment, i) => (segment.startsWith(":") ? path[i] !== "" : segment === path[i]));
}

/** Value of an Allow header. */
export function allowedMethods(route: Route): string {
  const methods = new Set([...route.methods, "OPTIONS"]);
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].sort().join(", ");
}

/** The path of a request's URL, unchanged, up to the query. */
export function pathOf(url: string): string {
  const start = pathStart(url);
  if (start < 0) return "/";
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

/** Of a request that names no host, as many health checks of HTTP/1.0 do, Bun gives the path alone. */
function pathStart(url: string): number {
  const origin = ORIGIN.exec(url)?.[0];
  return url.indexOf("/", origin?.length ?? 0);
}

const ORIGIN = /^https?:\/\//;

/** Where Elysia begins to look for the path. */
const ELYSIA_PATH_START = 11;

/**
 * The request as Elysia can route it, by the very path that `pathOf` gives (D22). Elysia takes every URL to have a host
 * of at least four letters, so that of `http://db/families` it would see no path, and of `http://db/a/families` or of a
 * URL without a host another one. The path may change here, as `/a/./b` becomes `/a/b`.
 */
export function asRoutable(request: Request): Request {
  const start = pathStart(request.url);
  if (start >= ELYSIA_PATH_START && ORIGIN.test(request.url)) return request;
  return new Request(`http://localhost${start < 0 ? "/" : request.url.slice(start)}`, request);
}
