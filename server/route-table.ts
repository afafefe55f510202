/** Which routes there are: for 404, 405 with Allow, OPTIONS, and the route label of metrics. */

interface RegisteredRoute {
  readonly method: string;
  readonly path: string;
}

export interface Route {
  /** As registered, such as `/families/:family`. */
  readonly pattern: string;
  readonly methods: ReadonlySet<string>;
}

export interface RouteTable {
  readonly routes: readonly Route[];
  /** The route that a path belongs to, whatever the method. */
  find(path: string): Route | undefined;
}

export function createRouteTable(registered: readonly RegisteredRoute[]): RouteTable {
  const methodsByPattern = new Map<string, Set<string>>();
  for (const { method, path } of registered) {
    const methods = methodsByPattern.get(path) ?? new Set();
    methodsByPattern.set(path, methods.add(method));
  }
  const routes = [...methodsByPattern].map(([pattern, methods]) => ({
    pattern,
    methods,
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

/** The path of a request's URL, taken as the router takes it: unchanged, up to the query. */
export function pathOf(url: string): string {
  const start = pathStart(url);
  if (start < 0) return "/";
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

function pathStart(url: string): number {
  return url.indexOf("/", url.indexOf("://") + 3);
}

/** Where Elysia begins to look for the path. */
const ELYSIA_PATH_START = 11;

/**
 * The request as Elysia can route it. It takes no host to be shorter than four letters, so that of `http://db/families`
 * it would see no path, and of `http://db/a/families` another one than the front door does.
 */
export function asRoutable(request: Request): Request {
  const start = pathStart(request.url);
  if (start >= ELYSIA_PATH_START) return request;
  return new Request(`http://localhost${start < 0 ? "/" : request.url.slice(start)}`, request);
}
