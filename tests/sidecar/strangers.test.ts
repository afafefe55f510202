/** What a sidecar does about clients that leave, web pages, and an LDB that was rebuilt behind its back. */
import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../core/process/clock.ts";
import { type Logger, silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { LdbAccess } from "../../sidecar/ldb-access.ts";
import { SequenceWaits } from "../../sidecar/sequence-waits.ts";
import { startSidecar } from "../../sidecar/sidecar.ts";
import { bunEnvironment } from "../reader/bun-environment.ts";
import { SampleFolder, type SampleLdb } from "../reader/suite/sample-ldb.ts";
import { runsOf, seededRandom, suiteSeed } from "../support/suite.ts";
import { until } from "../support/until.ts";
import { keyBody, SidecarWorld } from "./sidecar-world.ts";

const TABLE = 'CREATE TABLE fam___t1 ("id" INTEGER, "v" TEXT, PRIMARY KEY("id"))';
const READ = "/get-row-by-key/fam/t1";

test("I13 clients that leave while they wait are no failure of the sidecar: none is an error in its log or its metrics", async () => {
  const errors: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: (...said: unknown[]) => void errors.push(said) };
  await using w = await new SidecarWorld(logger).start();
  const leaving = new AbortController();
  const left = Array.from({ length: 64 }, () =>
    fetch(`${w.url}${READ}?min-sequence=5&timeout=60s`, {
      method: "POST",
      body: "{}",
      signal: leaving.signal,
    }).catch(() => null),
  );
  await until(() => w.sidecar.status().waitingReads === left.length, { what: "reads that wait" });
  leaving.abort();
  await Promise.all(left);
  const counted = () =>
    w.metric('ctlstore_sidecar_requests_total{route="/get-row-by-key/:family/:table",status="400"}');
  await until(async () => (await counted()) === left.length, { what: "all who left to be let go" });
  expect(w.sidecar.status()).toMatchObject({ waitingReads: 0, requestsInFlight: 0 });
  expect(errors).toEqual([]);
  expect(await w.metrics.render()).not.toContain('status="500"');
});

test("a read that begins to wait after the sidecar was stopped is refused at once, and the LDB is not opened any more", async () => {
  using folder = new SampleFolder(bunEnvironment);
  folder.ldb().apply(TABLE);
  const access = new LdbAccess({ clock: systemClock, logger: silentLogger }, folder.path);
  let looks = 0;
  const sequence = () => {
    looks += 1;
    return access.reader.inOneState(({ facts }) => facts.sequence);
  };
  const waits = new SequenceWaits({ clock: systemClock, sequence }, 10);
  const wait = { sequence: 5n, timeoutMs: 60_000, signal: new AbortController().signal };
  const waiting = waits.until(wait).catch((error: { code: string }) => error.code);
  await until(() => looks > 0, { what: "a look at the LDB" });
  waits.stop();
  access[Symbol.dispose]();
  expect(await waiting).toBe("overloaded");
  expect(() => waits.until(wait)).toThrow(expect.objectContaining({ code: "overloaded" }));
  expect(() => access.reader).toThrow(expect.objectContaining({ code: "reader_closed" }));
});

test("a defect in a look at the LDB is told to those who wait, and ends nothing else", async () => {
  const waits = new SequenceWaits(
    {
      clock: systemClock,
      sequence: () => {
        throw new TypeError("what nobody thought of");
      },
    },
    10,
  );
  const wait = { sequence: 5n, timeoutMs: 60_000, signal: new AbortController().signal };
  for (const _ of [1, 2]) await expect(waits.until(wait)).rejects.toThrow("what nobody thought of");
  expect(waits.count).toBe(0);
});

