/** Whatever is sent to a sidecar: an answer of the kind that it should be, never a defect, and the next read is right. */
import { expect, test } from "bun:test";
import type { Logger } from "../../core/process/logger.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { brokenBytes } from "../security/broken-bytes.ts";
import { NASTY_JSON, NASTY_TEXTS } from "../security/nasty-values.ts";
import { rawRequest } from "../security/raw-http.ts";
import { pick } from "../security/schema-samples.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../support/suite.ts";
import { until } from "../support/until.ts";
import { keyBody, SidecarWorld } from "./sidecar-world.ts";

const RUNS = runsOf({ quick: 1_500, deep: 40_000 });
const RAW_RUNS = runsOf({ quick: 200, deep: 5_000 });
const ROUTES = [
  "/get-row-by-key/fam/t1",
  "/get-row-by-key/fam/kinds",
  "/get-rows-by-key-prefix/fam/t1",
  "/get-rows-by-key-prefix/fam/kinds",
  "/get-rows-by-keys",
];
const GETS = ["/get-ledger-latency", "/ping", "/healthcheck", "/status", "/healthz", "/readyz", "/metrics"];
const PARAMETERS = ["min-sequence", "timeout", "max-staleness", "other"];
/** What a client may be told: it was his fault, or not now; and nothing else. */
const MEANT = new Set([200, 304, 400, 404, 405, 408, 413, 414, 416, 422, 431, 503, 504]);

type Random = () => number;

class Fuzz {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  one<T>(list: readonly T[]): T {
    return pick(list, this.random) as T; // no list is empty
  }

  chance(part: number): boolean {
    return this.random() < part;
  }

  json(): string {
    return this.chance(0.5) ? this.one(NASTY_JSON) : JSON.stringify(this.one(NASTY_TEXTS));
  }

  part(): string {
    if (this.chance(0.1)) return this.json();
    const name = this.one(["value", "Value", "VALUE", "binary", "Binary", "bınary", "__proto__", ""]);
    const more = this.chance(0.2) ? `,"binary":${this.json()}` : "";
    return `{${JSON.stringify(name)}:${this.chance(0.3) ? '"a"' : this.json()}${more}}`;
  }

  key(): string {
    if (this.chance(0.1)) return this.json();
    return `[${Array.from({ length: Math.floor(this.random() * 4) }, () => this.part())}]`;
  }

  body(route: string): string {
    if (this.chance(0.1)) return this.json();
    if (this.chance(0.05)) return "x".repeat(Math.floor(this.random() * 5_000));
    if (!route.endsWith("keys")) return `{"${this.one(["key", "Key", "kEY"])}":${this.key()}}`;
    const table = this.one(["t1", "kinds", "none", ...NASTY_TEXTS]);
    const keys = this.chance(0.1)
      ? this.json()
      : `[${Array.from({ length: this.random() * 5 }, () => this.key())}]`;
    const read = `{"family":"fam","table":${JSON.stringify(table)},"Keys":${keys}}`;
    return `{"reads":[${this.chance(0.1) ? this.json() : read}]}`;
  }

  path(): string {
    const route = this.chance(0.15) ? this.one(GETS) : this.one(ROUTES);
    const nasty = this.chance(0.15) ? `${route}/${encodeURIComponent(this.one(NASTY_TEXTS))}` : route;
    if (this.chance(0.6)) return nasty;
    const value = encodeURIComponent(this.one(["1", "2", "0.5", "1ms", ...NASTY_TEXTS]));
    return `${nasty}?timeout=1&${this.one(PARAMETERS)}=${value}`;
  }

  method(): string {
    return this.chance(0.85)
      ? "POST"
      : this.one(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "QUERY"]);
  }
}

/** Remembers what would be a defect of ours. */
function watchfulLogger(defects: unknown[]): Logger {
  return { ...silentLogger, error: (...said: unknown[]) => void defects.push(said) } as Logger;
}

async function world(defects: unknown[]): Promise<SidecarWorld> {
  const w = new SidecarWorld(watchfulLogger(defects));
  const ldb = w.folder.ldb();
  ldb.changeSchema(`CREATE TABLE fam___t1 ("id" VARCHAR(191), "v" TEXT, PRIMARY KEY("id"));
    CREATE TABLE fam___kinds ("k" INTEGER, "s" VARCHAR(191), "b" BLOB(255), "v" TEXT, PRIMARY KEY("k", "s", "b"))`);
  ldb.apply("INSERT INTO fam___t1 VALUES('a', 'x'); INSERT INTO fam___kinds VALUES(1, 'a', x'00', 'x')");
  ldb.stamp(Date.now() * 1000);
  return w.start({ limits: { pieceRows: 1 } });
}

