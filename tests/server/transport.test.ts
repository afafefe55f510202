/** The Executive's own part of transport: deadlines, requests under way, TLS and unix sockets with everything behind them. */
import { describe, expect, test } from "bun:test";
import { connect } from "node:tls";
import { unwrap } from "../../client/client-error.ts";
import { createClient, Writer } from "../../client/index.ts";
import { reach } from "../../client/reach.ts";
import { parseFamilyName } from "../../core/names.ts";
import { createMetrics, type Metrics } from "../../core/process/metrics.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { type ExecutiveOptions, type RunningExecutive, startExecutive } from "../../server/executive.ts";
import { metricOf, RawConnection } from "../core/listen/tls-world.ts";
import { makeCa } from "../support/certificates.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp, WRITER } from "./test-app.ts";

interface Service extends AsyncDisposable {
  readonly app: TestApp;
  readonly executive: RunningExecutive;
  readonly metrics: Metrics;
  readonly port: number;
  readonly folder: TempFolder;
}

type ServiceOptions = Partial<ExecutiveOptions> & { readonly wrap?: (ctldb: CtlDb) => CtlDb };

async function startService(make: (folder: TempFolder) => ServiceOptions): Promise<Service> {
  const folder = tempFolder("transport");
  const { wrap, ...options } = make(folder);
  const app = await openTestApp(wrap === undefined ? {} : { wrap });
  const metrics = createMetrics();
  const executive = await startExecutive(
    { ...app.deps, metrics },
    { bind: "127.0.0.1:0", adminToken: ADMIN_TOKEN, ...options },
  );
  const port = executive.url.startsWith("unix:") ? 0 : Number(new URL(executive.url).port);
  return {
    ...{ app, executive, metrics, port, folder },
    async [Symbol.asyncDispose]() {
      await executive.stop();
      await app[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

const BATCH = '{"mutations":[{"table":"counter","values":{"id":1}}]}';
const HEAD = `POST /families/shop/mutations HTTP/1.1\r\nHost: localhost\r\nctlstore-writer: importer\r\nctlstore-secret: ${WRITER["ctlstore-secret"]}\r\n`;

describe("a request that does not arrive in time", () => {
  test("is answered 408 and its connection closed, chunked or not, and changes nothing", async () => {
    await using service = await startService(() => ({ limits: { requestMs: 200 } }));
    const head = await service.app.headSequence();
    for (const start of [
      `Content-Length: ${BATCH.length}\r\n\r\n${BATCH.slice(0, -1)}`,
      `Content-Length: 100000\r\n\r\n${BATCH}`,
      `Transfer-Encoding: chunked\r\n\r\n${BATCH.length.toString(16)}\r\n${BATCH}\r\n`,
    ]) {
      const connection = new RawConnection({ port: service.port });
      connection.socket.write(HEAD + start);
      await until(() => connection.isClosed, { what: "the end of the connection" });
      expect(connection.received).toStartWith("HTTP/1.1 408");
      expect(connection.received.toLowerCase()).toContain("connection: close");
      expect(connection.received).toContain('"code":"request_timeout"');
    }
    expect(await service.app.headSequence()).toBe(head);
    const whole = new RawConnection({ port: service.port });
    whole.socket.write(`${HEAD}Content-Length: ${BATCH.length}\r\n\r\n${BATCH}`);
    await until(() => whole.received.includes("\r\n\r\n"), { what: "an answer" });
    expect(whole.received).toStartWith("HTTP/1.1 200");
    whole.socket.destroy();
  });
});

describe("a Writer", () => {
  test("tries again when its request did not arrive in time, and writes once", async () => {
    await using service = await startService(() => ({ limits: { requestMs: 200 } }));
    const head = await service.app.headSequence();
    const sent: string[] = [];
    const slowAtFirst = async (input: string, init?: RequestInit) => {
      sent.push(String(init?.method));
      if (init?.method !== "POST" || sent.filter((method) => method === "POST").length > 1)
        return fetch(input, init);
      const bytes = new TextEncoder().encode(String(init.body));
      const stalled = new ReadableStream({
        start: (controller) => controller.enqueue(bytes.subarray(0, -1)),
      });
      return fetch(input, { ...init, body: stalled });
    };
    const { url } = service.executive;
    const secret = WRITER["ctlstore-secret"];
    const writer = new Writer({ url, writer: "importer", secret, family: "shop", fetch: slowAtFirst });
    const outcome = await writer.write([{ table: "counter", values: { id: 9 } }]);
    expect(outcome).toEqual({ sequence: head + 1n, repeated: false });
    expect(sent).toEqual(["GET", "POST", "POST"]);
  });
});

describe("more requests than may be under way", () => {
  /** A ctldb whose writes wait until they are let go. */
  function gate() {
    const opened = Promise.withResolvers<void>();
    let waiting = 0;
    const wrap = (ctldb: CtlDb): CtlDb =>
      new Proxy(ctldb, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name, target);
          if (typeof member !== "function") return member;
          if (name !== "write") return member.bind(target);
          return async (...args: readonly unknown[]) => {
            waiting += 1;
            await opened.promise;
            return member.apply(target, args);
          };
        },
      });
    return { wrap, open: opened.resolve, waiting: () => waiting };
  }

  test("are answered 503 with Retry-After, health and metrics are not, and all is well when there is room", async () => {
    const { wrap, open, waiting } = gate();
    await using service = await startService(() => ({ wrap, maxRequests: 3 }));
    const url = `${service.executive.url}/families/shop/mutations`;
    const write = (id: number) => {
      const body = JSON.stringify({ mutations: [{ table: "counter", values: { id } }] });
      return fetch(url, { method: "POST", body, headers: WRITER });
    };
    const three = [1, 2, 3].map(write);
    await until(() => waiting() === 3, { what: "three under way" });
    const refused = await write(4);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({ error: { code: "overloaded" } });
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      expect((await fetch(service.executive.url + path)).status).toBe(200);
    }
    open();
    for (const answer of await Promise.all(three)) expect(answer.status).toBe(200);
    expect((await write(4)).status).toBe(200);
    expect(await metricOf(service.metrics, "ctlstore_executive_requests_refused_total")).toBe(1);
  });
});

