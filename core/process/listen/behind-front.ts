/** Bun's server behind a front (front.ts). */
import { LISTEN_LIMITS } from "../../limits.ts";
import { type Logger, silentLogger } from "../logger.ts";
import { type BindAddress, urlOf } from "./address.ts";
import { type BunServer, serve } from "./bun-server.ts";
import type { ListenOptions, Secured, SecuredListener } from "./contract.ts";
import { type Front, openFront } from "./front.ts";
import { makeInnerSocket } from "./inner-socket.ts";
import { connectionsAllowed } from "./open-files.ts";
import { adoptSocket } from "./unix-socket.ts";

/** Throws or rejects with the system's own error when the address cannot be had. */
export async function listenBehindFront(
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
