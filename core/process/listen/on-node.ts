/**
 * Listening on Node, answering with the web's Request and Response as Bun's server does; for GET and HEAD, which is all
 * that the status of a service needs.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { LISTEN_LIMITS } from "../../limits.ts";
import { silentLogger } from "../logger.ts";
import { type BindAddress, urlOf } from "./address.ts";
import type { Certificates } from "./certificates.ts";
import type { Answer, ListenOptions, Secured, SecuredListener } from "./contract.ts";
import type { ListenMeter } from "./listen-meter.ts";
import { addressOf, contextOf, listening } from "./sockets.ts";
import { adoptSocket } from "./unix-socket.ts";

/** Rejects with Node's own error when the address cannot be had. */
export async function listenOnNode(
  address: BindAddress,
  { fetch, maxConnections = LISTEN_LIMITS.connections, logger = silentLogger }: ListenOptions,
  { certificates, meter }: Secured,
): Promise<SecuredListener> {
  let pendingRequests = 0;
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    pendingRequests += 1;
    outgoing.once("close", () => {
      pendingRequests -= 1;
    });
    incoming.resume(); // a body that nobody reads would keep the connection
    answer(incoming, outgoing, fetch).catch(() => outgoing.destroy());
  };
  const tls = certificates === null ? null : tlsServer(certificates, meter, onRequest);
  const server: Server | TlsServer = tls ?? createServer(onRequest);
  bound(server, maxConnections, meter);
  await listening(server, address);
  // Without a listener an error would end the process; what is open goes on, and so does accepting.
  server.on("error", (error) => logger.error({ err: error }, "a connection could not be accepted"));
  const removeSocket = address.kind === "unix" ? adoptSocket(address.path) : () => {};
  return {
    url: urlOf(addressOf(server, address), tls === null ? "http" : "https"),
    get pendingRequests() {
      return pendingRequests;
    },
    useCertificates: (next) => tls?.setSecureContext(contextOf(next)),
    stop: (closeConnections) =>
      new Promise((resolve) => {
        server.close(() => resolve());
        removeSocket();
        if (closeConnections) server.closeAllConnections();
      }),
  };
}

function tlsServer(
  certificates: Certificates,
  meter: ListenMeter,
  onRequest: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): TlsServer {
  const mutual = certificates.clientCa !== null;
  const options = { ...contextOf(certificates), requestCert: mutual, rejectUnauthorized: mutual };
  const server = createTlsServer({ ...options, handshakeTimeout: LISTEN_LIMITS.handshakeMs }, onRequest);
  server.on("tlsClientError", (_error, socket) => {
    meter.handshakeFailed();
    socket.destroy();
  });
  return server;
}

function bound(server: Server | TlsServer, maxConnections: number, meter: ListenMeter): void {
  server.maxConnections = maxConnections;
  server.headersTimeout = LISTEN_LIMITS.handshakeMs;
  server.requestTimeout = LISTEN_LIMITS.requestMs.default;
  server.keepAliveTimeout = LISTEN_LIMITS.idleSeconds * 1000;
  server.on("drop", () => meter.connectionRefused());
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse, fetch: Answer): Promise<void> {
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
