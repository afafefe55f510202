/** What the sidecar answers to reads: rows as they are, found by keys as the original's clients send them. */
import { describe, expect, test } from "bun:test";
import { keyBody, SidecarWorld } from "./sidecar-world.ts";

const TABLES = `CREATE TABLE fam___t1 ("id" VARCHAR(191), "v" TEXT, PRIMARY KEY("id"));
  CREATE TABLE fam___kinds ("k" INTEGER, "s" VARCHAR(191), "t" TEXT, "d" REAL, "b" BLOB, "bs" BLOB(255), PRIMARY KEY("k"));
  CREATE TABLE fam___words ("order" VARCHAR(191), "group" INTEGER, "select" TEXT, PRIMARY KEY("order", "group"));
  CREATE TABLE fam___bytes ("k" BLOB(255), "v" TEXT, PRIMARY KEY("k"))`;

async function world(rows = "SELECT 1"): Promise<SidecarWorld> {
  const made = new SidecarWorld();
  const ldb = made.folder.ldb();
  ldb.changeSchema(TABLES);
  ldb.apply(rows);
  ldb.stamp(Date.now() * 1000 - 1_500_000);
  return made.start();
}

describe("a row by its key", () => {
  test("is the object of its fields when it is there, and 404 without a body when it is not", async () => {
    await using w = await world("INSERT INTO fam___t1 VALUES('a', 'x')");
    const found = await w.post("/get-row-by-key/fam/t1", keyBody("a"));
    expect([found.status, found.text]).toEqual([200, '{"id":"a","v":"x"}']);
    expect(found.headers.get("content-type")).toBe("application/json");
    expect(found.headers.get("x-content-type-options")).toBe("nosniff");
    expect(found.headers.get("cache-control")).toBe("no-store");
    const missing = await w.post("/get-row-by-key/fam/t1", keyBody("b"));
    expect([missing.status, missing.text]).toEqual([404, ""]);
    expect(missing.headers.get("x-ctlstore")).toBe("Not Found");
    expect(missing.headers.get("ctlstore-sequence")).toBe("2");
  });

  test("has the sequence and the age of the very state that it was read from, also after the LDB moved on", async () => {
    const w = new SidecarWorld();
    await using _ = w;
    const ldb = w.folder.ldb();
    ldb.changeSchema(TABLES);
    await w.start();
    for (let round = 0; round < 5; round++) {
      ldb.apply(`REPLACE INTO fam___t1 VALUES('a', '${round}')`);
      const writtenMs = Date.now() - 10_000 * (round + 1);
      ldb.exec(`UPDATE _ldb_meta SET ledger_timestamp_us = ${writtenMs * 1000}`);
      ldb.apply(`REPLACE INTO fam___t1 VALUES('a', '${round}')`);
      for (let again = 0; again < 2; again++) {
        const { headers, json } = await w.post("/get-row-by-key/fam/t1", keyBody("a"));
        expect(json.v).toBe(String(round));
        expect(headers.get("ctlstore-sequence")).toBe(String(ldb.sequence));
        const latency = Number(headers.get("ctlstore-latency"));
        // The sidecar's clock has more digits than ours, and may be some milliseconds behind it.
        expect(latency).toBeWithin(10 * (round + 1) - 0.1, (Date.now() - writtenMs) / 1000 + 1);
      }
    }
  });

  test("D4 I12 has every integer with all its digits, and is found by one", async () => {
    const large = ["9223372036854775807", "-9223372036854775808", "9007199254740993", "-5", "0"];
    await using w = await world(
      `INSERT INTO fam___kinds VALUES ${large.map((k) => `(${k}, '${k}', NULL, ${k}.5, NULL, NULL)`)}`,
    );
    for (const k of large) {
      for (const value of [k, `"${k}"`]) {
        const { status, text } = await w.post("/get-row-by-key/fam/kinds", `{"key":[{"value":${value}}]}`);
        expect(status).toBe(200);
        expect(text).toStartWith(`{"k":${k},"s":"${k}","t":null,"d":`);
      }
      const { text } = await w.post("/get-rows-by-key-prefix/fam/kinds", `{"key":[{"value":${k}}]}`);
      expect(text).toStartWith(`[{"k":${k},"s":"${k}"`);
      const keys = `{"reads":[{"family":"fam","table":"kinds","keys":[[{"value":${k}}]]}]}`;
      expect((await w.post("/get-rows-by-keys", keys)).text).toContain(`"rows":[{"k":${k},"s":"${k}"`);
    }
    expect((await w.post("/get-row-by-key/fam/kinds", keyBody(9007199254740992))).status).toBe(404);
    for (const exact of ["-5.0", "-50e-1", "-0.5e1"]) {
      const { text } = await w.post("/get-row-by-key/fam/kinds", `{"key":[{"value":${exact}}]}`);
      expect(text, exact).toStartWith('{"k":-5,');
    }
    // What a double would make -5, 0, or the largest integer.
    for (const near of [
      "-5.00000000000000000001",
      "1e-400",
      "9223372036854775808",
      '"9223372036854775808"',
    ]) {
      for (const route of ["get-row-by-key", "get-rows-by-key-prefix"]) {
        const { code, json } = await w.post(`/${route}/fam/kinds`, `{"key":[{"value":${near}}]}`);
        expect([near, code]).toEqual([near, "invalid_key"]);
        expect(json.error.message).toContain(`${near} for "k": it needs an integer of 64 bits`);
      }
    }
  });

  test("has bytes in base64, text and doubles as they are, whatever the route", async () => {
    await using w = await world(`INSERT INTO fam___kinds VALUES
      (1, 'a"\\\\ \u{1F600}', 'line' || char(10) || char(0) || 'x', 1e300, x'00ff10', x''),
      (2, '', '', 0.1, NULL, x'fe'), (3, NULL, NULL, 9e999, NULL, NULL), (4, 'n', NULL, 5, NULL, NULL)`);
    const expected = [
      '{"k":1,"s":"a\\"\\\\\\\\ \u{1F600}","t":"line\\n\\u0000x","d":1e+300,"b":"AP8Q","bs":""}',
      '{"k":2,"s":"","t":"","d":0.1,"b":null,"bs":"/g=="}',
      '{"k":3,"s":null,"t":null,"d":1e999,"b":null,"bs":null}',
      '{"k":4,"s":"n","t":null,"d":5,"b":null,"bs":null}',
    ];
    for (const [i, row] of expected.entries())
      expect((await w.post("/get-row-by-key/fam/kinds", keyBody(i + 1))).text).toBe(row);
    expect((await w.post("/get-rows-by-key-prefix/fam/kinds", {})).text).toBe(`[${expected}]`);
    const keys = [4, 9, 1].map((value) => [{ value }]);
    const many = await w.post("/get-rows-by-keys", { reads: [{ family: "fam", table: "kinds", keys }] });
    expect(many.text).toBe(
      `{"sequence":2,"results":[{"family":"fam","table":"kinds","rows":[${expected[3]},null,${expected[0]}]}]}`,
    );
  });

  test("D5 is found by text holding NUL, and by its bytes, when the original stored it as bytes", async () => {
    await using w = await world(
      "INSERT INTO fam___t1 VALUES(x'610062', 'old'), (CAST(x'630064' AS TEXT), 'new')",
    );
    expect((await w.post("/get-row-by-key/fam/t1", keyBody("a\0b"))).json.v).toBe("old");
    expect((await w.post("/get-row-by-key/fam/t1", keyBody("c\0d"))).json.v).toBe("new");
    expect((await w.post("/get-row-by-key/fam/t1", { key: [{ binary: "YQBi" }] })).json.v).toBe("old");
    const prefix = await w.post("/get-rows-by-key-prefix/fam/t1", keyBody("a\0b"));
    expect(prefix.json.map((row: { v: string }) => row.v)).toEqual(["old"]);
  });

  test("D15 is found when the fields of the key are words of SQL", async () => {
    await using w = await world("INSERT INTO fam___words VALUES('o', 1, 's'), ('o', 2, 't'), ('p', 1, 'u')");
    const { text } = await w.post("/get-row-by-key/fam/words", keyBody("o", 1));
    expect(text).toBe('{"order":"o","group":1,"select":"s"}');
    const { json } = await w.post("/get-rows-by-key-prefix/fam/words", keyBody("o"));
    expect(json.map((row: { select: string }) => row.select)).toEqual(["s", "t"]);
  });

  test("D16 is found by the new key when the table was dropped and made again", async () => {
    const w = new SidecarWorld();
    await using _ = w;
    const ldb = w.folder.ldb();
    ldb.changeSchema(TABLES);
    ldb.apply("INSERT INTO fam___t1 VALUES('1', 'old')");
    await w.start();
    expect((await w.post("/get-row-by-key/fam/t1", keyBody("1"))).json).toEqual({ id: "1", v: "old" });
    ldb.changeSchema(
      'DROP TABLE fam___t1; CREATE TABLE fam___t1 ("n" INTEGER, "m" INTEGER, PRIMARY KEY("n", "m")); INSERT INTO fam___t1 VALUES(1, 2)',
    );
    expect((await w.post("/get-row-by-key/fam/t1", keyBody(1, 2))).text).toBe('{"n":1,"m":2}');
    expect((await w.post("/get-rows-by-key-prefix/fam/t1", keyBody(1))).text).toBe('[{"n":1,"m":2}]');
    expect((await w.post("/get-row-by-key/fam/t1", keyBody("1"))).code).toBe("invalid_key");
    ldb.changeSchema("DROP TABLE fam___t1");
    const gone = await w.post("/get-row-by-key/fam/t1", keyBody(1, 2));
    expect([gone.status, gone.code, gone.headers.get("x-ctlstore")]).toEqual([404, "unknown_table", null]);
  });

  test("is found by a bytestring key given as binary, and refused with a hint when it is given as text", async () => {
    await using w = await world("INSERT INTO fam___bytes VALUES(x'00ff', 'v'), (x'', 'empty')");
    expect((await w.post("/get-row-by-key/fam/bytes", { key: [{ binary: "AP8=" }] })).json.v).toBe("v");
    expect((await w.post("/get-row-by-key/fam/bytes", { key: [{ binary: "" }] })).json.v).toBe("empty");
    const refused = await w.post("/get-row-by-key/fam/bytes", keyBody("AP8="));
    expect([refused.status, refused.code, refused.json.error.field]).toEqual([422, "invalid_key", "k"]);
  });
});

