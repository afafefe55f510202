/** Listening on an address given as `host:port`, alike for every service. */
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../errors.ts";
import { type Listener, listenOnNode } from "./listen-on-node.ts";

const BIND_ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/;

/** Takes `host:port` apart, IPv6 addresses in brackets; null when it is none. Port 0 stands for any free one. */
export function parseBindAddress(text: string): { readonly hostname: string; readonly port: number } | null {
  const [, address, name, port] = BIND_ADDRESS.exec(text) ?? [];
  const hostname = address ?? name;
  return hostname === undefined || Number(port) > 65_535 ? null : { hostname, port: Number(port) };
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
