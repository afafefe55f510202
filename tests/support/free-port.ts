/** TCP ports on 127.0.0.1: one that nobody listens on, and one that somebody does. */
import { createServer, type Server } from "node:net";

/** A port that is free right now, for servers that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  using taken = await takenPort();
  return taken.port;
}

/** A port that somebody listens on until the end of the block. */
export async function takenPort(): Promise<Disposable & { readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return { port: portOf(server), [Symbol.dispose]: () => void server.close() };
}

/** The port on which a server listens. */
export function portOf(server: Server): number {
  const address = server.address();
  if (typeof address === "object" && address !== null) return address.port;
  throw new Error("the server does not listen");
}
