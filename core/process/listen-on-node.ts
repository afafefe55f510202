/** A small HTTP server on Node, answering with the web's Request and Response as Bun's does; for GET and HEAD. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface NodeListenOptions {
  readonly hostname: string;
  readonly port: number;
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

export interface NodeListener {
  readonly url: string;
  /** Takes no more requests; true also ends the connections that are there. */
  stop(closeConnections: boolean): Promise<void>;
}

/** Rejects with Node's own error when the address cannot be had. */
export async function listenOnNode({ hostname, port, fetch }: NodeListenOptions): Promise<NodeListener> {
  const server = createServer((incoming, outgoing) => {
    incoming.resume(); // a body that nobody reads would keep the connection
    answer(incoming, outgoing, fetch).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: hostname, port }, () => resolve());
  });
  const { port: given } = server.address() as AddressInfo; // of a TCP server that listens
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${given}`,
    stop: (closeConnections) =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if (closeConnections) server.closeAllConnections();
      }),
  };
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fetch: NodeListenOptions["fetch"],
): Promise<void> {
  const { method = "GET", headers } = incoming;
  // `//x` is a path here, not a host.
  const path = incoming.url?.startsWith("/") ? incoming.url : "/";
  const response = await fetch(new Request(`http://${hostOf(headers.host)}${path}`, { method }));
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    "content-length": body.length,
  });
  outgoing.end(method === "HEAD" ? undefined : body);
}

/** A request may name any host, or none (HTTP/1.0); what is no host must not break the answer. */
function hostOf(named: string | undefined): string {
  return named !== undefined && /^[\w.-]+(:\d+)?$|^\[[\da-fA-F:.]+\](:\d+)?$/.test(named)
    ? named
    : "localhost";
}
