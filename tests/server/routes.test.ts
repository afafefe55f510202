/** Each route of the write API, used as it is meant to be used. */
import { describe, expect, test } from "bun:test";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { ADMIN, ITEM_FIELDS, openTestApp, WRITER } from "./test-app.ts";

const SCHEMA = { family: "shop", name: "item", fields: ITEM_FIELDS, keyFields: ["name"] };

describe("families and tables", () => {
  test("a family can be created once, and names are lower-cased", async () => {
    await using app = await openTestApp();
    expect((await app.call({ method: "POST", path: "/families/Bank" })).json).toEqual({ family: "bank" });
    const again = await app.call({ method: "POST", path: "/families/bank" });
    expect([again.status, again.code]).toEqual([409, "family_exists"]);
    expect((await app.call({ method: "GET", path: "/families" })).json).toEqual({
      families: ["bank", "shop"],
    });
  });

  test("a table comes back from the schema routes as it was declared, its key in key order", async () => {
    await using app = await openTestApp();
    const definition = {
      fields: [
        ["a", "string"],
        ["b", "integer"],
        ["c", "bytestring"],
      ],
      keyFields: ["c", "a"],
    };
    const created = await app.call({
      method: "POST",
      path: "/families/shop/tables/Keyed",
      body: JSON.stringify(definition),
    });
    expect(created.json).toEqual({ sequence: 3 });
    const schema = await app.call({ method: "GET", path: "/schema/table/shop/keyed" });
    expect(schema.json).toEqual({ family: "shop", name: "keyed", ...definition });
    const family = await app.call({ method: "GET", path: "/schema/family/SHOP" });
    expect(family.json).toContainEqual(SCHEMA);
    const tables = await app.call({ method: "GET", path: "/families/shop/tables" });
    expect(tables.json).toEqual({ family: "shop", tables: ["counter", "item", "keyed"] });
  });

  test("POST /tables takes what GET /schema returns, all tables or none", async () => {
    await using app = await openTestApp();
    await app.call({ method: "POST", path: "/families/copy" });
    const tables = [
      { ...SCHEMA, family: "copy" },
      { ...SCHEMA, family: "copy", name: "other" },
    ];
    const path = "/tables";
    const twice = await app.call({ method: "POST", path, body: JSON.stringify([...tables, tables[0]]) });
    expect([twice.status, twice.code]).toEqual([409, "table_exists"]);
    expect((await app.call({ method: "GET", path: "/schema/family/copy" })).json).toEqual([]);
    expect((await app.call({ method: "POST", path, body: JSON.stringify(tables) })).status).toBe(200);
    expect((await app.call({ method: "GET", path: "/schema/family/copy" })).json).toEqual(tables);
  });

  test("PUT adds fields, and writers that do not know them go on", async () => {
    await using app = await openTestApp();
    const path = "/families/shop/tables/counter";
    const body = JSON.stringify({ fields: [["extra", "text"]] });
    expect((await app.call({ method: "PUT", path, body })).status).toBe(200);
    const again = await app.call({ method: "PUT", path, body });
    expect([again.status, again.code]).toEqual([409, "field_exists"]);
    const write = await app.mutate({ mutations: [{ table: "counter", values: { id: 1, label: "x" } }] });
    expect(write.status).toBe(200);
  });

  test("dropping and clearing are refused unless destructive schema changes are on", async () => {
    const paths = [
      "/families/shop/tables/item",
      "/clear-rows/families/shop",
      "/clear-rows/families/shop/tables/item",
    ];
    await using careful = await openTestApp();
    const before = await careful.headSequence();
    for (const path of paths) {
      const answer = await careful.call({ method: "DELETE", path });
      expect([answer.status, answer.code]).toEqual([403, "not_granted"]);
    }
    expect(await careful.headSequence()).toBe(before);
    await using bold = await openTestApp({ destructiveSchemaChanges: true });
    for (const path of paths.toReversed()) {
      expect((await bold.call({ method: "DELETE", path })).status).toBe(200);
    }
    const catalog = await bold.ctldb.catalog();
    expect(catalog.find(parseFamilyName("shop"), parseTableName("item"))).toBeUndefined();
  });
});

