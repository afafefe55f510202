/**
 * A front before an HTTP server on a unix socket: it ends TLS, and bounds how many connections there are.
 *
 * Bun's own server can neither change its certificate nor bound its connections. So connections that need one of these
 * come here and are passed on byte for byte, both ways, no faster than the slower side takes them; all that is HTTP, time
 * limits included, stays with the server behind.
 */
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { LISTEN_LIMITS } from "../../limits.ts";
import type { Logger } from "../logger.ts";
import type { BindAddress } from "./address.ts";
import type { Certificates } from "./certificates.ts";
import type { ListenMeter } from "./listen-meter.ts";

export interface FrontOptions {
  readonly address: BindAddress;
  /** The socket of the server behind. */
  readonly innerPath: string;
  /** Null passes connections on as they are. */
  readonly certificates: Certificates | null;
  readonly maxConnections: number;
  readonly meter: ListenMeter;
  readonly logger: Logger;
}

export interface Front {
  /** Where it listens, with the port that it was given. */
  readonly address: BindAddress;
  /** For connections from now on. @throws Error when they are not usable; the ones before stay */
  useCertificates(certificates: Certificates): void;
  /** Takes no more connections. */
  stopListening(): void;
  /** Ends those that are there; resolves when they are gone. */
  closeConnections(): Promise<void>;
}

/** Rejects with the system's own error when the address cannot be had. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { certificates, maxConnections, meter, logger, address } = options;
  const relays = new Relays(options.innerPath, meter);
  const relay = (client: Socket) => relays.relay(client);
  const tls = certificates === null ? null : tlsServer(certificates, relay);
  const server = tls ?? createTcpServer({ allowHalfOpen: true }, relay);
  server.maxConnections = maxConnections;
  tls?.on("tlsClientError", (error, socket) => {
    meter.handshakeFailed();
    logger.debug({ err: error }, "TLS handshake failed");
    socket.destroy();
  });
  // Before its handshake, too.
  server.on("connection", (socket) => relays.hold(socket));
  server.on("drop", () => meter.connectionRefused());
  await listening(server, address);
  const closed = new Promise<void>((resolve) => server.once("close", () => resolve()));
  return {
    address: addressOf(server, address),
    useCertificates: (next) => tls?.setSecureContext(contextOf(next)),
    stopListening: () => void server.close(),
    closeConnections: () => {
      relays.destroyAll();
      return closed;
    },
  };
}

function tlsServer(certificates: Certificates, relay: (client: Socket) => void): TlsServer {
  const mutual = certificates.clientCa !== null;
  const options = {
    ...contextOf(certificates),
    requestCert: mutual,
    rejectUnauthorized: mutual,
    handshakeTimeout: LISTEN_LIMITS.handshakeMs,
    allowHalfOpen: true,
    // HTTP/2 is not offered.
    ALPNProtocols: ["http/1.1"],
  };
  return createTlsServer(options, relay);
}

export function contextOf({ cert, key, clientCa }: Certificates) {
  return { cert, key, minVersion: "TLSv1.2" as const, ...(clientCa === null ? {} : { ca: clientCa }) };
}

export function listening(server: Server, address: BindAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    if (address.kind === "unix") server.listen({ path: address.path });
    else server.listen({ host: address.hostname, port: address.port });
  });
}

export function addressOf(server: Server, asked: BindAddress): BindAddress {
  const given = server.address();
  if (asked.kind === "unix" || given === null || typeof given === "string") return asked;
  return { ...asked, port: given.port };
}

/** The connections of a front, each with its own to the server behind. */
class Relays {
  readonly #innerPath: string;
  readonly #meter: ListenMeter;
  readonly #sockets = new Set<Socket>();

  constructor(innerPath: string, meter: ListenMeter) {
    this.#innerPath = innerPath;
    this.#meter = meter;
  }

  /** Counts a connection, until it is closed. */
  hold(socket: Socket): void {
    this.#sockets.add(socket);
    this.#meter.connectionOpened();
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#meter.connectionClosed();
    });
  }

  /** What breaks one side ends the other; HTTP tells whoever is wronged by that. */
  relay(client: Socket): void {
    client.setNoDelay(true);
    const inner = connect({ path: this.#innerPath });
    client.on("error", () => client.destroy());
    inner.on("error", () => inner.destroy());
    client.once("close", () => inner.destroy());
    inner.once("close", () => takeLeave(client));
    client.pipe(inner);
    inner.pipe(client);
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Lets the client take what it was sent, for a while. */
function takeLeave(client: Socket): void {
  const timer = setTimeout(() => client.destroy(), LISTEN_LIMITS.lingerMs);
  client.once("close", () => clearTimeout(timer));
  client.destroySoon();
}
