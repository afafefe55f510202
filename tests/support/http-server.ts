/** A small HTTP server of a test, at once: for what a service of ours talks to. */

export interface HttpServer {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  stop(closeConnections: boolean): Promise<void>;
}

/** @param bind `host:port`; port 0 takes any free one */
export function listenPlainly(
  bind: string,
  fetch: (request: Request) => Response | Promise<Response>,
): HttpServer {
  const { hostname, port } = new URL(`http://${bind}`);
  const server = Bun.serve({
    hostname,
    port: port === "" ? 80 : port,
    fetch,
    development: false,
    reusePort: false,
  });
  return { url: server.url.origin, stop: (closeConnections) => server.stop(closeConnections) };
}
