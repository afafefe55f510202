/** TLS and unix sockets from the command line, as an operator uses them: real processes, on Bun and on Node. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { type CertificateAuthority, type CertificateFiles, makeCa } from "../support/certificates.ts";
import { buildForNode, nodeProgram } from "../support/kafka/node-program.ts";
import { runProcess, type TestProcess } from "../support/process.ts";
import { testSecret } from "../support/secrets.ts";
import { ctlstore, SERVICE_ADMIN_TOKEN, startCtlstore } from "../support/services.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

const SECRET = testSecret("writer");
const NODE_WRITER = join(import.meta.dir, "..", "client", "node-writer-program.ts");
const ENV = { CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN, CTLSTORE_LOG_LEVEL: "info" };

interface World extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly ca: CertificateAuthority;
  readonly client: CertificateFiles;
  readonly url: string;
  readonly executive: TestProcess;
}

async function startWorld(flags: (folder: TempFolder, ca: CertificateAuthority) => string[]): Promise<World> {
  const folder = tempFolder("transport");
  const ca = makeCa(folder);
  const client = ca.issue({ commonName: "client", client: true });
  const args = ["executive", "--ctldb", `sqlite:${folder.file("ctldb.db")}`, ...flags(folder, ca)];
  const executive = startCtlstore(args, { env: ENV });
  const [, url = ""] = await executive.waitForOutput(/Executive listens on (\S+)/, 30_000);
  return {
    ...{ folder, ca, client, url, executive },
    async [Symbol.asyncDispose]() {
      await executive[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

const issueServer = (ca: CertificateAuthority, commonName: string) =>
  ca.issue({ commonName, hosts: ["127.0.0.1"], as: "server" });

const withMutualTls = (_folder: TempFolder, ca: CertificateAuthority) => {
  const { certFile, keyFile } = issueServer(ca, "first");
  return [
    "--bind",
    "127.0.0.1:0",
    "--tls-cert",
    certFile,
    "--tls-key",
    keyFile,
    "--tls-client-ca",
    ca.caFile,
  ];
};

/** The flags of a client that is let in. */
const flagsFor = ({ url, ca, client }: World) =>
  ["--executive", url, "--executive-ca", ca.caFile].concat([
    ...["--executive-cert", client.certFile, "--executive-key", client.keyFile],
  ]);

const run = (...args: readonly string[]) => runProcess(ctlstore(...args), { env: ENV });

