/**
 * Listening, alike for every service: on `host:port` or `unix:PATH`, with TLS or without.
 *
 * Bun's server stands directly on the address wherever it can. Behind a front (listen/front.ts) it stands when there is a
 * certificate, which must be replaceable while open connections go on (R44), or when connections are to be counted.
 */
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../errors.ts";
import { LISTEN_LIMITS } from "../limits.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type BindAddress, parseBindAddress, type TcpAddress, urlOf } from "./listen/address.ts";
import { CertificateWatch } from "./listen/certificate-watch.ts";
import { type Certificates, readCertificates, stateOf, type TlsFiles } from "./listen/certificates.ts";
import { type Front, openFront } from "./listen/front.ts";
import { makeInnerSocket } from "./listen/inner-socket.ts";
import { createListenMeter, type ListenMeter, silentMeter } from "./listen/listen-meter.ts";
import { adoptSocket, clearSocketPath } from "./listen/unix-socket.ts";
import { type Logger, silentLogger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

export { isLoopbackBind, parseBindAddress } from "./listen/address.ts";
export type { TlsFiles } from "./listen/certificates.ts";

export interface ListenOptions {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /**
   * Seconds of silence after which a connection is closed, and for an answer to be taken; not counted while `fetch` is at
   * work. Default `LISTEN_LIMITS.idleSeconds`.
   */
  readonly idleSeconds?: number;
  /** Most bytes of one body that are taken in, read or not; those that nobody reads wait in the connection. */
  readonly maxRequestBodySize?: number;
  readonly tls?: TlsFiles;
  /** Most connections at a time; more are closed at once. Default with TLS `LISTEN_LIMITS.connections`, else none. */
  readonly maxConnections?: number;
  /** How often the certificate's files are looked at. Default `LISTEN_LIMITS.certificateLookMs`. */
  readonly certificateLookMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Without it nothing is measured. One listener per registry. */
  readonly metrics?: Metrics;
}

export interface Listener {
  /** Such as `http://127.0.0.1:3000`, or `unix:PATH`. */
  readonly url: string;
  /** Requests that are being answered. */
  readonly pendingRequests: number;
  /** Looks at the certificate's files now, rather than at the next time. */
  reloadCertificates(): void;
  /** Takes no more connections; true also ends those that are there. Resolves when all are closed. */
  stop(closeConnections: boolean): Promise<void>;
}

/** On Bun. @throws CtlstoreError `config_invalid` (its cause has the code EADDRINUSE when the address is taken) */
export async function listen(bind: string, options: ListenOptions): Promise<Listener> {
  const address = assertBindAddress(bind);
  const state = options.tls === undefined ? "" : stateOf(options.tls);
  const certificates = options.tls === undefined ? null : readCertificates(options.tls);
  try {
    if (address.kind === "unix") await clearSocketPath(address.path);
    const isDirect = certificates === null && options.maxConnections === undefined;
    if (isDirect) return listenDirectly(address, options);
    return await listenBehindFront(address, options, certificates, state);
  } catch (cause) {
    throw isCtlstoreError(cause) ? cause : cannotListen(bind, cause);
  }
}

/** As `listen`, at once: on `host:port`, without TLS. @throws CtlstoreError `config_invalid` */
export function listenPlainly(bind: string, fetch: ListenOptions["fetch"]): Listener {
  const address = assertTcp(bind);
  try {
    return listenDirectly(address, { fetch });
  } catch (cause) {
    throw cannotListen(bind, cause);
  }
}

/** As `listenPlainly`, also on Node, whose servers are told their port later. For GET and HEAD. */
export async function listenAnywhere(
  bind: string,
  fetch: ListenOptions["fetch"],
): Promise<Pick<Listener, "url" | "stop">> {
  if (process.versions["bun"] !== undefined) return listenPlainly(bind, fetch);
  const address = assertTcp(bind);
  try {
    const { listenOnNode } = await import("./listen-on-node.ts");
    return await listenOnNode({ ...address, fetch });
  } catch (cause) {
    throw cannotListen(bind, cause);
  }
}

function listenDirectly(address: BindAddress, options: ListenOptions): Listener {
  const server = serve(address, options);
  const isTcp = address.kind === "tcp";
  const removeSocket = isTcp ? () => {} : adoptSocket(address.path);
  return {
    url: urlOf(isTcp ? { ...address, port: server.port ?? address.port } : address, "http"),
    get pendingRequests() {
      return server.pendingRequests;
    },
    reloadCertificates: () => {},
    stop: async (closeConnections) => {
      const stopped = server.stop(closeConnections);
      removeSocket();
      await stopped;
    },
  };
}

async function listenBehindFront(
  address: BindAddress,
  options: ListenOptions,
  certificates: Certificates | null,
  state: string,
): Promise<Listener> {
  const { metrics, logger = silentLogger, maxConnections = LISTEN_LIMITS.connections } = options;
  const meter = metrics === undefined ? silentMeter : createListenMeter(metrics);
  const inner = await makeInnerSocket();
  let server: BunServer;
  let front: Front;
  try {
    server = serve({ kind: "unix", path: inner.path }, options);
    front = await openFront({
      ...{ address, certificates, maxConnections, meter, logger },
      innerPath: inner.path,
    });
  } catch (error) {
    inner.remove();
    throw error;
  }
  const removeSocket = address.kind === "unix" ? adoptSocket(address.path) : () => {};
  const watch = watchFor(options, front, meter, certificates, state);
  return {
    url: urlOf(front.address, certificates === null ? "http" : "https"),
    get pendingRequests() {
      return server.pendingRequests;
    },
    reloadCertificates: () => watch?.look(),
    stop: async (closeConnections) => {
      watch?.stop();
      front.stopListening();
      removeSocket();
      const stopped = server.stop(closeConnections);
      if (closeConnections) await front.closeConnections();
      await stopped;
      inner.remove();
    },
  };
}

function watchFor(
  options: ListenOptions,
  front: Front,
  meter: ListenMeter,
  certificates: Certificates | null,
  state: string,
): CertificateWatch | null {
  const { tls, logger = silentLogger, clock = systemClock } = options;
  const { certificateLookMs: lookMs = LISTEN_LIMITS.certificateLookMs } = options;
  if (tls === undefined || certificates === null) return null;
  const use = (next: Certificates) => front.useCertificates(next);
  return new CertificateWatch(tls, certificates, state, { logger, clock, meter, lookMs, use });
}

type BunServer = ReturnType<typeof Bun.serve>;

function serve(address: BindAddress, options: ListenOptions): BunServer {
  const { fetch, maxRequestBodySize, idleSeconds = LISTEN_LIMITS.idleSeconds } = options;
  const common = {
    development: false as const,
    idleTimeout: idleSeconds,
    ...(maxRequestBodySize === undefined ? {} : { maxRequestBodySize }),
    async fetch(request: Request, server: BunServer) {
      // Silence while we are at work is ours, not the client's.
      server.timeout(request, 0);
      try {
        return await fetch(request);
      } finally {
        server.timeout(request, idleSeconds);
      }
    },
  };
  if (address.kind === "unix") {
    const { idleTimeout, ...others } = common;
    // Taken by Bun, though its types do not say so.
    return Bun.serve({ unix: address.path, ...others, ...({ idleTimeout } as object) });
  }
  const { hostname, port } = address;
  // Without `reusePort: false` Bun shares a taken port with whoever has it, without a word.
  return Bun.serve({ hostname, port, reusePort: false, ...common });
}

function assertTcp(bind: string): TcpAddress {
  const address = assertBindAddress(bind);
  if (address.kind === "tcp") return address;
  throw new CtlstoreError("config_invalid", `Cannot listen on ${quote(bind)}: it must be host:port here`, {
    hint: "--bind, such as 127.0.0.1:3000",
  });
}

function assertBindAddress(bind: string): BindAddress {
  const address = parseBindAddress(bind);
  if (address !== null) return address;
  throw new CtlstoreError(
    "config_invalid",
    `Cannot listen on ${quote(bind)}: it is neither host:port nor unix:PATH`,
    {
      hint: "--bind, such as 127.0.0.1:3000 or unix:/run/ctlstore/executive.sock",
    },
  );
}

function cannotListen(bind: string, cause: unknown): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot listen on ${quote(bind)}: ${messageOf(cause)}`, {
    cause,
    hint: "Choose another address with --bind; port 0 takes any free one.",
  });
}
