/** TLS before a server that has none, with a certificate of the test's: it ends the protection and passes bytes on. */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createServer } from "node:tls";
import type { CertificateFiles } from "./certificates.ts";
import { portOf } from "./free-port.ts";

export interface TlsProxy extends AsyncDisposable {
  readonly port: number;
}

/** @param target on 127.0.0.1 */
export async function startTlsProxy(
  target: { readonly port: number },
  { certFile, keyFile }: CertificateFiles,
): Promise<TlsProxy> {
  const open = new Set<{ destroy(): void }>();
  const listener = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (client) => {
    const server = connect({ host: "127.0.0.1", port: target.port });
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        for (const end of [client, server]) end.destroy();
      });
    }
    client.pipe(server).pipe(client);
  });
  listener.on("tlsClientError", () => {}); // a client that does not trust the certificate
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return {
    port: portOf(listener),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
