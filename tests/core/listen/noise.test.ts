/** Random bytes, and requests with random damage, over plain HTTP, TLS and before TLS: nobody else notices (I13). */
import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { listen } from "../../../core/process/listen.ts";
import { BodyBudget, readBody } from "../../../core/process/read-body.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../../support/suite.ts";
import { until } from "../../support/until.ts";
import { openTls, openTlsWorld, RawConnection } from "./tls-world.ts";

const REQUESTS = [
  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
];

/** 505 says that the version of HTTP is none that we speak: that is the client's doing. */
const FAILURE = /^HTTP\/1\.1 5(?!05)/;

/** A request with some bytes changed, left out, doubled or put in; now and then nothing but noise. */
function damaged(random: () => number): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  if (below(5) === 0) return Buffer.from(Array.from({ length: below(300) }, () => below(256)));
  const bytes = [...Buffer.from(REQUESTS[below(REQUESTS.length)] ?? "")];
  for (let changes = below(6); changes > 0; changes--) {
    const at = below(bytes.length);
    const kind = below(4);
    if (kind === 0) bytes[at] = below(256);
    else if (kind === 1) bytes.splice(at, 1 + below(4));
    else if (kind === 2) bytes.splice(at, 0, ...bytes.slice(at, at + below(20)));
    else bytes.splice(at, 0, ...Array.from({ length: below(10) }, () => below(256)));
  }
  return Buffer.from(bytes);
}

test(
  "noise on a connection, in a request or in place of a handshake harms nobody else",
  async () => {
    const seed = suiteSeed();
    const random = seededRandom(seed);
    const limits = { requestMs: 200, bodies: new BodyBudget() };
    const fetchBody = async (request: Request) => {
      const bytes = await readBody(request, 1_000, limits).catch(() => null);
      return new Response(bytes === null ? "refused" : "ok", { status: bytes === null ? 400 : 200 });
    };
    const plain = await listen("127.0.0.1:0", { fetch: fetchBody });
    await using world = await openTlsWorld({ fetch: fetchBody });
    const raw = (url: string) => new RawConnection({ port: Number(new URL(url).port) }).socket;
    const ways = [
      async () => raw(plain.url),
      async () => raw(world.listener.url),
      async (): Promise<Socket> => openTls(world),
    ];
    let received = "";
    const runs = runsOf({ quick: 300, deep: 20_000 });
    for (let run = 0; run < runs; run++) {
      const socket = await ways[run % ways.length]?.();
      if (socket === undefined) continue;
      socket.on("error", () => {});
      socket.on("data", (data) => {
        received = data.toString("latin1", 0, 12);
        expect({ seed, run, isFailure: FAILURE.test(received) }).toEqual({ seed, run, isFailure: false });
      });
      socket.write(damaged(random), () => {
        if (run % 4 !== 0) socket.end();
        else if (run % 8 === 0) socket.destroy();
      });
      // Those that say no more are let go in time; not all of them at once.
      if (run % 50 === 0) expect(await (await fetch(plain.url, { keepalive: false })).text()).toBe("ok");
      if (run % 50 === 25) expect(await world.get()).toBe("ok");
      if (run % 8 === 4) setTimeout(() => socket.destroy(), 300);
    }
    await until(() => plain.pendingRequests + world.listener.pendingRequests === 0, { what: "their end" });
    expect(await world.get()).toBe("ok");
    await plain.stop(true);
  },
  timeoutMsOf({ quick: 30_000, deep: 300_000 }),
);
