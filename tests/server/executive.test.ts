/** The Executive as a listening service: bad connections, huge and chunked bodies, and stopping. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { CtlstoreError } from "../../core/errors.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { type RunningExecutive, startExecutive } from "../../server/executive.ts";
import { until } from "../support/until.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp, type TestAppOptions, WRITER } from "./test-app.ts";

interface Service extends AsyncDisposable {
  readonly app: TestApp;
  readonly executive: RunningExecutive;
  readonly port: number;
}

async function startService(options: TestAppOptions = {}): Promise<Service> {
  const app = await openTestApp(options);
  const executive = await startExecutive(
    { ...app.deps, metrics: createMetrics() },
    { bind: "127.0.0.1:0", adminToken: ADMIN_TOKEN, ...options },
  );
  return {
    app,
    executive,
    port: Number(new URL(executive.url).port),
    async [Symbol.asyncDispose]() {
      await executive.stop();
      await app[Symbol.asyncDispose]();
    },
  };
}

const HEAD = `POST /families/shop/mutations HTTP/1.1\r\nHost: localhost\r\nctlstore-writer: importer\r\nctlstore-secret: s3cr3t-writer\r\n`;
const BATCH = '{"mutations":[{"table":"counter","values":{"id":1}}]}';

/** A raw connection: what it receives, and when it is over. */
class RawConnection {
  received = "";
  isClosed = false;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (data) => {
      this.received += data.toString("latin1");
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }

  send(...parts: readonly string[]): this {
    for (const part of parts) this.socket.write(part);
    return this;
  }

  answer(): Promise<string> {
    return until(() => this.received.includes("\r\n\r\n") && this.received, { what: "an answer" });
  }

  closed(): Promise<boolean> {
    return until(() => this.isClosed, { what: "the end of the connection" });
  }
}

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

