/** R44: a client whose authority was taken away does not come in by a session of before. */
import { expect, test } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import { makeCa } from "../../support/certificates.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { openTls, openTlsWorld, type TlsWorld } from "./tls-world.ts";

const REQUEST = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok";

const text = (path: string) => readFileSync(path, "utf8");

/** Asks on a connection until it is answered, or closed, which gives an empty text. */
function asked(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.on("data", (bytes: Buffer) => resolve(bytes.toString("latin1")));
    socket.on("error", () => resolve(""));
    socket.on("close", () => resolve(""));
    socket.write(REQUEST);
  });
}

async function resumed(world: TlsWorld, options: object): Promise<{ isReused: boolean; answer: string }> {
  const socket = await openTls(world, options).catch(() => null);
  if (socket === null) return { isReused: false, answer: "" };
  const answer = await asked(socket);
  const isReused = socket.isSessionReused();
  socket.destroy();
  return { isReused, answer };
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  test(`a session of ${version} is resumed, and worth nothing when the authorities of clients changed`, async () => {
    using folder = tempFolder("sessions");
    const clients = makeCa(folder, "Clients");
    const caFile = folder.file("clients.pem");
    copyFileSync(clients.caFile, caFile);
    await using world = await openTlsWorld({ clientCaFile: () => caFile });
    const { certFile, keyFile } = clients.issue({ commonName: "loader", client: true });
    const only = { minVersion: version, maxVersion: version };
    const first = await openTls(world, { ...only, cert: text(certFile), key: text(keyFile) });
    const session = new Promise<Buffer>((resolve) => first.once("session", resolve));
    expect(await asked(first)).toStartWith("HTTP/1.1 200");
    // Of 1.3 the server tells a session with its first bytes.
    const options = { ...only, session: first.getSession() ?? (await session) };
    first.destroy();

    const again = await resumed(world, options);
    expect(again.isReused).toBe(true);
    expect(again.answer).toStartWith("HTTP/1.1 200");

    copyFileSync(makeCa(folder, "Others").caFile, caFile);
    world.listener.reloadCertificates();
    expect(await resumed(world, options)).toMatchObject({ answer: "" });
  });
}