describe("an Executive", () => {
  test("serves client and Writer over TLS with client certificates, and over a unix socket", async () => {
    const ways = {
      tls: (folder: TempFolder) => {
        const ca = makeCa(folder);
        const server = ca.issue({ commonName: "server", hosts: ["127.0.0.1"] });
        const client = ca.issue({ commonName: "client", client: true });
        return {
          options: { tls: { ...server, clientCaFile: ca.caFile } },
          files: { caFile: ca.caFile, ...client },
        };
      },
      unix: (folder: TempFolder) => ({ options: { bind: `unix:${folder.file("http.sock")}` }, files: {} }),
    };
    for (const make of Object.values(ways)) {
      let files = {};
      await using service = await startService((folder) => {
        const way = make(folder);
        files = way.files;
        return way.options;
      });
      const way = reach(service.executive.url, files);
      const client = createClient(way.url, { adminToken: ADMIN_TOKEN, ...way });
      expect(unwrap(await client.families.get()).families).toContain("shop");
      const secret = WRITER["ctlstore-secret"];
      const writer = new Writer({ ...way, writer: "importer", secret, family: "shop" });
      const { sequence } = await writer.write([{ table: "counter", values: { id: 7, label: "ä" } }]);
      expect(sequence).toBe(await service.app.headSequence());
    }
  });

  test("cuts an endless chunked body off at its limit over TLS too, and tells why", async () => {
    await using service = await startService((folder) => ({
      tls: makeCa(folder).issue({ commonName: "server", hosts: ["127.0.0.1"] }),
    }));
    const head = await service.app.headSequence();
    const socket = connect({ host: "127.0.0.1", port: service.port, rejectUnauthorized: false });
    let received = "";
    let isClosed = false;
    socket.on("data", (data) => {
      received += data.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      isClosed = true;
    });
    socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const piece = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    const send = () => {
      if (isClosed || received !== "") return;
      if (socket.write(piece)) setImmediate(send);
      else socket.once("drain", () => setImmediate(send));
    };
    send();
    await until(() => received.includes("request_too_large"), { what: "the refusal" });
    expect(received).toStartWith("HTTP/1.1 413");
    await until(() => isClosed, { what: "the end of the connection" });
    expect(await service.app.headSequence()).toBe(head);
  });

  test("is refused by a client in words when its certificate is not to be trusted (R44)", async () => {
    const notAfter = new Date(Date.now() - 60_000);
    const cases = [
      { request: { hosts: ["127.0.0.1"] }, trusted: false, reason: /not trusted/, hint: "--executive-ca" },
      { request: { hosts: ["127.0.0.1"], notAfter }, trusted: true, reason: /has expired/, hint: "renew" },
      { request: { hosts: ["db"] }, trusted: true, reason: /for other hosts/, hint: "--executive" },
    ];
    for (const { request, trusted, reason, hint } of cases) {
      let caFile = "";
      await using service = await startService((folder) => {
        const ca = makeCa(folder);
        caFile = (trusted ? ca : makeCa(folder, "Another CA")).caFile;
        return { tls: ca.issue({ commonName: "server", ...request }) };
      });
      const way = reach(service.executive.url, { caFile });
      const answer = await createClient(way.url, { adminToken: ADMIN_TOKEN, ...way }).families.get();
      const secret = WRITER["ctlstore-secret"];
      const writer = new Writer({ ...way, writer: "importer", secret, family: "shop", retryForMs: 0 });
      for (const attempt of [async () => unwrap(answer), () => writer.readCookie()]) {
        const error = await attempt().then(null, (thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: "ctldb_unavailable", message: expect.stringMatching(reason) });
        expect(error).toMatchObject({ details: { hint: expect.stringContaining(hint) } });
      }
    }
  });
});

describe("a request whose body is broken", () => {
  // Bun refuses the chunk by itself, beside the route to which it has handed the request.
  test("changes nothing when its route takes no body (D14)", async () => {
    await using service = await startService(() => ({ destructiveSchemaChanges: true }));
    const { app, port } = service;
    const changing = app.app.routes.filter(
      ({ method, path }) => method === "DELETE" || `${method} ${path}` === "POST /families/:family",
    );
    expect(changing.length).toBeGreaterThan(8);
    const names: Record<string, string> = { family: "shop", table: "item", writer: "importer" };
    const newest = (await app.ctldb.audit.read({ limit: 1 })).entries[0]?.id ?? 0n;
    for (const { method, path } of changing) {
      const target = path.replace(/:(\w+)/g, (_, name: string) => names[name] ?? "someone");
      const line = method === "POST" ? "POST /families/fresh" : `${method} ${target}`;
      const connection = new RawConnection({ port });
      connection.socket.write(
        `${line} HTTP/1.1\r\nHost: localhost\r\nauthorization: Bearer ${ADMIN_TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n`,
      );
      await until(() => connection.isClosed, { what: `the end of ${line}` });
      expect(connection.received).toContain(" 400 ");
    }
    // In the audit trail it comes after whatever they did.
    await app.ctldb.createFamily(parseFamilyName("marker"), { actor: "marker" });
    const { entries } = await app.ctldb.audit.read({ limit: 100 });
    expect(entries.filter(({ id }) => id > newest).map(({ target }) => target)).toEqual(["marker"]);
  });
});
