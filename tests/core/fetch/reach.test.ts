/** Reaching a service over TLS and unix sockets, from Bun and from Node, in processes of their own (R44). */
import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reach } from "../../../core/process/fetch/reach.ts";
import { type Listener, listen, type TlsFiles } from "../../../core/process/listen.ts";
import { type CertificateAuthority, type CertificateFiles, makeCa } from "../../support/certificates.ts";
import { buildForNode, nodeProgram } from "../../support/kafka/node-program.ts";
import { startProcess, type TestProcess } from "../../support/process.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";

const PROGRAM = join(import.meta.dir, "reach-program.ts");
const HOSTS = ["localhost", "127.0.0.1"];
const RUNTIMES: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  Bun: async () => [process.execPath, PROGRAM],
  Node: async () => [nodeProgram(), await buildForNode(PROGRAM)],
};

async function echo(request: Request): Promise<Response> {
  const number = request.headers.get("x-number") ?? "";
  return new Response(await request.bytes(), { headers: { "x-number": number } });
}

interface World extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly ca: CertificateAuthority;
  serve(bind: string, tls?: TlsFiles): Promise<Listener>;
}

function openWorld(): World {
  const folder = tempFolder("reach");
  const listeners: Listener[] = [];
  return {
    folder,
    ca: makeCa(folder),
    async serve(bind, tls) {
      const listener = await listen(bind, { fetch: echo, ...(tls === undefined ? {} : { tls }) });
      listeners.push(listener);
      return listener;
    },
    async [Symbol.asyncDispose]() {
      for (const listener of listeners) await listener.stop(true);
      folder[Symbol.dispose]();
    },
  };
}

async function start(
  runtime: string,
  address: string,
  caFile = "-",
  pair?: CertificateFiles,
): Promise<TestProcess> {
  const command = (await RUNTIMES[runtime]?.()) ?? [];
  return startProcess([...command, address, caFile, pair?.certFile ?? "-", pair?.keyFile ?? "-"]);
}

const WHOLE = /answered 200 whole\n/;

describe.each(Object.keys(RUNTIMES))("a client on %s", (runtime) => {
  test("reaches a service when it knows its authority, has its certificate, or its socket", async () => {
    await using world = openWorld();
    const { ca, folder } = world;
    const server = ca.issue({ commonName: "server", hosts: HOSTS });
    const client = ca.issue({ commonName: "client", client: true });
    const tls = await world.serve("127.0.0.1:0", server);
    const mutual = await world.serve("127.0.0.1:0", { ...server, clientCaFile: ca.caFile });
    const socket = await world.serve(`unix:${folder.file("plain.sock")}`);
    const secure = await world.serve(`unix:${folder.file("tls.sock")}`, {
      ...server,
      clientCaFile: ca.caFile,
    });
    const ways: [string, string?, CertificateFiles?][] = [
      [tls.url, ca.caFile],
      [mutual.url, ca.caFile, client],
      [socket.url],
      [secure.url, ca.caFile, client],
    ];
    for (const [url, ...files] of ways) {
      await using child = await start(runtime, url, ...files);
      await child.waitForOutput(new RegExp(`(${WHOLE.source}){3}`));
      expect(child.stdout).not.toMatch(/failed|spoilt/);
    }
  });

  test("says what is wrong when a certificate is", async () => {
    await using world = openWorld();
    const { ca, folder } = world;
    const other = makeCa(folder, "Another CA");
    const good = ca.issue({ commonName: "server", hosts: HOSTS });
    const late = ca.issue({ commonName: "server", hosts: HOSTS, notAfter: new Date(Date.now() - 60_000) });
    const elsewhere = ca.issue({ commonName: "server", hosts: ["db.example"] });
    const stranger = other.issue({ commonName: "client", client: true });
    const mutual = await world.serve("127.0.0.1:0", { ...good, clientCaFile: ca.caFile });
    const cases: [RegExp, string, string?, CertificateFiles?][] = [
      [/CERT_HAS_EXPIRED/, (await world.serve("127.0.0.1:0", late)).url, ca.caFile],
      [/ERR_TLS_CERT_ALTNAME_INVALID/, (await world.serve("127.0.0.1:0", elsewhere)).url, ca.caFile],
      [/UNABLE_TO|SELF_SIGNED/, (await world.serve("127.0.0.1:0", good)).url, other.caFile],
      [/UNABLE_TO|SELF_SIGNED/, (await world.serve("127.0.0.1:0", good)).url],
      [/EPROTO|ERR_SSL|ECONNRESET/, mutual.url, ca.caFile],
      [/EPROTO|ERR_SSL|ECONNRESET/, mutual.url, ca.caFile, stranger],
    ];
    for (const [code, ...where] of cases) {
      await using child = await start(runtime, ...where);
      await child.waitForOutput(/failed .*\n.*failed/s);
      expect(child.stdout).toMatch(new RegExp(`^(failed (${code.source}).*\n)+$`));
    }
  });

  test("goes on with new files when they are replaced, and with the old ones while they are broken (R44)", async () => {
    await using world = openWorld();
    const { ca, folder } = world;
    const server = ca.issue({ commonName: "server", hosts: HOSTS });
    const [before, after] = [makeCa(folder, "Before"), makeCa(folder, "After")];
    const issue = (authority: CertificateAuthority) =>
      authority.issue({ commonName: "client", client: true });
    const pair = { certFile: folder.file("client.pem"), keyFile: folder.file("client.key") };
    const put = (next: CertificateFiles) => {
      copyFileSync(next.keyFile, pair.keyFile);
      copyFileSync(next.certFile, pair.certFile);
    };
    put(issue(before));
    const first = await world.serve("127.0.0.1:0", { ...server, clientCaFile: before.caFile });
    await using child = await start(runtime, first.url, ca.caFile, pair);
    await child.waitForOutput(WHOLE);
    writeFileSync(pair.keyFile, "half");
    const seen = child.stdout.length;
    await until(() => WHOLE.test(child.stdout.slice(seen + 200)), { what: "answers with the old files" });
    expect(child.stdout).not.toContain("failed");
    put(issue(after));
    // The same address; who comes with the old certificate is refused.
    await first.stop(true);
    const from = child.stdout.length;
    await world.serve(new URL(first.url).host, { ...server, clientCaFile: after.caFile });
    await until(() => WHOLE.test(child.stdout.slice(from)), { what: "answers with the new files" });
  });
});

describe("reach", () => {
  test("leaves plain URLs to the runtime, and refuses what cannot be meant", () => {
    using folder = tempFolder("reach");
    const ca = makeCa(folder);
    const { certFile, keyFile } = ca.issue({ commonName: "client", client: true });
    expect(reach("http://127.0.0.1:3000")).toEqual({ url: "http://127.0.0.1:3000" });
    expect(reach("https://executive:3000")).toEqual({ url: "https://executive:3000" });
    expect(reach("unix:/run/executive.sock").url).toBe("http://localhost");
    expect(reach("unix:/run/executive.sock", { caFile: ca.caFile }).url).toBe("https://localhost");
    for (const files of [
      { certFile },
      { keyFile },
      { caFile: keyFile },
      { certFile: keyFile, keyFile: certFile },
    ]) {
      expect(() => reach("https://executive:3000", files)).toThrow(/^Cannot use/);
    }
    expect(() => reach("http://executive:3000", { caFile: ca.caFile })).toThrow("not one of https://");
    expect(readFileSync(keyFile, "utf8")).toContain("PRIVATE KEY");
  });
});