describe("writers and cookies", () => {
  test("a writer registers once; the same secret again is a no-op and another one is refused", async () => {
    await using app = await openTestApp();
    const register = (body: string) => app.call({ method: "POST", path: "/writers/importer", body });
    expect((await register("s3cr3t-writer")).json).toEqual({ writer: "importer" });
    const other = await register("another");
    expect([other.status, other.code]).toEqual([409, "writer_exists"]);
  });

  test("a writer whose name and secret are not ASCII can log in", async () => {
    await using app = await openTestApp();
    const asBytes = (text: string) => Buffer.from(text).toString("latin1");
    const path = `/writers/${encodeURIComponent("größe ☃")}`;
    expect((await app.call({ method: "POST", path, body: "gehéim" })).status).toBe(200);
    const headers = { "ctlstore-writer": asBytes("größe ☃"), "ctlstore-secret": asBytes("gehéim") };
    expect((await app.call({ method: "GET", path: "/cookie", headers })).status).toBe(200);
  });

  test("a cookie is raw bytes there and back, empty at first", async () => {
    await using app = await openTestApp();
    const get = () => app.app.handle(new Request("http://localhost/cookie", { headers: WRITER }));
    expect((await get()).headers.get("content-type")).toBe("application/octet-stream");
    expect(await (await get()).bytes()).toEqual(new Uint8Array());
    const cookie = Uint8Array.from({ length: 1024 }, (_, i) => i % 256);
    const stored = await app.call({ method: "POST", path: "/cookie", body: cookie, headers: WRITER });
    expect(stored.json).toEqual({ sequence: Number(await app.headSequence()) });
    expect(await (await get()).bytes()).toEqual(cookie);
  });

  test("I3 a batch moves the cookie with it, and a failed check changes nothing", async () => {
    await using app = await openTestApp();
    const mutations = [{ table: "counter", values: { id: 1 } }];
    expect((await app.mutate({ cookie: btoa("one"), mutations })).status).toBe(200);
    const before = await app.headSequence();
    const late = await app.mutate({ check_cookie: btoa("zero"), cookie: btoa("two"), mutations });
    expect([late.status, late.code]).toEqual([409, "cookie_conflict"]);
    expect(await app.headSequence()).toBe(before);
    expect((await app.call({ method: "GET", path: "/cookie", headers: WRITER })).text).toBe("one");
    expect((await app.mutate({ check_cookie: btoa("one"), cookie: btoa("two"), mutations })).status).toBe(
      200,
    );
  });

  test("a batch without a cookie leaves the stored one alone", async () => {
    await using app = await openTestApp();
    await app.mutate({ cookie: btoa("kept"), mutations: [] });
    await app.mutate({ mutations: [{ table: "counter", values: { id: 1 } }] });
    await app.mutate({
      cookie: null,
      check_cookie: null,
      mutations: [{ table: "counter", values: { id: 2 } }],
    });
    expect((await app.call({ method: "GET", path: "/cookie", headers: WRITER })).text).toBe("kept");
  });

  test("a cookie can move alone, and an empty batch without one answers the head and changes nothing", async () => {
    await using app = await openTestApp();
    const head = Number(await app.headSequence());
    for (const body of [{ cookie: btoa("alone") }, {}, { mutations: null }, { mutations: [] }]) {
      expect((await app.mutate(body)).json).toEqual({ sequence: head });
    }
    expect((await app.call({ method: "GET", path: "/cookie", headers: WRITER })).text).toBe("alone");
    const wrongSecret = await app.call({
      method: "POST",
      path: "/families/shop/mutations",
      body: "{}",
      headers: { ...WRITER, "ctlstore-secret": "s3cr3t-wrong" },
    });
    expect([wrongSecret.status, wrongSecret.code]).toEqual([401, "bad_credentials"]);
  });
});

