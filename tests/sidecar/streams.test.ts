/** Long answers: whole, of one state, and no client can keep that state for long (R15). */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import type { SampleLdb } from "../reader/suite/sample-ldb.ts";
import { until } from "../support/until.ts";
import { keyBody, SidecarWorld } from "./sidecar-world.ts";

const ROWS = 2_000;
/** More than sockets take in, on both sides together. */
const ROW_BYTES = 12_000;
const PATH = "/get-rows-by-key-prefix/fam/t1";

/** Every row says which state it is of. */
function fillSql(state: number, rows = ROWS, bytes = ROW_BYTES): string {
  return `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    REPLACE INTO fam___t1 SELECT 'a', i, '${state}', printf('%.${bytes}c', 'x') FROM n`;
}

class StreamWorld extends SidecarWorld {
  readonly ldb: SampleLdb;

  constructor(rows = ROWS, bytes = ROW_BYTES) {
    super();
    this.ldb = this.folder.ldb();
    this.ldb.changeSchema(
      'CREATE TABLE fam___t1 ("g" VARCHAR(191), "i" INTEGER, "state" TEXT, "filler" TEXT, PRIMARY KEY("g", "i"))',
    );
    this.ldb.apply(fillSql(1, rows, bytes));
    this.ldb.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** True when nothing keeps the write-ahead log from being cut. */
  canCutLog(): boolean {
    using writer = new Database(this.folder.ldbPath);
    return writer.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").get()?.busy === 0;
  }

  streams(outcome: string): Promise<number> {
    return this.metric(`ctlstore_sidecar_streams_total{outcome="${outcome}"}`);
  }
}

/** A client that takes what it likes, when it likes. */
class SlowClient implements Disposable {
  readonly socket: Socket;
  #text = "";
  #stalls = false;
  isClosed = false;

