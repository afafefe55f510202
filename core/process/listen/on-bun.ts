/**
 * Listening on Bun. Its server stands directly on the address wherever it can; behind a front (front.ts) it stands when
 * there is a certificate, which must be replaceable while open connections go on (R44), or when connections are counted.
 */
import { LISTEN_LIMITS } from "../../limits.ts";
import { type Logger, silentLogger } from "../logger.ts";
import { type BindAddress, urlOf } from "./address.ts";
import type { ListenOptions, Secured, SecuredListener } from "./contract.ts";
import { type Front, openFront } from "./front.ts";
import { makeInnerSocket } from "./inner-socket.ts";
import { connectionsAllowed } from "./open-files.ts";
import { adoptSocket } from "./unix-socket.ts";

/** Throws or rejects with the system's own error when the address cannot be had. */
export async function listenOnBun(
  address: BindAddress,
  options: ListenOptions,
  secured: Secured,
): Promise<SecuredListener> {
  const isDirect = secured.certificates === null && options.maxConnections === undefined;
  return isDirect ? listenDirectly(address, options) : listenBehindFront(address, options, secured);
}

function listenDirectly(address: BindAddress, options: ListenOptions): SecuredListener {
  const server = serve(address, options);
  const isTcp = address.kind === "tcp";
  const removeSocket = isTcp ? () => {} : adoptSocket(address.path);
  return {
    url: urlOf(isTcp ? { ...address, port: server.port ?? address.port } : address, "http"),
    get pendingRequests() {
      return server.pendingRequests;
    },
    useCertificates: () => {},
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
  { certificates, meter }: Secured,
): Promise<SecuredListener> {
  const { logger = silentLogger } = options;
  const maxConnections = mostConnections(options.maxConnections, logger);
  const inner = await makeInnerSocket();
  let server: BunServer | undefined;
  let front: Front;
  try {
    server = serve({ kind: "unix", path: inner.path }, options);
    const facts = { address, certificates, maxConnections, meter, logger };
    front = await openFront({ ...facts, innerPath: inner.path });
  } catch (error) {
    await server?.stop(true);
    inner.remove();
    throw error;
  }
  const running = server;
  const removeSocket = address.kind === "unix" ? adoptSocket(address.path) : () => {};
  return {
    url: urlOf(front.address, certificates === null ? "http" : "https"),
    get pendingRequests() {
      return running.pendingRequests;
    },
    useCertificates: (next) => front.useCertificates(next),
    stop: async (closeConnections) => {
      front.stopListening();
      removeSocket();
      const stopped = running.stop(closeConnections);
      if (closeConnections) await front.closeConnections();
      await stopped;
      inner.remove();
    },
  };
}

/** No more than can be opened, whatever was asked for. */
function mostConnections(asked: number | undefined, logger: Logger): number {
  const allowed = connectionsAllowed();
  if (asked !== undefined && asked > allowed) {
    logger.warn({ asked, allowed }, "the limit of open files (ulimit -n) allows fewer connections");
  }
  return Math.min(asked ?? LISTEN_LIMITS.connections, allowed);
}

type BunServer = ReturnType<typeof Bun.serve>;

function serve(address: BindAddress, options: ListenOptions): BunServer {
  const { fetch, maxRequestBodySize, idleSeconds = LISTEN_LIMITS.idleSeconds } = options;
  const common = {
    development: false as const,
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
  // Taken by Bun for both, though its types say so of one only.
  const idle: object = { idleTimeout: idleSeconds };
  if (address.kind === "unix") return Bun.serve({ unix: address.path, ...common, ...idle });
  const { hostname, port } = address;
  // Without `reusePort: false` Bun shares a taken port with whoever has it, without a word.
  return Bun.serve({ hostname, port, reusePort: false, ...common, ...idle });
}
