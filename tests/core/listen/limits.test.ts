/** What slow, huge and many clients can do to a listener: nothing to the others, and for a while only (I13). */
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { type Listener, type ListenOptions, listen } from "../../../core/process/listen.ts";
import { createMetrics } from "../../../core/process/metrics.ts";
import { BodyBudget, readBody } from "../../../core/process/read-body.ts";
import { isDeep } from "../../support/suite.ts";
import { until } from "../../support/until.ts";
import { metricOf, openTlsWorld, RawConnection } from "./tls-world.ts";

const HEAD = "GET / HTTP/1.1\r\nHost: x\r\n";
const REQUEST = `${HEAD}\r\n`;

async function withListener(
  options: Partial<ListenOptions>,
  use: (listener: Listener, port: number) => Promise<void>,
): Promise<void> {
  const listener = await listen("127.0.0.1:0", { fetch: () => new Response("ok"), ...options });
  try {
    await use(listener, Number(new URL(listener.url).port));
  } finally {
    await listener.stop(true);
  }
}

const served = async (url: string) => (await fetch(url, { keepalive: false })).text();

/** Sends `piece` again and again until the connection is closed. */
function drip(connection: RawConnection, piece: string): RawConnection {
  const timer = setInterval(() => connection.socket.write(piece), 100);
  connection.socket.on("close", () => clearInterval(timer));
  return connection;
}