  constructor(url: string, body = "{}") {
    this.socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port) });
    this.socket.setEncoding("latin1");
    this.socket.on("data", (text) => {
      this.#text += text;
      if (this.#stalls && this.#hasHead) this.socket.pause();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isClosed = true;
    });
    this.socket.write(
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  }

  /** Waits for the beginning of the answer, and takes no more: not even while this waits. */
  async stall(): Promise<void> {
    this.#stalls = true;
    await until(() => this.#hasHead, { what: "the head of the answer", intervalMs: 1 });
    this.#stalls = false;
  }

  get #hasHead(): boolean {
    return this.#text.includes("\r\n\r\n");
  }

  get isWhole(): boolean {
    return this.#text.endsWith("0\r\n\r\n");
  }

  /** The body without the chunks' sizes. */
  get body(): string {
    let at = this.#text.indexOf("\r\n\r\n") + 4;
    let body = "";
    for (;;) {
      const end = this.#text.indexOf("\r\n", at);
      const size = Number.parseInt(this.#text.slice(at, end), 16);
      if (end < 0 || !(size > 0)) return body;
      body += this.#text.slice(end + 2, end + 2 + size);
      at = end + 2 + size + 2;
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

interface Row {
  readonly i: number;
  readonly state: string;
}

function expectWhole(rows: readonly Row[], state: string, count = ROWS): void {
  expect(rows.length).toBe(count);
  expect(new Set(rows.map((row) => row.state))).toEqual(new Set([state]));
  expect(rows.every((row, i) => row.i === i + 1)).toBe(true);
}

describe("a long answer", () => {
  test("is whole, in order, of one state, with its headers, and ends in the last piece", async () => {
    await using w = await new StreamWorld().start();
    const answer = await w.post(PATH, keyBody("a"));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-length")).toBeNull();
    expect(answer.headers.get("ctlstore-sequence")).toBe("2");
    expectWhole(answer.json, "1");
    const known = await w.post(PATH, keyBody("a"), { "if-none-match": answer.headers.get("etag") ?? "" });
    expect([known.status, known.text]).toEqual([304, ""]);
    await until(async () => (await w.streams("whole")) === 1, { what: "the end of the stream" });
    expect(await w.metric("ctlstore_sidecar_streams")).toBe(0);
    expect(await w.metric("ctlstore_sidecar_rows_total")).toBe(ROWS);
    expect(w.canCutLog()).toBe(true);
  });

  test("R15 stays of its state when a slow client takes it, and lets the log be cut meanwhile", async () => {
    await using w = await new StreamWorld().start({ limits: { heldMs: 1_000 } });
    using client = new SlowClient(w.url);
    await client.stall();
    expect(await w.metric("ctlstore_sidecar_streams")).toBe(1);
    w.ldb.apply(fillSql(2));
    expect(w.canCutLog()).toBe(false);
    await until(() => w.canCutLog(), { what: "the log to be cut" });
    expect(await w.metric("ctlstore_sidecar_streams")).toBe(0);
    expect(await w.metric("ctlstore_sidecar_stream_rest_bytes")).toBeGreaterThan(1_000_000);
    client.socket.resume();
    await until(() => client.isClosed, { what: "the end of the answer" });
    expect(client.isWhole).toBe(true);
    expectWhole(JSON.parse(client.body), "1");
    expectWhole((await w.post(PATH, {})).json, "2");
    expect(await w.metric("ctlstore_sidecar_stream_rest_bytes")).toBe(0);
  });

  test("R15 I13 is broken off, and never looks whole, when what is left is more than may be kept", async () => {
    await using w = await new StreamWorld().start({ limits: { heldMs: 100, restBytes: 1_000_000 } });
    using client = new SlowClient(w.url);
    await client.stall();
    await until(async () => (await w.streams("rest_too_large")) === 1, {
      what: "the answer to be broken off",
    });
    expect(w.canCutLog()).toBe(true);
    expect(await w.metric("ctlstore_sidecar_stream_rest_bytes")).toBe(0);
    client.socket.resume();
    await until(() => client.isClosed, { what: "the end of the answer" });
    expect(client.isWhole).toBe(false);
    expect(() => JSON.parse(client.body)).toThrow();
    // Another one is not in its way; on a machine that is busy it may itself be too slow for this test's limits.
    const asked = () => w.post(PATH, {}).catch(() => null);
    await until(async () => (await asked())?.json?.length === ROWS, { what: "a whole answer" });
  });

  test("R15 lets go of its state at once when the client is gone", async () => {
    await using w = await new StreamWorld().start({ limits: { heldMs: 600_000 } });
    const client = new SlowClient(w.url);
    await client.stall();
    w.ldb.apply("UPDATE fam___t1 SET state = '2' WHERE i = 1");
    expect(w.canCutLog()).toBe(false);
    client[Symbol.dispose]();
    await until(() => w.canCutLog(), { what: "the log to be cut" });
    expect(await w.streams("left")).toBe(1);
  });

  test("I13 is broken off when its client takes too long over it", async () => {
    await using w = await new StreamWorld().start({ limits: { heldMs: 50, streamMs: 400 } });
    using client = new SlowClient(w.url);
    await client.stall();
    await until(async () => (await w.streams("too_slow")) === 1, { what: "the answer to be broken off" });
    client.socket.resume();
    await until(() => client.isClosed, { what: "the end of the answer" });
    expect(client.isWhole).toBe(false);
    expect(await w.metric("ctlstore_sidecar_stream_rest_bytes")).toBe(0);
  });

  test("I13 waits for its turn when others are being read, and is refused when too many wait", async () => {
    await using w = await new StreamWorld().start({
      limits: { streams: 1, waitingStreams: 1, streamTurnMs: 600_000, heldMs: 600_000 },
    });
    const client = new SlowClient(w.url);
    await client.stall();
    const second = w.post(PATH, {});
    await until(async () => (await w.post(PATH, {})).status === 503, { what: "the third to be refused" });
    expect((await w.post("/get-row-by-key/fam/t1", keyBody("a", 1))).status).toBe(200);
    client[Symbol.dispose]();
    expectWhole((await second).json, "1");
    await using hasty = await new StreamWorld().start({
      limits: { streams: 1, streamTurnMs: 1, heldMs: 600_000 },
    });
    using first = new SlowClient(hasty.url);
    await first.stall();
    const refused = await hasty.post(PATH, {});
    expect([refused.status, refused.code]).toEqual([503, "overloaded"]);
  });

  test("ends when the sidecar stops with a client that takes nothing", async () => {
    await using w = await new StreamWorld().start({ limits: { drainMs: 20, heldMs: 600_000 } });
    using client = new SlowClient(w.url);
    await client.stall();
    await w.sidecar.stop();
    await until(() => w.canCutLog(), { what: "the log to be cut" });
    client.socket.resume();
    await until(() => client.isClosed, { what: "the end of the connection" });
    expect(client.isWhole).toBe(false);
  });
});

describe("too many rows", () => {
  test("are 416 before the first byte, of a short answer and of a long one, and exactly as many are not", async () => {
    for (const limits of [{}, { pieceRows: 10 }]) {
      await using w = await new StreamWorld(500, 10).start({ maxRows: 499, limits });
      const refused = await w.post(PATH, {});
      expect([refused.status, refused.code]).toEqual([416, "too_many_rows"]);
      expect(w.sidecar.status().streams).toBe(0);
      w.ldb.apply("DELETE FROM fam___t1 WHERE i = 500");
      expectWhole((await w.post(PATH, {})).json, "1", 499);
      expectWhole((await w.post(PATH, keyBody("a"))).json, "1", 499);
      expect((await w.post(PATH, keyBody("b"))).json).toEqual([]);
    }
  });

  test("D5 are counted, and given, in both forms of text holding NUL", async () => {
    for (const limits of [{}, { pieceRows: 1 }]) {
      await using w = await new StreamWorld(1, 10).start({ maxRows: 4, limits });
      const forms = ["CAST(x'610062' AS TEXT)", "x'610062'"];
      const rows = forms.flatMap((form) => [1, 2].map((i) => `(${form}, ${i}, 's', '')`));
      w.ldb.apply(`INSERT INTO fam___t1 VALUES ${rows}`);
      expect((await w.post(PATH, keyBody("a\0b"))).json.map((row: Row) => row.i)).toEqual([1, 2, 1, 2]);
      w.ldb.apply("INSERT INTO fam___t1 VALUES (x'610062', 3, 's', '')");
      expect((await w.post(PATH, keyBody("a\0b"))).status).toBe(416);
    }
  });
});
