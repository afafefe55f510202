/** What a read may ask for: a sequence to wait for, a bound on staleness, nothing when nothing changed. */
import { describe, expect, test } from "bun:test";
import { until } from "../support/until.ts";
import { keyBody, SidecarWorld } from "./sidecar-world.ts";

const TABLE = 'CREATE TABLE fam___t1 ("id" INTEGER, "v" TEXT, PRIMARY KEY("id"))';

async function world() {
  const w = new SidecarWorld();
  const ldb = w.folder.ldb();
  ldb.changeSchema(TABLE);
  ldb.apply("INSERT INTO fam___t1 VALUES(1, 'x')");
  ldb.stamp(Date.now() * 1000 - 60_000_000);
  await w.start();
  return { w, ldb, [Symbol.asyncDispose]: () => w[Symbol.asyncDispose]() };
}

/** A read of each kind. */
const READS = ["/get-row-by-key/fam/t1", "/get-rows-by-key-prefix/fam/t1"] as const;

describe("min-sequence", () => {
  test("answers at once when the LDB is there, and waits for exactly that state when it is not", async () => {
    await using made = await world();
    const { w, ldb } = made;
    for (const read of READS) {
      const sequence = ldb.sequence;
      expect((await w.post(`${read}?min-sequence=${sequence}`, keyBody(1))).status).toBe(200);
      const waiting = w.post(`${read}?min-sequence=${sequence + 2}&timeout=60s`, keyBody(1));
      await until(() => w.sidecar.status().waitingReads === 1, { what: "a read that waits" });
      ldb.apply(`UPDATE fam___t1 SET v = 'too early'`);
      ldb.apply(`UPDATE fam___t1 SET v = '${read}'`);
      const answer = await waiting;
      expect(answer.text).toContain(`"v":"${read}"`);
      expect(answer.headers.get("ctlstore-sequence")).toBe(String(sequence + 2));
      expect(w.sidecar.status().waitingReads).toBe(0);
    }
  });

  test("waits for a table that is not there yet, and for an LDB that is not", async () => {
    await using w = await new SidecarWorld().start();
    const waiting = w.post("/get-row-by-key/fam/t1?min-sequence=2&timeout=60s", keyBody(1));
    await until(() => w.sidecar.status().waitingReads === 1, { what: "a read that waits" });
    const ldb = w.folder.ldb();
    ldb.changeSchema(TABLE);
    ldb.apply("INSERT INTO fam___t1 VALUES(1, 'x')");
    expect((await waiting).text).toBe('{"id":1,"v":"x"}');
  });

  test("is wait_timeout when the LDB does not get there in time, and what makes no sense is refused", async () => {
    await using made = await world();
    const { w } = made;
    const late = await w.post(
      "/get-row-by-key/fam/t1?min-sequence=9223372036854775807&timeout=20ms",
      keyBody(1),
    );
    expect([late.status, late.code]).toEqual([504, "wait_timeout"]);
    for (const query of [
      "min-sequence=-1",
      "min-sequence=x",
      "min-sequence=9223372036854775808",
      "min-sequence=",
    ]) {
      const refused = await w.post(`/get-row-by-key/fam/t1?${query}`, keyBody(1));
      expect([query, refused.status, refused.code]).toEqual([query, 400, "malformed_request"]);
    }
    for (const timeout of ["-1", "1m", "60001", "61s", "", "NaN"]) {
      const refused = await w.post(`/get-row-by-key/fam/t1?min-sequence=1&timeout=${timeout}`, keyBody(1));
      expect([timeout, refused.status]).toEqual([timeout, 400]);
    }
  });

  test("I13 is refused when too many wait, and lets go of who waits when he leaves or the sidecar stops", async () => {
    await using w = await new SidecarWorld().start({ limits: { waits: 2 } });
    const path = "/get-row-by-key/fam/t1?min-sequence=5&timeout=60s";
    const leaving = new AbortController();
    const left = fetch(`${w.url}${path}`, { method: "POST", body: "{}", signal: leaving.signal }).catch(
      () => null,
    );
    const staying = w.post(path, {});
    await until(() => w.sidecar.status().waitingReads === 2, { what: "reads that wait" });
    expect((await w.post(path, {})).code).toBe("overloaded");
    leaving.abort();
    await left;
    await until(() => w.sidecar.status().waitingReads === 1, { what: "who left to be let go" });
    await w.sidecar.stop();
    expect((await staying).code).toBe("overloaded");
  });
});

