/** The status endpoint answers alike on Bun and on Node, where the loader runs. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { type CertificateFiles, makeCa } from "../support/certificates.ts";
import { buildForNode, nodeProgram } from "../support/kafka/node-program.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { isDeep } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

const PROGRAM = join(import.meta.dir, "status-program.ts");

const RUNTIMES: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  Bun: async () => [process.execPath, PROGRAM],
  Node: async () => [nodeProgram(), await buildForNode(PROGRAM)],
};

async function serve(runtime: string, bind = "127.0.0.1:0"): Promise<TestProcess & { readonly url: string }> {
  const command = (await RUNTIMES[runtime]?.()) ?? [];
  const child = startProcess([...command, bind]);
  const [, url = ""] = await child.waitForOutput(/serving (\S+)/);
  return Object.assign(child, { url });
}

/** What a server says to a request in these very bytes. */
function rawAnswer(url: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.end(request));
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8");
    });
    socket.once("close", () => resolve(text));
    socket.once("error", reject);
  });
}

describe.each(Object.keys(RUNTIMES))("the status endpoint on %s", (runtime) => {
  test("answers every route when it is asked", async () => {
    await using server = await serve(runtime);
    const status = await fetch(`${server.url}/status?x=1`);
    expect(status.status).toBe(200);
    expect(status.headers.get("content-type")).toBe("application/json");
    expect(await status.text()).toContain('"sequence":"9007199254740993","text":"größe"');
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${server.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ ready: false, reason: "loading" });
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain("asked_total 1");
    expect((await fetch(`${server.url}/elsewhere`)).status).toBe(404);
  });

  test("answers HEAD without a body and refuses other methods when they are tried", async () => {
    await using server = await serve(runtime);
    const head = await fetch(`${server.url}/status`, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
    const post = await fetch(`${server.url}/status`, { method: "POST", body: "x".repeat(100_000) });
    expect(post.status).toBe(405);
    expect(await post.json()).toMatchObject({ error: { code: "method_not_allowed" } });
  });

  test("answers when the host of a request is missing or no host", async () => {
    await using server = await serve(runtime);
    expect(await rawAnswer(server.url, "GET /healthz HTTP/1.0\r\n\r\n")).toContain(" 200 ");
    const odd = "GET /healthz HTTP/1.1\r\nHost: a b[/\r\nConnection: close\r\n\r\n";
    expect(await rawAnswer(server.url, odd)).toMatch(/ (200|400) /);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  test("listens on an IPv6 address when it is told to", async () => {
    await using server = await serve(runtime, "[::1]:0");
    expect(server.url).toStartWith("http://[::1]:");
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  test("says that the configuration is wrong when its address is taken or none", async () => {
    await using server = await serve(runtime);
    const command = (await RUNTIMES[runtime]?.()) ?? [];
    await using second = startProcess([...command, new URL(server.url).host]);
    await second.waitForOutput(/failed config_invalid/);
    await using wrong = startProcess([...command, "nowhere"]);
    await wrong.waitForOutput(/failed config_invalid/);
  });

  test("answers over mutual TLS and on a unix socket when it is told to, and takes a changed certificate (R44)", async () => {
    using folder = tempFolder("status");
    const ca = makeCa(folder);
    const issue = (commonName: string) => ca.issue({ commonName, hosts: ["localhost"], as: "server" });
    const { certFile, keyFile } = issue("first");
    const client = ca.issue({ commonName: "client", client: true });
    const path = folder.file("status.sock");
    const command = (await RUNTIMES[runtime]?.()) ?? [];
    await using server = startProcess([...command, `unix:${path}`, certFile, keyFile, ca.caFile]);
    await server.waitForOutput(/serving unix:/);
    const ask = (files: object) =>
      fetch("https://localhost/healthz", { unix: path, tls: files, keepalive: false });
    const trusted = { ca: Bun.file(ca.caFile) };
    const known = { ...trusted, cert: Bun.file(client.certFile), key: Bun.file(client.keyFile) };
    expect((await ask(known)).status).toBe(200);
    await expect(ask(trusted)).rejects.toThrow();
    // Found by itself, within seconds.
    if (!isDeep) return;
    issue("second");
    await until(async () => (await shownName(path, client)) === "second", { what: "the new certificate" });
  });
});

function shownName(path: string, { certFile, keyFile }: CertificateFiles): Promise<string> {
  const [cert, key] = [readFileSync(certFile), readFileSync(keyFile)];
  return new Promise((resolve, reject) => {
    const socket = connectTls({ path, cert, key, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
