/** Listening on an address given as `host:port`, alike for every service. */
import { isIPv4 } from "node:net";
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../errors.ts";
import { type Listener, listenOnNode } from "./listen-on-node.ts";

const BIND_ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/;

/** Takes `host:port` apart, IPv6 addresses in brackets; null when it is none. Port 0 stands for any free one. */
export function parseBindAddress(text: string): { readonly hostname: string; readonly port: number } | null {
  const [, address, name, port] = BIND_ADDRESS.exec(text) ?? [];
  const hostname = address ?? name;
  return hostname === undefined || Number(port) > 65_535 ? null : { hostname, port: Number(port) };
}

/**
 * True when nothing outside of this host can connect to `bind`: a loopback address or a unix socket, whose file's rights
 * say who may. What cannot be told, such as the name of a host, counts as open to others.
 */
export function isLoopbackBind(bind: string): boolean {
  if (bind.startsWith("unix:")) return true;
  const address = parseBindAddress(bind);
  return address !== null && isLoopback(address.hostname.toLowerCase());
}

/** Written out only: `127.1` and `0x7f.0.0.1` are refused here, whatever a resolver may make of them. */
function isLoopback(hostname: string): boolean {
  if (hostname === "localhost" || /^(?:0{0,4}:){2,7}0{0,3}1$/.test(hostname)) return true;
  const quad = hostname.replace(/^::ffff:/, "");
  return isIPv4(quad) && quad.startsWith("127.");
}

export interface ListenOptions {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** As Bun's; its own defaults where absent. */
  readonly idleTimeout?: number;
  readonly maxRequestBodySize?: number;
}

/** On Bun. @throws CtlstoreError `config_invalid` (its cause has the code EADDRINUSE when the port is taken) */
export function listen(bind: string, options: ListenOptions) {
  const address = addressOf(bind);
  try {
    // Without `reusePort: false` Bun shares a taken port with whoever has it, without a word.
    return Bun.serve({ ...address, ...options, development: false, reusePort: false });
  } catch (cause) {
    throw taken(bind, cause);
  }
}

/** As `listen`, also on Node, whose servers are told their port later. For GET and HEAD. */
export async function listenAnywhere(bind: string, fetch: ListenOptions["fetch"]): Promise<Listener> {
  if (process.versions["bun"] !== undefined) return listen(bind, { fetch });
  try {
    return await listenOnNode({ ...addressOf(bind), fetch });
  } catch (cause) {
    if (isCtlstoreError(cause)) throw cause;
    throw taken(bind, cause);
  }
}

function addressOf(bind: string): { readonly hostname: string; readonly port: number } {
  const address = parseBindAddress(bind);
  if (address !== null) return address;
  throw new CtlstoreError("config_invalid", `Cannot listen on ${quote(bind)}: it is not host:port`, {
    hint: "--bind, such as 127.0.0.1:3000",
  });
}

function taken(bind: string, cause: unknown): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot listen on ${quote(bind)}: ${messageOf(cause)}`, {
    cause,
    hint: "Choose another address with --bind; port 0 takes any free one.",
  });
}