test(
  "I12 I13 D14 every request is answered as it should be, whatever is in it, and reads stay right",
  async () => {
    const seed = suiteSeed();
    const fuzz = new Fuzz(seededRandom(seed));
    const defects: unknown[] = [];
    await using w = await world(defects);
    for (let run = 0; run < RUNS; run++) {
      const method = fuzz.method();
      const path = fuzz.path();
      const hasBody = method !== "GET" && method !== "HEAD";
      const body = fuzz.body(path.split("?")[0] ?? "");
      const answer = await w.send(method, path, hasBody ? { body } : {});
      const what = `seed ${seed}: ${method} ${path} ${body.slice(0, 300)} is ${answer.status} ${answer.text.slice(0, 300)}`;
      expect(MEANT.has(answer.status) || answer.status === 204, what).toBe(true);
      if (answer.status >= 400 && answer.text !== "") expect(answer.code, what).toBeString();
      if (answer.status === 404 && answer.text === "" && method === "POST")
        expect(answer.headers.get("x-ctlstore"), what).toBe("Not Found");
      expect(answer.headers.get("x-content-type-options"), what).toBe("nosniff");
    }
    expect(defects).toEqual([]);
    expect((await w.post("/get-row-by-key/fam/t1", keyBody("a"))).text).toBe('{"id":"a","v":"x"}');
    expect(w.sidecar.status()).toMatchObject({ streams: 0, waitingReads: 0, requestsInFlight: 0 });
  },
  timeoutMsOf({ quick: 60_000, deep: 600_000 }),
);

test(
  "I13 no bytes on a connection bring a sidecar down, chunks that are broken among them",
  async () => {
    const seed = suiteSeed();
    const fuzz = new Fuzz(seededRandom(seed + 1));
    const defects: unknown[] = [];
    await using w = await world(defects);
    for (let run = 0; run < RAW_RUNS; run++) {
      const route = fuzz.one(ROUTES);
      const body = new TextEncoder().encode(fuzz.body(route));
      const request = { method: "POST", path: route, headers: [], body };
      const { what, bytes } = brokenBytes(request, fuzz.random);
      const { status } = await rawRequest(w.url, bytes, { halfClose: true });
      const told = `seed ${seed}: ${what} of ${route} is ${status}`;
      expect(status === null || MEANT.has(status) || status === 505, told).toBe(true);
    }
    expect(defects).toEqual([]);
    expect((await w.post("/get-row-by-key/fam/t1", keyBody("a"))).text).toBe('{"id":"a","v":"x"}');
  },
  timeoutMsOf({ quick: 60_000, deep: 600_000 }),
);

test("I13 a body that is too long, too deep, or too slow is refused", async () => {
  await using w = await new SidecarWorld().start({ limits: { requestBytes: 1_000, requestMs: 50 } });
  const path = "/get-rows-by-keys";
  expect((await w.post(path, `{"reads":[${" ".repeat(1_000)}]}`)).status).toBe(413);
  const chunks = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 3; i++) controller.enqueue(new TextEncoder().encode(" ".repeat(500)));
      controller.close();
    },
  });
  expect((await w.send("POST", path, { body: chunks })).status).toBe(413);
  const slow = await rawRequest(w.url, `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{`);
  expect(slow.status).toBe(408);
  await using deep = await new SidecarWorld().start();
  const nested = `{"key":${"[".repeat(900_000)}${"]".repeat(900_000)}}`;
  expect((await deep.post("/get-row-by-key/fam/t1", nested)).status).toBe(400);
});

test("I13 requests beyond those that may be under way are refused, but health is told", async () => {
  await using w = await new SidecarWorld().start({ maxRequests: 1 });
  const waiting = w.get("/ping?min-sequence=1&timeout=60s");
  await until(() => w.sidecar.status().waitingReads === 1, { what: "a request under way" });
  const refused = await w.get("/ping");
  expect([refused.status, refused.code]).toEqual([503, "overloaded"]);
  expect((await w.get("/healthz")).status).toBe(200);
  expect(await w.metric("ctlstore_sidecar_requests_refused_total")).toBe(1);
  expect(await w.metric("ctlstore_sidecar_requests_in_flight")).toBe(1);
  const ldb = w.folder.ldb();
  ldb.moveTo(1);
  expect((await waiting).status).toBe(200);
});