describe("a body", () => {
  test("is read as Go's decoder reads it: names in any case, the last of several, unknown ones ignored", async () => {
    await using w = await world("INSERT INTO fam___t1 VALUES('a', 'x')");
    for (const body of [
      '{"Key":[{"Value":"a"}]}',
      '{"KEY":[{"vALUE":"a","other":[1]}],"more":{"key":[]}}',
      '{"key":[{"value":"z"}],"key":[{"value":"a"}]}',
      '{"key":[{"value":"z","binary":"YQ=="}]}',
      '{"key":[{"value":"a","binary":null}]}',
      '\ufeff{"key":[{"value":"a"}]}',
    ])
      expect((await w.post("/get-row-by-key/fam/t1", body)).text, body).toBe('{"id":"a","v":"x"}');
    for (const body of ["{}", '{"key":null}', '{"key":[]}']) {
      expect((await w.post("/get-rows-by-key-prefix/fam/t1", body)).json).toEqual([{ id: "a", v: "x" }]);
      expect((await w.post("/get-row-by-key/fam/t1", body)).code).toBe("invalid_key");
    }
  });

  test("that makes no sense is an error of its own kind, and never 404 or 500", async () => {
    await using w = await world();
    const cases: readonly (readonly [body: string, status: number])[] = [
      ...[
        "",
        "null",
        "[]",
        "3",
        '"x"',
        "{",
        '{"key":{}}',
        '{"key":"a"}',
        '{"key":[1]}',
        '{"key":[[]]}',
        "\xff",
      ].map((body) => [body, 400] as const),
      ['{"key":[{"binary":7}]}', 400],
      ['{"key":[{"binary":"?"}]}', 400],
      ['{"key":[{"binary":"YQ"}]}', 400],
      ['{"key":[{"value":"a"},{"value":"b"}]}', 422],
      ...["1", "true", "null", "[]", "{}", "1e999", "1.5", "NaN"].map(
        (value) => [`{"key":[{"value":${value}}]}`, value === "NaN" ? 400 : 422] as const,
      ),
      ['{"key":[{}]}', 422],
      ['{"key":[{"value":"\\ud800"}]}', 422],
    ];
    for (const [body, status] of cases) {
      const answer = await w.post("/get-row-by-key/fam/t1", body);
      expect([body, answer.status]).toEqual([body, status]);
      expect(answer.json.error.message).toStartWith("Cannot ");
    }
    expect(
      (await w.post("/get-row-by-key/fam/kinds", '{"key":[{"value":9223372036854775808}]}')).status,
    ).toBe(422);
  });
});