describe("max-staleness", () => {
  test("refuses when the state is older than asked for, or of unknown age, and answers when it is not", async () => {
    await using made = await world();
    const { w, ldb } = made;
    for (const read of [...READS]) {
      const refused = await w.post(`${read}?max-staleness=59.5`, keyBody(1));
      expect([refused.status, refused.code, refused.headers.get("retry-after")]).toEqual([
        503,
        "too_stale",
        "1",
      ]);
      expect((await w.post(`${read}?max-staleness=3600`, keyBody(1))).status).toBe(200);
    }
    expect((await w.get("/ping?max-staleness=1")).code).toBe("too_stale");
    expect((await w.get("/healthcheck?max-staleness=3600")).status).toBe(200);
    // Not found is an answer too.
    expect((await w.post("/get-row-by-key/fam/t1?max-staleness=1", keyBody(2))).code).toBe("too_stale");
    ldb.stamp(0);
    ldb.apply("SELECT 1");
    const unknown = await w.post("/get-row-by-key/fam/t1?max-staleness=3600", keyBody(1));
    expect(unknown.code).toBe("too_stale");
    expect((await w.post("/get-row-by-key/fam/t1", keyBody(1))).headers.get("ctlstore-latency")).toBeNull();
    expect((await w.get("/get-ledger-latency")).code).toBe("ldb_empty");
    for (const text of ["-1", "x", "1e3", ""])
      expect((await w.post(`/get-row-by-key/fam/t1?max-staleness=${text}`, keyBody(1))).status).toBe(400);
  });
});

describe("an ETag", () => {
  test("is of the state: the same answer is 304 until the LDB moves on, whatever the read", async () => {
    await using made = await world();
    const { w, ldb } = made;
    const reads = { reads: [{ family: "fam", table: "t1", keys: [[{ value: 1 }]] }] };
    const asked = (headers: Record<string, string> = {}) =>
      Promise.all([
        ...READS.map((read) => w.post(read, keyBody(1), headers)),
        w.post("/get-rows-by-keys", reads, headers),
        w.get("/get-ledger-latency", headers),
      ]);
    const [first] = await asked();
    const etag = first?.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"2-[0-9a-f]{16}"$/);
    for (const given of [etag, `W/${etag}`, `"1", ${etag}`, "*"]) {
      for (const { status, text, headers } of await asked({ "if-none-match": given })) {
        expect([given, status, text]).toEqual([given, 304, ""]);
        expect(headers.get("etag")).toBe(etag);
        expect(headers.get("ctlstore-sequence")).toBe("2");
      }
    }
    const missing = await w.post("/get-row-by-key/fam/t1", keyBody(2), { "if-none-match": etag });
    expect(missing.status).toBe(404);
    ldb.apply("UPDATE fam___t1 SET v = 'y'");
    for (const { status } of await asked({ "if-none-match": etag })) expect(status).toBe(200);
  });

  test("R4 is another one when the same sequence stands for another history", async () => {
    await using made = await world();
    const { w, ldb } = made;
    const tags = new Set<string | null>();
    for (const byte of ["01", "02"]) {
      ldb.exec(`UPDATE _ldb_meta SET hash = x'${byte.repeat(32)}', schema_version = schema_version + 1`);
      tags.add((await w.get("/ping")).headers.get("etag"));
    }
    expect(tags.size).toBe(2);
    for (const tag of tags) expect(tag).toMatch(/^"2-[0-9a-f]{16}"$/);
  });
});
