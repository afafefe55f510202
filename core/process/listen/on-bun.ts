/**
 * Listening on Bun. Its server stands directly on the address wherever it can; behind a front it stands when there is a
 * certificate, which must be replaceable while open connections go on (R44), or when connections are to be counted.
 */
import { type BindAddress, urlOf } from "./address.ts";
import { serve } from "./bun-server.ts";
import type { ListenOptions, Secured, SecuredListener } from "./contract.ts";

/** Throws or rejects with the system's own error when the address cannot be had. */
export async function listenOnBun(
  address: BindAddress,
  options: ListenOptions,
  secured: Secured,
): Promise<SecuredListener> {
  if (secured.certificates === null && options.maxConnections === undefined)
    return listenDirectly(address, options);
  const { listenBehindFront } = await import("./behind-front.ts");
  return listenBehindFront(address, options, secured);
}

async function listenDirectly(address: BindAddress, options: ListenOptions): Promise<SecuredListener> {
  const isTcp = address.kind === "tcp";
  const adopt = isTcp ? null : (await import("./unix-socket.ts")).adoptSocket;
  const server = serve(address, options);
  const removeSocket = isTcp ? undefined : adopt?.(address.path);
  return {
    url: urlOf(isTcp ? { ...address, port: server.port ?? address.port } : address, "http"),
    get pendingRequests() {
      return server.pendingRequests;
    },
    useCertificates: () => {},
    stop: async (closeConnections) => {
      const stopped = server.stop(closeConnections);
      removeSocket?.();
      await stopped;
    },
  };
}