describe("bodies over a real connection", () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service[Symbol.asyncDispose]());

  async function expectAlive(head: bigint): Promise<void> {
    expect(await service.app.headSequence()).toBe(head);
    const path = `${service.executive.url}/families/shop/mutations`;
    const answer = await fetch(path, { method: "POST", body: BATCH, headers: WRITER });
    expect(answer.status).toBe(200);
  }

  test("a chunked body without a declared length is read whole", async () => {
    const connection = new RawConnection(service.port);
    const pieces = [...BATCH].map(chunk);
    connection.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, ...pieces, "0\r\n\r\n");
    expect(await connection.answer()).toStartWith("HTTP/1.1 200");
    connection.socket.destroy();
  });

  test("a declared length above the limit is refused before the body is sent, and the connection closed", async () => {
    const head = await service.app.headSequence();
    for (const length of [1_048_577, 50_000_000]) {
      const connection = new RawConnection(service.port).send(`${HEAD}Content-Length: ${length}\r\n\r\n{`);
      expect(await connection.answer()).toStartWith("HTTP/1.1 413");
      expect(connection.received.toLowerCase()).toContain("connection: close");
      expect(connection.received).toContain("request_too_large");
      await connection.closed();
    }
    await expectAlive(head);
  });

  test("a declared length of ten gigabytes is 413", async () => {
    const head = await service.app.headSequence();
    const connection = new RawConnection(service.port).send(`${HEAD}Content-Length: 10000000000\r\n\r\n{`);
    expect(await connection.answer()).toStartWith("HTTP/1.1 413");
    await connection.closed();
    await expectAlive(head);
  });

  test("an endless chunked body is cut off at the limit", async () => {
    const head = await service.app.headSequence();
    const connection = new RawConnection(service.port).send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const piece = chunk(" ".repeat(256 * 1024));
    for (let sent = 0; sent < 40 && connection.received === ""; sent++) {
      await new Promise((resolve) => connection.socket.write(piece, resolve));
    }
    expect(await connection.answer()).toStartWith("HTTP/1.1 413");
    expect(connection.received).toContain("request_too_large");
    await connection.closed();
    await expectAlive(head);
  });

  test("a body cut off in the middle changes nothing", async () => {
    const head = await service.app.headSequence();
    const half = BATCH.slice(0, 30);
    for (const start of [
      `Content-Length: ${BATCH.length}\r\n\r\n${half}`,
      `Transfer-Encoding: chunked\r\n\r\n${chunk(half)}`,
    ]) {
      const connection = new RawConnection(service.port).send(HEAD + start);
      await until(() => connection.socket.bytesWritten > HEAD.length, { what: "the half body to be sent" });
      connection.socket.resetAndDestroy();
      await connection.closed();
    }
    await expectAlive(head);
  });

  test("broken framing, NUL in a header and header injection are refused", async () => {
    const head = await service.app.headSequence();
    const bad = [
      `${HEAD}Transfer-Encoding: chunked\r\n\r\nZZ\r\n${BATCH}\r\n0\r\n\r\n`,
      `${HEAD}X: a\u0000b\r\n\r\n`,
      "NONSENSE\r\n\r\n",
      `${HEAD}Content-Length: -5\r\n\r\n${BATCH}`,
      `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(BATCH)}0\r\n\r\n`,
    ];
    for (const request of bad) {
      const connection = new RawConnection(service.port).send(request);
      expect(await connection.answer()).toMatch(/^HTTP\/1\.1 4\d\d/);
      connection.socket.destroy();
    }
    await expectAlive(head);
  });

  test("a body that nobody reads is never taken for the next request", async () => {
    const head = await service.app.headSequence();
    const hidden = `DELETE /families/shop/tables/item HTTP/1.1\r\nHost: x\r\nauthorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`;
    const unauthorised = "POST /tables HTTP/1.1\r\nHost: x\r\n";
    for (const body of [
      `Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
      `Transfer-Encoding: chunked\r\n\r\n${chunk(hidden)}0\r\n\r\n`,
    ]) {
      const connection = new RawConnection(service.port).send(unauthorised + body);
      expect(await connection.answer()).toStartWith("HTTP/1.1 401");
      connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      await connection.closed();
      const statuses = [...connection.received.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
      expect(statuses).toEqual(["401", "200"]);
    }
    await expectAlive(head);
  });

  test("D22 a host of any length is routed alike, and no host opens a closed route", async () => {
    const get = async (host: string, path: string) => {
      const connection = new RawConnection(service.port);
      connection.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const answer = await connection.answer();
      connection.socket.destroy();
      return answer;
    };
    for (const host of ["x", "db", "abc", "abcd", "localhost:3000"]) {
      expect(await get(host, "/healthz")).toStartWith("HTTP/1.1 200");
      expect(await get(host, "/healthz?a=/b")).toStartWith("HTTP/1.1 200");
      expect(await get(host, "/families")).toStartWith("HTTP/1.1 401");
      expect(await get(host, "/aa/families")).toStartWith("HTTP/1.1 404");
    }
    for (const host of ["x/healthz?", "x/", "", "x/healthz#", "x/aa", "@", "x\\healthz"]) {
      for (const path of ["/families", "/a/families", "/openapi/families"]) {
        expect(await get(host, path)).not.toContain('"families":');
      }
    }
  });

  test("answers a health check that names no host, as those of HTTP/1.0", async () => {
    for (const head of ["HTTP/1.0\r\n", "HTTP/1.1\r\nHost:\r\n"]) {
      const connection = new RawConnection(service.port).send(`GET /healthz ${head}\r\n`);
      expect(await connection.answer()).toMatch(/^HTTP\/1\.1 200/);
      connection.socket.destroy();
    }
  });

  test("D22 no path opens a closed route when the request names no host", async () => {
    const before = (await service.app.ctldb.catalog()).families;
    // The router and the front door must see the same path in each of these.
    const lengths = Array.from({ length: 15 }, (_, length) => "a".repeat(length));
    const paths = ["/", "", "http:/"].flatMap((start) =>
      lengths.map((text) => `${start}${text}://families/cookie`),
    );
    for (const family of [".", "%2e", "a/..", "\\", ".\\", "a\\..", "#", "\t."]) {
      paths.push(`/families/${family}/mutations`, `//x/families/${family}/mutations`);
    }
    for (const path of paths) {
      const connection = new RawConnection(service.port);
      const writer = "ctlstore-writer: importer\r\nctlstore-secret: s3cr3t-writer";
      connection.send(`POST ${path} HTTP/1.0\r\n${writer}\r\nContent-Length: 0\r\n\r\n`);
      const answer = await connection.answer();
      expect({ path, is200: answer.includes(" 200 ") }).toEqual({ path, is200: false });
      connection.socket.destroy();
    }
    expect((await service.app.ctldb.catalog()).families).toEqual(before);
  });

  test("a name with line breaks does not become a header of the answer", async () => {
    const path = `${service.executive.url}/families/${encodeURIComponent("a\r\nx-evil: 1\r\n\r\nb")}`;
    const answer = await fetch(path, { method: "POST", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    expect(answer.status).toBe(422);
    expect(answer.headers.has("x-evil")).toBe(false);
  });
});

describe("starting and stopping", () => {
  /** A ctldb whose writes wait until they are let go. */
  function gate() {
    const opened = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const wrap = (ctldb: CtlDb): CtlDb =>
      new Proxy(ctldb, {
        get(target, name) {
          if (name === "write") {
            return async (request: Parameters<CtlDb["write"]>[0]) => {
              entered.resolve();
              await opened.promise;
              return target.write(request);
            };
          }
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === "function" ? member.bind(target) : member;
        },
      });
    return { wrap, open: opened.resolve, entered: entered.promise };
  }

  test("stop lets a request under way finish, refuses new ones, and can be called twice", async () => {
    const { wrap, open, entered } = gate();
    await using service = await startService({ wrap });
    const { url } = service.executive;
    const underWay = fetch(`${url}/families/shop/mutations`, {
      method: "POST",
      body: BATCH,
      headers: WRITER,
    });
    const idle = new RawConnection(service.port).send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    await idle.answer();
    await entered;
    const stopped = service.executive.stop();
    idle.received = "";
    idle.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    // A connection that is open already may be told so, or closed.
    await until(() => idle.received.includes("503") || idle.isClosed, { what: "the refusal" });
    await expect(fetch(`${url}/healthz`, { keepalive: false })).rejects.toThrow();
    open();
    expect((await underWay).status).toBe(200);
    await Promise.all([stopped, service.executive.stop()]);
    expect(await service.app.headSequence()).toBe(3n);
  });

  test("stop gives up on a request that never ends", async () => {
    const { wrap, open, entered } = gate();
    await using app = await openTestApp({ wrap });
    const executive = await startExecutive(
      { ...app.deps, metrics: createMetrics() },
      { bind: "127.0.0.1:0", adminToken: ADMIN_TOKEN, drainMs: 50 },
    );
    const stuck = fetch(`${executive.url}/families/shop/mutations`, {
      method: "POST",
      body: BATCH,
      headers: WRITER,
    });
    await entered;
    await Promise.all([executive.stop(), expect(stuck).rejects.toThrow()]);
    open();
  });

  test("a taken port, a bad address and a bad token are config errors", async () => {
    await using service = await startService();
    const start = (bind: string, adminToken = ADMIN_TOKEN) =>
      startExecutive({ ...service.app.deps, metrics: createMetrics() }, { bind, adminToken });
    const taken = await start(`127.0.0.1:${service.port}`).catch((error: unknown) => error);
    expect(taken).toMatchObject({ code: "config_invalid", cause: { code: "EADDRINUSE" } });
    for (const bind of ["", "localhost", "127.0.0.1:", ":80", "127.0.0.1:70000", "::1:80", "http://x:1"]) {
      await expect(start(bind)).rejects.toMatchObject({ code: "config_invalid" });
    }
    for (const token of ["", "two words", "line\nbreak", "ü"]) {
      await expect(start("127.0.0.1:0", token)).rejects.toBeInstanceOf(CtlstoreError);
    }
  });
});