async function expectDone(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ args: args[0], code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

async function writeSomething(way: readonly string[]): Promise<void> {
  await expectDone("create-family", "shop", ...way);
  await expectDone("create-table", "shop/item", "--field", "id:integer", "--key", "id", ...way);
  await expectDone("register-writer", "importer", "--secret", SECRET, ...way);
  const writer = ["--writer", "importer", "--secret", SECRET];
  await expectDone("mutate", "shop/item", '{"id":1}', ...writer, ...way);
}

describe("ctlstore with mutual TLS", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(withMutualTls);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test("serves all commands that bring a certificate, and shows its key to nobody", async () => {
    expect(world.url).toStartWith("https://127.0.0.1:");
    await writeSomething(flagsFor(world));
    expect(await expectDone("schema", ...flagsFor(world))).toContain("shop/item");
    const beat = startCtlstore(["heartbeat", "--secret", SECRET, "--interval-ms", "50", ...flagsFor(world)], {
      env: ENV,
    });
    const head = async () =>
      Number(/sequence (\d+)/.exec(await expectDone("status", ...flagsFor(world)))?.[1]);
    const before = await head();
    await until(async () => (await head()) > before + 3, { what: "beats", deadlineMs: 30_000 });
    await beat[Symbol.asyncDispose]();
    expect(world.executive.stderr).not.toContain("PRIVATE KEY");
  }, 60_000);

  test("says in one line what is missing or wrong, and exits 1, or 2 for flags", async () => {
    const { url, ca, client, folder } = world;
    const other = makeCa(folder, "Another CA").caFile;
    const cases: [code: number, said: RegExp, ...flags: string[]][] = [
      [1, /not trusted here.*\n.*--executive-ca/s, "--executive", url],
      [1, /not trusted here/, "--executive", url, "--executive-ca", other],
      [1, /--executive-cert/, "--executive", url, "--executive-ca", ca.caFile],
      [2, /Cannot use .* for TLS/, "--executive", url, "--executive-ca", client.keyFile],
      [2, /--executive-cert and --executive-key/, "--executive", url, "--executive-cert", client.certFile],
      [2, /not one of https/, "--executive", "http://127.0.0.1:1", "--executive-ca", ca.caFile],
      [2, /--executive/, "--executive", "ftp://127.0.0.1"],
    ];
    for (const [code, said, ...flags] of cases) {
      const ended = await run("status", ...flags);
      expect({ flags, code: ended.code }).toEqual({ flags, code });
      expect(ended.stderr).toMatch(said);
      expect(ended.stderr).not.toContain("    at ");
    }
  }, 60_000);

  test("lets a Writer on Node in, and the loader's commands there, when they bring a certificate", async () => {
    const { url, ca, client } = world;
    const writer = [nodeProgram(), await buildForNode(NODE_WRITER), url];
    const files = [ca.caFile, client.certFile, client.keyFile];
    const env = { ...ENV, WRITER_SECRET: SECRET };
    const written = await runProcess([...writer, ...files], { env });
    expect(written).toMatchObject({ code: 0, stdout: "wrote 20 batches\n" });
    const refused = await runProcess([...writer, ca.caFile], { env });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Cannot reach the Executive");
    const loader = [
      nodeProgram(),
      await buildForNode(join(import.meta.dir, "..", "..", "cli", "loader-main.ts")),
    ];
    const mapping = world.folder.file("mapping.json");
    await Bun.write(
      mapping,
      JSON.stringify({ version: 1, tables: [{ topic: "t", family: "shop", table: "item" }] }),
    );
    const check = ["check", "--mapping", mapping];
    const checked = await runProcess([...loader, ...check, ...flagsFor(world)], { env: ENV });
    expect(checked.stdout).toContain("shop/item");
    const unknown = await runProcess([...loader, ...check, "--executive", url], { env: ENV });
    expect(unknown.stderr).toContain("not trusted here");
  }, 60_000);

  test("takes a new certificate into use on SIGHUP, and ends on SIGTERM (R44)", async () => {
    await using own = await startWorld(withMutualTls);
    issueServer(own.ca, "second");
    own.executive.signal("SIGHUP");
    await own.executive.waitForOutput(/took a new certificate into use/);
    expect(await shownName(own)).toBe("second");
    own.executive.signal("SIGTERM");
    expect(await own.executive.exited).toEqual({ code: 0, signal: null });
  }, 60_000);
});

describe("ctlstore on a unix socket", () => {
  test("serves all commands, and removes its socket when it ends", async () => {
    const socket = (folder: TempFolder) => folder.file("executive.sock");
    await using world = await startWorld((folder) => ["--bind", `unix:${socket(folder)}`]);
    expect(world.url).toBe(`unix:${socket(world.folder)}`);
    await writeSomething(["--executive", world.url]);
    world.executive.signal("SIGTERM");
    expect((await world.executive.exited).code).toBe(0);
    expect(existsSync(socket(world.folder))).toBe(false);
  }, 60_000);
});

describe("flags of transport", () => {
  test("are refused with exit code 2 when they cannot be meant", async () => {
    using folder = tempFolder("transport");
    const { certFile, keyFile } = makeCa(folder).issue({ commonName: "server" });
    const base = ["executive", "--ctldb", `sqlite:${folder.file("ctldb.db")}`];
    for (const [said, ...flags] of [
      ["--tls-key is not given", "--tls-cert", certFile],
      ["--tls-cert is not given", "--tls-key", keyFile],
      ["for TLS", "--tls-cert", keyFile, "--tls-key", keyFile],
      ["for TLS", "--tls-cert", certFile, "--tls-key", certFile],
      ["--bind", "--bind", "unix:"],
      ["--bind", "--bind", `unix:/${"x".repeat(110)}`],
      ["--max-requests", "--max-requests", "0"],
      ["--request-timeout-ms", "--request-timeout-ms", "0"],
    ]) {
      const ended = await run(...base, ...flags);
      expect({ flags, code: ended.code }).toEqual({ flags, code: 2 });
      expect(ended.stderr).toContain(said ?? "");
    }
  }, 60_000);
});

function shownName({ url, ca, client }: World): Promise<string> {
  const text = (path: string) => readFileSync(path, "utf8");
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const files = { ca: text(ca.caFile), cert: text(client.certFile), key: text(client.keyFile) };
    const socket = connect({ host: hostname, port: Number(port), ...files }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