describe("mutations", () => {
  test("any content type is taken for JSON", async () => {
    await using app = await openTestApp();
    for (const type of [
      "application/json",
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "x",
    ]) {
      const answer = await app.call({
        method: "POST",
        path: "/families/shop/mutations",
        body: '{"mutations":[{"table":"counter","values":{"id":1}}]}',
        headers: { ...WRITER, "content-type": type },
      });
      expect(answer.status).toBe(200);
    }
  });

  test("D3 Foo and foo are two rows, and deleting FOO removes neither", async () => {
    await using app = await openTestApp();
    const row = (name: string) => ({ table: "item", values: { name, order: 1 } });
    expect((await app.mutate({ mutations: [row("Foo"), row("foo")] })).status).toBe(200);
    expect(
      (await app.mutate({ mutations: [{ table: "item", delete: true, values: { name: "FOO" } }] })).status,
    ).toBe(200);
    expect(app.rows("SELECT name FROM shop___item ORDER BY name")).toEqual([
      { name: "Foo" },
      { name: "foo" },
    ]);
  });

  test("D11 forty parallel requests of one writer all succeed, each with a sequence of its own", async () => {
    await using app = await openTestApp();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, id) =>
        app.mutate({ mutations: [{ table: "counter", values: { id } }] }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(40);
  });

  test("a field named constructor is stored, not dropped", async () => {
    await using app = await openTestApp();
    const fields = [
      ["constructor", "string"],
      ["prototype", "integer"],
    ];
    const body = JSON.stringify({ fields, keyFields: ["constructor"] });
    expect((await app.call({ method: "POST", path: "/families/shop/tables/odd", body })).status).toBe(200);
    const good = await app.mutate({
      mutations: [{ table: "odd", values: { constructor: "x", prototype: 1 } }],
    });
    expect(good.status).toBe(200);
    const bad = await app.mutate({
      mutations: [{ table: "odd", values: { constructor: "x", prototype: "abc" } }],
    });
    expect(bad.json).toMatchObject({ error: { code: "invalid_value", index: 0, field: "prototype" } });
  });
});

describe("operations", () => {
  test("GET /status tells version, uptime and head", async () => {
    await using app = await openTestApp();
    const { json } = await app.call({ method: "GET", path: "/status" });
    expect(json).toMatchObject({ uptimeSeconds: 0, ctldb: { kind: "sqlite", headSequence: 2 } });
  });

  test("health and metrics need no token, and requests are counted by route and status", async () => {
    await using app = await openTestApp();
    const open = async (path: string) => (await app.call({ method: "GET", path, headers: {} })).text;
    expect(await open("/healthz")).toBe("ok\n");
    expect(await open("/readyz")).toBe("ready\n");
    await app.call({ method: "GET", path: "/schema/table/shop/nothere" });
    const metrics = await open("/metrics");
    expect(metrics).toContain(
      'ctlstore_executive_requests_total{route="/schema/table/:family/:table",method="GET",status="404"} 1',
    );
    expect(metrics).toContain(
      'ctlstore_executive_requests_total{route="/status",method="GET",status="200"} 0',
    );
    expect(metrics).not.toContain("nothere");
  });

  test("HEAD answers like GET without a body, OPTIONS and 405 say what is allowed", async () => {
    await using app = await openTestApp();
    const head = await app.call({ method: "HEAD", path: "/families" });
    expect([head.status, head.text]).toEqual([200, ""]);
    const options = await app.call({ method: "OPTIONS", path: "/families/shop/tables/item", headers: {} });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "DELETE, OPTIONS, POST, PUT"]);
    const patch = await app.call({ method: "PATCH", path: "/cookie", headers: {} });
    expect([patch.status, patch.code, patch.headers.get("allow")]).toEqual([
      405,
      "method_not_allowed",
      "GET, HEAD, OPTIONS, POST",
    ]);
  });

  test("an unknown route is 404 with and without a token", async () => {
    await using app = await openTestApp();
    for (const path of [
      "/",
      "/nope",
      "/families/",
      "/families/shop/",
      "/families/shop/tables/",
      "//families",
      "/families/a/b/c",
    ]) {
      for (const headers of [{}, ADMIN]) {
        const answer = await app.call({ method: "GET", path, headers });
        expect([path, answer.status, answer.code]).toEqual([path, 404, "unknown_route"]);
      }
    }
  });
});
