/** The sidecar as a process, as an operator starts it: addresses, TLS, signals, the host binary's entry (D20). */
import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { bunEnvironment } from "../reader/bun-environment.ts";
import { SampleFolder } from "../reader/suite/sample-ldb.ts";
import { makeCa } from "../support/certificates.ts";
import { runProcess, startProcess, type TestProcess } from "../support/process.ts";
import { ROOT, startCtlstore } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";

const BODY = '{"Key":[{"Value":1}]}';

function filledFolder(): SampleFolder {
  const folder = new SampleFolder(bunEnvironment);
  const ldb = folder.ldb();
  ldb.changeSchema('CREATE TABLE fam___t1 ("id" INTEGER, "v" TEXT, PRIMARY KEY("id"))');
  ldb.apply("INSERT INTO fam___t1 VALUES(1, 'x')");
  return folder;
}

async function urlOf(sidecar: TestProcess): Promise<string> {
  const [url] = await sidecar.waitForOutput(/https?:\/\/127\.0\.0\.1:\d+/, 60_000);
  return url;
}

async function readVia(url: string, init: BunFetchRequestInit = {}): Promise<string> {
  const answer = await fetch(`${url}/get-row-by-key/fam/t1`, { method: "POST", body: BODY, ...init });
  return answer.text();
}

test("a sidecar answers on TCP and on a unix socket at once, and D20 ends well at the first SIGTERM", async () => {
  using folder = filledFolder();
  using other = tempFolder("sidecar");
  const socket = other.file("sidecar.sock");
  const flags = ["--ldb", folder.path, "--bind", "127.0.0.1:0", "--socket", socket];
  await using sidecar = startCtlstore(["sidecar", ...flags], { env: { CTLSTORE_LOG_LEVEL: "info" } });
  const url = await urlOf(sidecar);
  expect(await readVia(url)).toBe('{"id":1,"v":"x"}');
  expect(await readVia("http://localhost", { unix: socket })).toBe('{"id":1,"v":"x"}');
  expect(statSync(socket).mode & 0o777).toBe(0o660);
  // Under way when the signal comes: answered, and no reason to stay.
  const waiting = fetch(`${url}/ping?min-sequence=9&timeout=60s`);
  const line = "ctlstore_sidecar_waiting_reads 1\n";
  while (!(await (await fetch(`${url}/metrics`)).text()).includes(line));
  sidecar.signal("SIGTERM");
  expect((await waiting).status).toBe(503);
  expect(await sidecar.exited).toEqual({ code: 0, signal: null });
  expect(existsSync(socket)).toBe(false);
});

test("R44 a sidecar answers HTTPS to those with a certificate when it is told to, and says nothing to others", async () => {
  using folder = filledFolder();
  using files = tempFolder("sidecar-tls");
  const ca = makeCa(files);
  const server = ca.issue({ commonName: "sidecar", hosts: ["127.0.0.1"], as: "server" });
  const client = ca.issue({ commonName: "client", client: true });
  const socket = files.file("s.sock");
  const tls = ["--tls-cert", server.certFile, "--tls-key", server.keyFile, "--tls-client-ca", ca.caFile];
  const flags = ["--ldb", folder.path, "--bind", "127.0.0.1:0", "--socket", socket, ...tls];
  await using sidecar = startCtlstore(["sidecar", ...flags]);
  const url = await urlOf(sidecar);
  expect(url).toStartWith("https://");
  const trusted = { ca: await Bun.file(ca.caFile).text() };
  const cert = await Bun.file(client.certFile).text();
  const key = await Bun.file(client.keyFile).text();
  expect(await readVia(url, { tls: { ...trusted, cert, key } })).toBe('{"id":1,"v":"x"}');
  expect(await readVia(url, { tls: trusted }).catch(() => "refused")).toBe("refused");
  // The rights of its file guard the socket.
  expect(await readVia("http://localhost", { unix: socket })).toBe('{"id":1,"v":"x"}');
  const metrics = await (await fetch(`${url}/metrics`, { tls: { ...trusted, cert, key } })).text();
  expect(metrics).toMatch(/^ctlstore_tls_certificate_expires_seconds \d/m);
});

test("the host binary's entry runs the sidecar by name, and the Reflector with bare flags", async () => {
  using folder = filledFolder();
  const entry = [process.execPath, join(ROOT, "cli", "reflector-main.ts")];
  const env = { CTLSTORE_LOG_LEVEL: "warn" };
  await using sidecar = startProcess([...entry, "sidecar", "--ldb", folder.path, "--bind", "127.0.0.1:0"], {
    env,
  });
  expect(await readVia(await urlOf(sidecar))).toBe('{"id":1,"v":"x"}');
  const help = await runProcess([...entry, "sidecar", "--help"]);
  expect(help.stdout).toContain("--max-rows");
  expect((await runProcess([...entry, "--help"])).stdout).toContain("ctlstore-reflector sidecar --help");
  using data = tempFolder("reflector");
  const flags = [
    "--ctldb",
    `sqlite:${data.file("ctldb.db")}`,
    "--ldb",
    data.file("ldb"),
    "--bind",
    "127.0.0.1:0",
  ];
  await using reflector = startProcess([...entry, ...flags], { env });
  expect((await fetch(`${await urlOf(reflector)}/healthz`)).status).toBe(200);
});

test.each([
  ["an address that is none", ["--bind", "1331"]],
  ["no rows at all", ["--max-rows", "0"]],
  ["a certificate without its key", ["--tls-cert", "x.pem"]],
  ["a socket with too long a path", ["--socket", `/${"x".repeat(108)}`]],
])("the command is refused with exit code 2 when it is given %s", async (_, flags) => {
  const sidecar = startCtlstore(["sidecar", ...flags]);
  expect((await sidecar.exited).code).toBe(2);
  expect(sidecar.stderr).toContain("ctlstore: Cannot ");
});

test("the command ends with exit code 2 when its address is taken", async () => {
  using folder = filledFolder();
  const flags = ["sidecar", "--ldb", folder.path, "--bind"];
  await using first = startCtlstore([...flags, "127.0.0.1:0"]);
  const { host } = new URL(await urlOf(first));
  const second = startCtlstore([...flags, host]);
  expect((await second.exited).code).toBe(2);
});
