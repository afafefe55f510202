/**
 * A front before an HTTP server on a unix socket: it ends TLS, and bounds how many connections there are.
 *
 * Bun's own server can neither change its certificate nor bound its connections. So connections that need one of these
 * come here and are passed on byte for byte, both ways, no faster than the slower side takes them; all that is HTTP, time
 * limits included, stays with the server behind.
 */
import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { LISTEN_LIMITS } from "../../limits.ts";
import type { Logger } from "../logger.ts";
import type { BindAddress } from "./address.ts";
import type { Certificates } from "./certificates.ts";
import type { ListenMeter } from "./listen-meter.ts";
import { relay } from "./relay.ts";
import { addressOf, contextOf, listening } from "./sockets.ts";

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
  const held = new Held(meter);
  const onClient = (client: Socket) => relay(client, options.innerPath);
  const tls = certificates === null ? null : tlsServer(certificates, onClient);
  const server = tls ?? createTcpServer({ allowHalfOpen: true }, onClient);
  server.maxConnections = maxConnections;
  tls?.on("tlsClientError", (error, socket) => {
    meter.handshakeFailed();
    logger.debug({ err: error }, "TLS handshake failed");
    socket.destroy();
  });
  server.on("connection", (socket) => held.add(socket));
  server.on("drop", () => meter.connectionRefused());
  await listening(server, address);
  // Without a listener an error would end the process; what is open goes on, and so does accepting.
  server.on("error", (error) => logger.error({ err: error }, "a connection could not be accepted"));
  const closed = new Promise<void>((resolve) => server.once("close", () => resolve()));
  return {
    address: addressOf(server, address),
    useCertificates: (next) => tls?.setSecureContext(contextOf(next)),
    stopListening: () => void server.close(),
    closeConnections: () => {
      held.destroyAll();
      return closed;
    },
  };
}

function tlsServer(certificates: Certificates, onClient: (client: Socket) => void): TlsServer {
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
  return createTlsServer(options, onClient);
}

/** The connections of a front, from before their handshake until they are closed. */
class Held {
  readonly #meter: ListenMeter;
  readonly #sockets = new Set<Socket>();

  constructor(meter: ListenMeter) {
    this.#meter = meter;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    this.#meter.connectionOpened();
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#meter.connectionClosed();
    });
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