function closed(connections: readonly RawConnection[], deadlineMs?: number): Promise<true> {
  return until(() => connections.every(({ isClosed }) => isClosed), {
    what: "the end of the connections",
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
}

describe("too many connections", () => {
  for (const kind of ["plain", "TLS"] as const) {
    test(`are closed at once, and counted, when ${kind} is full; there is room again when others leave`, async () => {
      await using world = await openTlsWorld({ maxConnections: 5 });
      const metrics = kind === "TLS" ? world.metrics : createMetrics();
      await withListener(
        { maxConnections: 5, metrics: createMetrics(), ...(kind === "TLS" ? {} : { metrics }) },
        async (listener, plainPort) => {
          const port = kind === "TLS" ? world.port : plainPort;
          const ask = () => (kind === "TLS" ? world.get() : served(listener.url));
          const five = Array.from({ length: 5 }, () => new RawConnection({ port }));
          await until(async () => (await metricOf(metrics, "ctlstore_connections")) === 5, { what: "five" });
          const more = Array.from({ length: 3 }, () => new RawConnection({ port }));
          await closed(more);
          await expect(ask()).rejects.toThrow();
          expect(five.some(({ isClosed }) => isClosed)).toBe(false);
          expect(await metricOf(metrics, "ctlstore_connections_refused_total")).toBeGreaterThanOrEqual(4);
          for (const { socket } of five) socket.destroy();
          await until(async () => (await metricOf(metrics, "ctlstore_connections")) === 0, { what: "none" });
          expect(await ask()).toMatch(/^(ok|x)/);
        },
      );
    });
  }

  test("are none when clients have left before they were taken in, as checks of load balancers do", async () => {
    const metrics = createMetrics();
    await withListener({ maxConnections: 5, metrics }, async (listener, port) => {
      const leave = `const { connect } = require("node:net");
        for (let i = 0; i < 5; i++) { const socket = connect(${port}, "127.0.0.1", () => socket.destroy()); }`;
      // We do nothing while they come and go.
      execFileSync(process.execPath, ["-e", leave]);
      await served(listener.url).catch(() => {});
      await until(async () => (await metricOf(metrics, "ctlstore_connections")) === 0, {
        what: "room for others, sooner than silence is no longer borne",
        deadlineMs: 5_000,
      });
    });
  });

  test("that say nothing do not keep others from being served when there are five hundred", async () => {
    await withListener({}, async (listener, port) => {
      const idle = Array.from({ length: 500 }, (_, n) => {
        const connection = new RawConnection({ port });
        if (n % 2 === 0) connection.socket.write(HEAD);
        return connection;
      });
      await until(() => idle.every(({ socket }) => !socket.connecting), { what: "their connections" });
      for (let n = 0; n < 20; n++) expect(await served(listener.url)).toBe("ok");
      for (const { socket } of idle) socket.destroy();
    });
  });
});

describe.concurrent("slow clients", () => {
  test("lose their connection when the head of their next request comes byte by byte", async () => {
    await withListener({ idleSeconds: 4 }, async (listener, port) => {
      const slow = ["G", "x: y\r\n"].map((piece) => {
        const connection = new RawConnection({ port });
        connection.socket.write(REQUEST);
        connection.socket.once("data", () => {
          if (piece !== "G") connection.socket.write(HEAD);
          drip(connection, piece);
        });
        return connection;
      });
      const silent = new RawConnection({ port });
      silent.socket.write(REQUEST);
      await closed([...slow, silent], 12_000);
      expect(silent.received).toStartWith("HTTP/1.1 200");
      expect(await served(listener.url)).toBe("ok");
    });
  });

  test.if(isDeep)(
    "lose their connection when no first request comes, with TLS and without",
    async () => {
      await using world = await openTlsWorld();
      await withListener({}, async (_listener, port) => {
        const connections = [port, world.port].flatMap((where) => [
          new RawConnection({ port: where }),
          drip(new RawConnection({ port: where }), "x: y\r\n"),
        ]);
        const half = new RawConnection({ port });
        half.socket.write(HEAD);
        await closed([...connections, drip(half, "x: y\r\n")], 25_000);
      });
    },
    40_000,
  );

  test.if(isDeep)(
    "do not hold a long answer that they never take",
    async () => {
      const answer = new Uint8Array(32 * 1024 * 1024);
      await withListener({ idleSeconds: 8, fetch: () => new Response(answer) }, async (listener, port) => {
        const connection = new RawConnection({ port });
        connection.socket.pause();
        connection.socket.write(REQUEST);
        await until(() => listener.pendingRequests === 1, { what: "the request" });
        await until(() => listener.pendingRequests === 0, { what: "its end", deadlineMs: 25_000 });
        connection.socket.destroy();
      });
    },
    40_000,
  );

  test("wait for an answer for as long as it takes to make, beyond the time that silence is borne", async () => {
    const made = Promise.withResolvers<void>();
    const fetchByPath = async ({ url }: Request) => {
      if (new URL(url).pathname === "/slow") await made.promise;
      return new Response("ok");
    };
    await withListener({ idleSeconds: 4, fetch: fetchByPath }, async (listener, port) => {
      const answer = served(`${listener.url}/slow`);
      await until(() => listener.pendingRequests === 1, { what: "the slow request" });
      // Was active later, and is silent for too long sooner.
      const witness = new RawConnection({ port });
      witness.socket.write(REQUEST);
      await closed([witness], 12_000);
      expect(witness.received).toStartWith("HTTP/1.1 200");
      made.resolve();
      expect(await answer).toBe("ok");
    });
  });
});

describe("heads that are too large", () => {
  test("are refused, and others served, when one is huge or has ten thousand lines", async () => {
    await withListener({}, async (listener, port) => {
      const lines = Array.from({ length: 10_000 }, (_, n) => `h${n}: 1\r\n`).join("");
      for (const extra of [`x: ${"a".repeat(200_000)}\r\n`, lines, `${lines}${"a".repeat(1_000_000)}`]) {
        const connection = new RawConnection({ port });
        connection.socket.write(`${HEAD}${extra}\r\n`);
        await closed([connection]);
        expect(connection.received === "" || connection.received.startsWith("HTTP/1.1 431")).toBe(true);
      }
      const line = new RawConnection({ port });
      line.socket.write(`GET /${"a".repeat(200_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await closed([line]);
      expect(await served(listener.url)).toBe("ok");
    });
  });
});

describe("bodies", () => {
  const limits = (requestMs: number, most?: number) => ({ requestMs, bodies: new BodyBudget(most) });
  const codeOf = (error: unknown) =>
    new Response((error as { code?: string }).code ?? String(error), { status: 400 });
  const reader =
    (bodyLimits: ReturnType<typeof limits>, limitBytes = 1_000_000) =>
    async (request: Request) => {
      try {
        return new Response(String((await readBody(request, limitBytes, bodyLimits)).length));
      } catch (error) {
        return codeOf(error);
      }
    };
  const POST = "POST / HTTP/1.1\r\nHost: x\r\n";

  test("that come byte by byte are given up at their deadline, chunked or not", async () => {
    await withListener({ fetch: reader(limits(300)) }, async (_listener, port) => {
      const starts: [string, string][] = [
        [`${POST}Content-Length: 100000\r\n\r\n`, "a"],
        [`${POST}Content-Length: 1000\r\n\r\n`, "a"],
        [`${POST}Transfer-Encoding: chunked\r\n\r\n`, "1\r\na\r\n"],
      ];
      const slow = starts.map(([head, piece]) => {
        const connection = new RawConnection({ port });
        connection.socket.write(head);
        return drip(connection, piece);
      });
      await until(() => slow.every(({ received }) => received.includes("request_timeout")), { what: "408" });
      for (const { socket } of slow) socket.destroy();
    });
  });

  test("share a budget, which is free again when they are read, given up or cut off", async () => {
    const budget = limits(10_000, 100_000);
    await withListener({ fetch: reader(budget) }, async (listener, port) => {
      const post = async (bytes: number) =>
        (await fetch(listener.url, { method: "POST", body: new Uint8Array(bytes), keepalive: false })).text();
      expect(await post(100_000)).toBe("100000");
      expect(await post(100_001)).toBe("overloaded");
      const held = new RawConnection({ port });
      held.socket.write(`${POST}Content-Length: 90000\r\n\r\n${"a".repeat(60_000)}`);
      await until(async () => (await post(50_000)) === "overloaded", { what: "a body that is held" });
      expect(await post(10_000)).toBe("10000");
      held.socket.destroy();
      await until(async () => (await post(100_000)) === "100000", { what: "the budget of the one cut off" });
    });
  });

  test("that are longer than declared become no part of another request", async () => {
    await withListener({ fetch: reader(limits(5_000)) }, async (_listener, port) => {
      const connection = new RawConnection({ port });
      connection.socket.write(`${POST}Content-Length: 2\r\n\r\nabcdefgh\r\n\r\n`);
      await closed([connection]);
      const statuses = [...connection.received.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
      expect(["200", "200,400"]).toContain(statuses.join(","));
    });
  });

  test("that nobody reads wait in the connection, not in memory", async () => {
    const asked = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const unread = async () => {
      asked.resolve();
      await done.promise;
      return new Response("unread");
    };
    await withListener({ fetch: unread }, async (_listener, port) => {
      const connection = new RawConnection({ port });
      connection.socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
      const piece = `40000\r\n${"a".repeat(0x40000)}\r\n`;
      let sent = 0;
      while (sent < 64 && connection.socket.write(piece)) sent += 1;
      await asked.promise;
      // The kernel holds some megabytes; what cannot be sent stays with the client.
      for (let n = 0; n < 64; n++) connection.socket.write(piece);
      expect(connection.socket.writableLength).toBeGreaterThan(4 * 1024 * 1024);
      done.resolve();
      await until(() => connection.received.includes("unread"), { what: "the answer" });
      connection.socket.destroy();
    });
  });
});