describe("rows by keys", () => {
  test("are of several tables and of one state, in the order that was asked for", async () => {
    await using w = await world(
      "INSERT INTO fam___t1 VALUES('a', 'x'), ('b', 'y'); INSERT INTO fam___words VALUES('o', 1, 's')",
    );
    const { json, headers } = await w.post("/get-rows-by-keys", {
      reads: [
        { family: "FAM", table: "t1", keys: [[{ value: "b" }], [{ value: "none" }], [{ value: "b" }]] },
        { Family: "fam", Table: "words", Keys: [[{ Value: "o" }, { Value: 1 }]] },
        { family: "fam", table: "kinds" },
      ],
    });
    expect(json).toEqual({
      sequence: 2,
      results: [
        { family: "FAM", table: "t1", rows: [{ id: "b", v: "y" }, null, { id: "b", v: "y" }] },
        { family: "fam", table: "words", rows: [{ order: "o", group: 1, select: "s" }] },
        { family: "fam", table: "kinds", rows: [] },
      ],
    });
    expect(headers.get("ctlstore-sequence")).toBe("2");
    expect((await w.post("/get-rows-by-keys", {})).json).toEqual({ sequence: 2, results: [] });
  });

  test("are refused when a table is unknown, or when there are too many of them or too much in them", async () => {
    await using w = await world("INSERT INTO fam___t1 VALUES('a', printf('%.*c', 5000, 'x'))");
    const unknown = await w.post("/get-rows-by-keys", {
      reads: [{ family: "fam", table: "none", keys: [] }],
    });
    expect([unknown.status, unknown.code]).toEqual([404, "unknown_table"]);
    const keys = (count: number) => Array.from({ length: count }, () => [{ value: "a" }]);
    const read = (count: number) => ({ family: "fam", table: "t1", keys: keys(count) });
    expect((await w.post("/get-rows-by-keys", { reads: [read(5_000), read(5_001)] })).status).toBe(413);
    expect((await w.post("/get-rows-by-keys", { reads: Array(1_001).fill(read(0)) })).status).toBe(413);
    expect((await w.post("/get-rows-by-keys", { reads: [read(130)] })).json.results[0].rows).toHaveLength(
      130,
    );
    await using small = new SidecarWorld();
    const ldb = small.folder.ldb();
    ldb.changeSchema(TABLES);
    ldb.apply("INSERT INTO fam___t1 VALUES('a', printf('%.*c', 5000, 'x'))");
    await small.start({ limits: { keyedAnswerBytes: 100_000 } });
    const large = await small.post("/get-rows-by-keys", { reads: [read(20)] });
    expect([large.status, large.code]).toEqual([413, "request_too_large"]);
    expect((await small.post("/get-rows-by-keys", { reads: [read(19)] })).status).toBe(200);
  });

  test("R36 a member of a state never mixes with another when tables change between requests", async () => {
    const w = new SidecarWorld();
    await using _ = w;
    const ldb = w.folder.ldb();
    ldb.changeSchema(TABLES);
    ldb.apply("INSERT INTO fam___t1 VALUES('a', '1'); INSERT INTO fam___words VALUES('a', 1, '1')");
    await w.start();
    const reads = [
      { family: "fam", table: "t1", keys: [[{ value: "a" }]] },
      { family: "fam", table: "words", keys: [[{ value: "a" }, { value: 1 }]] },
    ];
    for (let round = 2; round < 30; round++) {
      const asked = w.post("/get-rows-by-keys", { reads });
      ldb.apply(`UPDATE fam___t1 SET v = '${round}'; UPDATE fam___words SET "select" = '${round}'`);
      const { results, sequence } = (await asked).json;
      expect(results[0].rows[0].v).toBe(results[1].rows[0].select);
      expect(String(sequence)).toBe(String(Number(results[0].rows[0].v) + 1));
    }
  });
});

