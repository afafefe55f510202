/** Bun's server, as every listener of ours has it. */
import { LISTEN_LIMITS } from "../../limits.ts";
import type { BindAddress } from "./address.ts";
import type { ListenOptions } from "./contract.ts";
import { bindPrivately } from "./private-bind.ts";

export type BunServer = ReturnType<typeof Bun.serve>;

/** Throws the system's own error when the address cannot be had. */
export function serve(address: BindAddress, options: ListenOptions): BunServer {
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
  if (address.kind === "unix")
    return bindPrivately(() => Bun.serve({ unix: address.path, ...common, ...idle }));
  const { hostname, port } = address;
  // Without `reusePort: false` Bun shares a taken port with whoever has it, without a word.
  return Bun.serve({ hostname, port, reusePort: false, ...common, ...idle });
}