test("D22 a web page that reaches the sidecar under a name of its own is refused, whatever it asks", async () => {
  await using w = new SidecarWorld();
  const ldb = w.folder.ldb();
  ldb.changeSchema(TABLE);
  ldb.apply("INSERT INTO fam___t1 VALUES(1, 'x')");
  await w.start();
  for (const origin of ["http://rebound.example:1331", w.url, "null"]) {
    for (const path of [READ, "/get-rows-by-key-prefix/fam/t1", "/get-rows-by-keys"]) {
      const refused = await w.post(path, keyBody(1), { origin });
      expect([path, refused.status, refused.code]).toEqual([path, 403, "not_granted"]);
    }
    expect((await w.get("/status", { origin })).code).toBe("not_granted");
    const preflight = await w.send("OPTIONS", READ, {
      headers: { origin, "access-control-request-method": "POST" },
    });
    expect([...preflight.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
  expect((await w.post(READ, keyBody(1))).text).toBe('{"id":1,"v":"x"}');
});

test("I13 reads that wait hold no more than all bodies may, and what they held is free when they have ended", async () => {
  await using w = await new SidecarWorld().start({ limits: { bodiesBytes: 250_000 } });
  const padding = " ".repeat(100_000);
  const wait = () => w.post(`${READ}?min-sequence=5&timeout=60s`, `{"key":[]}${padding}`);
  for (let round = 0; round < 2; round++) {
    const leaving = new AbortController();
    const waiting = Array.from({ length: 2 }, () =>
      fetch(`${w.url}${READ}?min-sequence=5&timeout=60s`, {
        method: "POST",
        body: `{"key":[]}${padding}`,
        signal: leaving.signal,
      }).catch(() => null),
    );
    await until(() => w.sidecar.status().waitingReads === 2, { what: "reads that wait" });
    expect((await wait()).code).toBe("overloaded");
    // Small ones are not counted.
    expect((await w.post(`${READ}?min-sequence=5&timeout=1`, "{}")).code).toBe("wait_timeout");
    leaving.abort();
    await Promise.all(waiting);
    await until(() => w.sidecar.status().waitingReads === 0, { what: "them to be let go" });
  }
});

test("I13 answers that nobody takes are refused beyond what all may hold, and their room is free when the clients go", async () => {
  await using w = new SidecarWorld();
  const ldb = w.folder.ldb();
  ldb.changeSchema(TABLE);
  ldb.apply(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
    INSERT INTO fam___t1 SELECT i, '${"x".repeat(100_000)}' FROM n`);
  // A unix socket takes a fifth of a megabyte that nobody reads; TCP takes megabytes, as the host is set up.
  const unix = join(w.folder.path, "socket");
  await w.start({ binds: ["127.0.0.1:0", `unix:${unix}`], limits: { restBytes: 5_000_000 } });
  const keys = Array.from({ length: 20 }, (_, i) => [{ value: i + 1 }]);
  const all = { reads: [{ family: "fam", table: "t1", keys }] };
  const held = () => w.metric("ctlstore_sidecar_stream_rest_bytes");
  const whole = await w.post("/get-rows-by-keys", all);
  expect(whole.json.results[0].rows).toHaveLength(20);
  const sockets: Socket[] = [];
  try {
    const refused = async () => {
      const body = JSON.stringify(all);
      const socket = connect(unix, () => {
        socket.pause();
        socket.write(
          `POST /get-rows-by-keys HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
      });
      socket.on("error", () => {});
      sockets.push(socket);
      return (await w.post("/get-rows-by-keys", all)).status === 503;
    };
    await until(refused, { what: "an answer too many" });
    expect(await held()).toBeGreaterThan(2_000_000);
    expect(await held()).toBeLessThanOrEqual(5_000_000);
    const answer = await w.post("/get-rows-by-keys", all);
    expect([answer.code, answer.headers.get("retry-after")]).toEqual(["overloaded", "1"]);
    // What is small is answered all the same.
    expect((await w.get("/ping")).status).toBe(200);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  await until(async () => (await held()) === 0, { what: "every answer to be forgotten" });
  expect((await w.post("/get-rows-by-keys", all)).text).toBe(whole.text);
  expect((await w.post(READ, keyBody(20))).json.v).toHaveLength(100_000);
});

describe("an ETag", () => {
  test("R18 is another one when the LDB was rebuilt: the same sequence of the same history may hold other rows then", async () => {
    await using w = new SidecarWorld();
    const tags = new Set<string | null>();
    for (const [id, value] of [
      ["damaged", "y"],
      ["rebuilt", "x"],
    ] as const) {
      const ldb = w.folder.generation(id);
      ldb.changeSchema(TABLE);
      ldb.apply(`INSERT INTO fam___t1 VALUES(1, '${value}')`);
      ldb.exec(`UPDATE _ldb_meta SET hash = x'${"01".repeat(32)}'`);
      w.folder.flipTo(id);
      if (id === "damaged") await w.start();
      const [last = ""] = [...tags];
      const asked = () =>
        w.post(READ, keyBody(1), last === null || last === "" ? {} : { "if-none-match": last });
      await until(async () => (await asked()).text === `{"id":1,"v":"${value}"}`, {
        what: `the row of ${id}`,
      });
      const { status, headers } = await asked();
      expect(status).toBe(200);
      expect(headers.get("ctlstore-sequence")).toBe("2");
      tags.add(headers.get("etag"));
    }
    expect(tags.size).toBe(2);
  });

  test("R4 R18 never stands for two answers, whatever becomes of the LDB", async () => {
    const random = seededRandom(suiteSeed());
    const below = (bound: number) => Math.floor(random() * bound);
    await using w = new SidecarWorld();
    const bodies = new Map<string, string>();
    let generations = 0;
    /** Another generation, up to where the last one was: of other rows, and of the same history or another. */
    const replace = (sequence: number): SampleLdb => {
      generations += 1;
      const ldb = w.folder.generation(`${generations}`);
      ldb.changeSchema(TABLE);
      ldb.exec(`INSERT INTO fam___t1 VALUES(1, 'of generation ${generations}')`);
      ldb.moveTo(sequence);
      ldb.exec(`UPDATE _ldb_meta SET hash = ${below(3) === 0 ? "NULL" : `x'${`0${below(2)}`.repeat(32)}'`}`);
      w.folder.flipTo(`${generations}`);
      return ldb;
    };
    let ldb = replace(2);
    await w.start();
    for (let step = 0; step < runsOf({ quick: 150, deep: 3_000 }); step++) {
      const before = ldb;
      const kind = below(8);
      if (kind < 4) ldb.apply(`UPDATE fam___t1 SET v = 'at step ${step}'`);
      else if (kind < 6) ldb.applyAsOriginal(`UPDATE fam___t1 SET v = 'at step ${step}'`);
      else ldb = replace(ldb.sequence);
      // Else it is found out a tenth of a second later.
      if (ldb !== before && below(8) > 0) before.supersede();
      const [one, all] = [await w.post(READ, keyBody(1)), await w.post("/get-rows-by-key-prefix/fam/t1", {})];
      for (const { status, headers, text } of [one, all]) {
        expect(status).toBe(200);
        const name = `${headers.get("etag")} ${text[0]}`;
        expect([name, bodies.get(name) ?? text]).toEqual([name, text]);
        bodies.set(name, text);
        const known = await w.post(READ, keyBody(1), { "if-none-match": headers.get("etag") ?? "" });
        if (known.status === 200) expect(known.headers.get("etag")).not.toBe(headers.get("etag"));
      }
    }
    expect(bodies.size).toBeGreaterThan(20);
  });

  test("stays what it is when the sidecar is restarted", async () => {
    using folder = new SampleFolder(bunEnvironment);
    folder.ldb().apply(TABLE);
    const tags: (string | null)[] = [];
    for (let starts = 0; starts < 2; starts++) {
      const sidecar = await startSidecar(
        { clock: systemClock, logger: silentLogger, metrics: createMetrics() },
        { ldb: folder.path, binds: ["127.0.0.1:0"] },
      );
      tags.push((await fetch(`${sidecar.urls[0]}/ping`)).headers.get("etag"));
      await sidecar.stop();
    }
    expect(tags[0]).toMatch(/^"1-[0-9a-f]{16}"$/);
    expect(tags[1]).toBe(tags[0] ?? null);
  });
});
