/** Listening on an address given as `host:port`, alike for every service. */
import { CtlstoreError, messageOf, quote } from "../errors.ts";

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

/** @throws CtlstoreError `config_invalid` (its cause has the code EADDRINUSE when the port is taken) */
export function listen(bind: string, options: ListenOptions) {
  const address = parseBindAddress(bind);
  if (address === null) {
    throw new CtlstoreError("config_invalid", `Cannot listen on ${quote(bind)}: it is not host:port`, {
      hint: "--bind, such as 127.0.0.1:3000",
    });
  }
  try {
    // Without `reusePort: false` Bun shares a taken port with whoever has it, without a word.
    return Bun.serve({ ...address, ...options, development: false, reusePort: false });
  } catch (cause) {
    const reason = messageOf(cause);
    throw new CtlstoreError("config_invalid", `Cannot listen on ${quote(bind)}: ${reason}`, {
      cause,
      hint: "Choose another address with --bind; port 0 takes any free one.",
    });
  }
}