describe("a route", () => {
  test("answers HEAD and OPTIONS, refuses other methods with Allow, and is 404 when there is none", async () => {
    await using w = await world();
    const head = await w.send("HEAD", "/ping");
    expect([head.status, head.text, head.headers.get("ctlstore-sequence")]).toEqual([200, "", "2"]);
    const options = await w.send("OPTIONS", "/get-row-by-key/fam/t1");
    expect([options.status, options.headers.get("allow")]).toEqual([204, "OPTIONS, POST"]);
    for (const [method, path, allow] of [
      ["GET", "/get-row-by-key/fam/t1", "OPTIONS, POST"],
      ["DELETE", "/get-rows-by-keys", "OPTIONS, POST"],
      ["POST", "/ping", "GET, HEAD, OPTIONS"],
      ["HEAD", "/get-rows-by-key-prefix/fam/t1", "OPTIONS, POST"],
    ] as const) {
      const refused = await w.send(method, path);
      expect([path, refused.status, refused.headers.get("allow")]).toEqual([path, 405, allow]);
    }
    for (const path of [
      "/",
      "/get-row-by-key",
      "/get-row-by-key/fam",
      "/get-row-by-key/fam/t1/x",
      "/ping/x",
      "/x",
      "/get-row-by-key//t1",
    ]) {
      const { status, code } = await w.post(path, keyBody("a"));
      expect([path, status, code]).toEqual([path, 404, "unknown_route"]);
    }
    const { error } = (await w.post("/get-row-by-key/fam", keyBody("a"))).json;
    expect(error.message).toBe('Cannot find "/get-row-by-key/fam": there is no such route');
    expect(error.hint).toBe("there is /get-row-by-key/:family/:table");
    const name = await w.post("/get-row-by-key/fam/t___1", keyBody("a"));
    expect([name.status, name.code]).toEqual([422, "invalid_name"]);
    expect((await w.post("/get-row-by-key/%66am/t%31", keyBody("a"))).status).toBe(404);
    expect((await w.post("/get-row-by-key/%ff/t1", keyBody("a"))).code).toBe("malformed_request");
  });

  test("tells latency and health as the original does", async () => {
    await using w = await world();
    const { json } = await w.get("/get-ledger-latency");
    expect(json.unit).toBe("seconds");
    expect(json.value).toBeGreaterThan(1.4);
    for (const path of ["/ping", "/healthcheck", "/healthz", "/readyz", "/status", "/metrics"])
      expect([path, (await w.get(path)).status]).toEqual([path, 200]);
    expect((await w.get("/status")).json).toMatchObject({ state: "ready", sequence: 2, listensOn: [w.url] });
    expect((await w.get("/readyz")).json).toMatchObject({ ready: true, sequence: 2 });
  });

  test("is counted, with its time, from zero on", async () => {
    await using w = await world("INSERT INTO fam___t1 VALUES('a', 'x')");
    const route = 'route="/get-row-by-key/:family/:table"';
    expect(await w.metric(`ctlstore_sidecar_requests_total{${route},status="200"}`)).toBe(0);
    expect(await w.metric(`ctlstore_sidecar_request_seconds_count{${route}}`)).toBe(0);
    expect(await w.metric("ctlstore_sidecar_rows_total")).toBe(0);
    await w.post("/get-row-by-key/fam/t1", keyBody("a"));
    await w.post("/get-row-by-key/fam/t1", keyBody("b"));
    await w.post("/get-rows-by-key-prefix/fam/t1", {});
    expect(await w.metric(`ctlstore_sidecar_requests_total{${route},status="200"}`)).toBe(1);
    expect(await w.metric(`ctlstore_sidecar_requests_total{${route},status="404"}`)).toBe(1);
    expect(await w.metric(`ctlstore_sidecar_request_seconds_count{${route}}`)).toBe(2);
    expect(await w.metric("ctlstore_sidecar_rows_total")).toBe(2);
    expect(await w.metric("ctlstore_sidecar_sequence")).toBe(2);
    expect(await w.metric("ctlstore_sidecar_ldb_readable")).toBe(1);
    expect(await w.metric("ctlstore_sidecar_ledger_latency_seconds")).toBeGreaterThan(1);
  });
});
