/** Listening on a unix socket: its file from the start to the end, with TLS and without. */
import { describe, expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { serve } from "../../../core/process/listen/bun-server.ts";
import { listening } from "../../../core/process/listen/sockets.ts";
import { listen } from "../../../core/process/listen.ts";
import { startProcess } from "../../support/process.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { openTlsWorld } from "./tls-world.ts";

const echo = async (request: Request) => new Response(await request.bytes());
const ask = async (path: string) =>
  (await fetch("http://localhost/", { unix: path, method: "POST", body: "ok", keepalive: false })).text();

describe("a listener on a unix socket", () => {
  for (const [way, options] of [
    ["directly", {}],
    ["behind the front", { maxConnections: 10 }],
  ] as const) {
    test(`answers ${way}, for owner and group alone, and takes its file with it when it stops`, async () => {
      using folder = tempFolder("unix");
      const path = folder.file("http.sock");
      const listener = await listen(`unix:${path}`, { fetch: echo, ...options });
      expect(listener.url).toBe(`unix:${path}`);
      expect(statSync(path).mode & 0o777).toBe(0o660);
      expect(await ask(path)).toBe("ok");
      await listener.stop(true);
      expect(existsSync(path)).toBe(false);
    });

    test(`takes the place of a dead process's file ${way}, never that of a living one`, async () => {
      using folder = tempFolder("unix");
      const path = folder.file("http.sock");
      const program = join(import.meta.dir, "unix-program.ts");
      const other = startProcess([process.execPath, program, `unix:${path}`]);
      await other.waitForOutput(/listening/);
      const start = () => listen(`unix:${path}`, { fetch: echo, ...options });
      const refused = await start().catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "config_invalid", cause: { code: "EADDRINUSE" } });
      expect(await ask(path)).toBe("other");
      await other.kill();
      expect(existsSync(path)).toBe(true);
      const listener = await start();
      expect(await ask(path)).toBe("ok");
      await listener.stop(true);
    });
  }

  test("is for owner and group from its first moment, also where the umask would let everybody in", async () => {
    using folder = tempFolder("unix");
    const usual = process.umask(0);
    try {
      const path = folder.file("direct.sock");
      const direct = serve({ kind: "unix", path }, { fetch: echo });
      expect(statSync(path).mode & 0o777).toBe(0o660);
      await direct.stop(true);
      const server = createServer();
      const address = { kind: "unix", path: folder.file("front.sock") } as const;
      const isListening = listening(server, address);
      expect(statSync(address.path).mode & 0o777).toBe(0o660);
      await isListening;
      server.close();
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(usual);
    }
  });

  test("refuses a path that is taken by something else, is too long, or has no folder", async () => {
    using folder = tempFolder("unix");
    const file = folder.file("file");
    writeFileSync(file, "precious");
    for (const path of [
      file,
      folder.path,
      folder.file("x".repeat(110)),
      folder.file("none", "http.sock"),
      "",
    ]) {
      const error = await listen(`unix:${path}`, { fetch: echo }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "config_invalid" });
    }
    expect(statSync(file).size).toBe(8);
  });

  test("answers over TLS when it has a certificate", async () => {
    using folder = tempFolder("unix");
    const path = folder.file("https.sock");
    await using world = await openTlsWorld({ bind: `unix:${path}` });
    const tls = { ca: Bun.file(world.ca.caFile) };
    const answer = await fetch("https://localhost/", { unix: path, method: "POST", body: "ok", tls });
    expect(await answer.text()).toBe("ok");
    await expect(ask(path)).rejects.toThrow();
    world.rotate("second");
    const again = await fetch("https://localhost/", { unix: path, method: "POST", body: "new", tls });
    expect(await again.text()).toBe("new");
  });
});
