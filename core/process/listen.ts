/**
 * Listening, alike for every service: on `host:port` or `unix:PATH`, with TLS or without, on Bun and, for status alone, on
 * Node. Certificates are replaced while it goes on (R44).
 */
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../errors.ts";
import { LISTEN_LIMITS } from "../limits.ts";
import { systemClock } from "./clock.ts";
import { type BindAddress, parseBindAddress } from "./listen/address.ts";
import type { Certificates } from "./listen/certificates.ts";
import type { Listener, ListenOptions, Secured, SecuredListener } from "./listen/contract.ts";
import { createListenMeter, silentMeter } from "./listen/listen-meter.ts";
import { silentLogger } from "./logger.ts";

export { isLoopbackBind, parseBindAddress } from "./listen/address.ts";
export type { TlsFiles } from "./listen/certificates.ts";
export type { Listener, ListenOptions } from "./listen/contract.ts";

/**
 * Starts to listen. On Node requests have no bodies.
 * @throws CtlstoreError `config_invalid` (its cause has the code EADDRINUSE when the address is taken)
 */
export async function listen(bind: string, options: ListenOptions): Promise<Listener> {
  const address = assertBindAddress(bind);
  const { tls, metrics, logger = silentLogger, clock = systemClock } = options;
  const { certificateLookMs: lookMs = LISTEN_LIMITS.certificateLookMs } = options;
  // What sockets and certificates need is loaded when there are some: it costs a third of the start of a service (B14).
  const opened =
    tls === undefined ? null : (await import("./listen/certificate-watch.ts")).openCertificates(tls);
  const isMeasured = tls !== undefined || options.maxConnections !== undefined;
  const meter = metrics === undefined || !isMeasured ? silentMeter : createListenMeter(metrics);
  const listener = await start(bind, address, options, {
    certificates: opened?.certificates ?? null,
    meter,
  });
  const use = (next: Certificates) => listener.useCertificates(next);
  const watch = opened?.watch({ logger, clock, meter, lookMs, use }) ?? null;
  return {
    url: listener.url,
    get pendingRequests() {
      return listener.pendingRequests;
    },
    reloadCertificates: () => watch?.look(),
    stop: (closeConnections) => {
      watch?.stop();
      return listener.stop(closeConnections);
    },
  };
}

async function start(
  bind: string,
  address: BindAddress,
  options: ListenOptions,
  secured: Secured,
): Promise<SecuredListener> {
  try {
    if (address.kind === "unix") {
      const { clearSocketPath } = await import("./listen/unix-socket.ts");
      await clearSocketPath(address.path);
    }
    if (process.versions["bun"] === undefined) {
      const { listenOnNode } = await import("./listen/on-node.ts");
      return await listenOnNode(address, options, secured);
    }
    const { listenOnBun } = await import("./listen/on-bun.ts");
    return await listenOnBun(address, options, secured);
  } catch (cause) {
    if (isCtlstoreError(cause)) throw cause;
    throw new CtlstoreError("config_invalid", `Cannot listen on ${quote(bind)}: ${messageOf(cause)}`, {
      cause,
      hint: "Choose another address with --bind; port 0 takes any free one.",
    });
  }
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
