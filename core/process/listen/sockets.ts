/** What the servers of Bun and Node have in common below HTTP. */
import type { Server } from "node:net";
import type { BindAddress } from "./address.ts";
import type { Certificates } from "./certificates.ts";
import { bindPrivately } from "./private-bind.ts";

/** TLS 1.2 or newer. */
export function contextOf({ cert, key, clientCa }: Certificates) {
  return { cert, key, minVersion: "TLSv1.2" as const, ...(clientCa === null ? {} : { ca: clientCa }) };
}

/** Rejects with the system's own error when the address cannot be had. */
export function listening(server: Server, address: BindAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    if (address.kind === "unix") bindPrivately(() => server.listen({ path: address.path }));
    else server.listen({ host: address.hostname, port: address.port });
  });
}

/** With the port that it was given. */
export function addressOf(server: Server, asked: BindAddress): BindAddress {
  const given = server.address();
  if (asked.kind === "unix" || given === null || typeof given === "string") return asked;
  return { ...asked, port: given.port };
}
