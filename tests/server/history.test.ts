/** GET …/history and …/row: one key, as it is and as it came to be, and what is refused. */
import { describe, expect, test } from "bun:test";
import { unwrap } from "../../client/client-error.ts";
import { createClient } from "../../client/create-client.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp, WRITER } from "./test-app.ts";

const ITEM = "/families/shop/tables/item";

async function get(app: TestApp, path: string): Promise<Record<string, unknown>> {
  const { status, text, json } = await app.call({ method: "GET", path });
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
  return json as Record<string, unknown>;
}

const keyOf = (...values: unknown[]) => `key=${encodeURIComponent(JSON.stringify(values))}`;
const put = (app: TestApp, values: Record<string, unknown>, more: object = {}) =>
  app.mutate({ mutations: [{ table: "item", values, ...more }] });

const BARE = { order: null, group: null, weight: null, note: null, picture: null, checksum: null };

describe("a row over HTTP", () => {
  test("I12 is there as soon as its write was answered, exact, with the write's sequence", async () => {
    await using app = await openTestApp();
    const name = 'a\u0000,["&=😀';
    const values = {
      ...BARE,
      name,
      order: "-9223372036854775808",
      weight: 5e-324,
      picture: "AP8=",
      checksum: "",
    };
    const { json } = await put(app, values);
    const { sequence } = json as { sequence: number };
    expect(await get(app, `${ITEM}/row?${keyOf(name)}`)).toEqual({
      family: "shop",
      table: "item",
      row: values,
      sequence,
    });
    await app.mutate({ mutations: [{ table: "counter", values: { id: "9223372036854775807" } }] });
    for (const key of ['["9223372036854775807"]', "[9223372036854775807]"]) {
      const { row } = await get(app, `/families/SHOP/tables/counter/row?key=${key}`);
      expect(row).toEqual({ id: "9223372036854775807", label: null });
    }
    const deleted = await put(app, { name }, { delete: true });
    expect(deleted.status).toBe(200);
    const gone = await app.call({ method: "GET", path: `${ITEM}/row?${keyOf(name)}` });
    expect([gone.status, gone.code]).toEqual([404, "unknown_row"]);
  });

  test("I12 rows by a prefix of the key come page by page, with the prefix and its cursor", async () => {
    await using app = await openTestApp();
    for (const name of ["a", "b"]) await put(app, { name });
    const page = await get(app, `${ITEM}/rows?prefix=["b"]&fields=key`);
    expect([page["rows"], page["next"]]).toEqual([[{ name: "b" }], null]);
    const first = await get(app, `${ITEM}/rows?limit=1`);
    const { status, json } = await app.call({
      method: "GET",
      path: `${ITEM}/rows?prefix=["b"]&after=${first["next"]}`,
    });
    expect({ status, json }).toMatchObject({
      status: 422,
      json: { error: { code: "invalid_value", field: "after" } },
    });
  });
});

describe("the history of a key over HTTP", () => {
  test("I12 says who changed the row and when, from what and to what, page by page", async () => {
    await using app = await openTestApp();
    await put(app, { name: "a", order: "9007199254740993", picture: "AP8=" });
    await app.mutate({
      mutations: [
        { table: "item", values: { name: "a", order: 2 } },
        { table: "counter", values: { id: 1 } },
      ],
    });
    await put(app, { name: "a" }, { delete: true });
    const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const first = { ...BARE, name: "a", order: "9007199254740993", picture: "AP8=" };
    const second = { ...BARE, name: "a", order: 2 };
    const changes = [
      { sequence: 8, transaction: 8, timestamp, writer: "importer", kind: "delete", old: second, new: null },
      { sequence: 5, transaction: 7, timestamp, writer: "importer", kind: "upsert", old: first, new: second },
      { sequence: 3, transaction: 3, timestamp, writer: "importer", kind: "upsert", old: null, new: first },
      { sequence: 1, transaction: 1, timestamp, writer: null, kind: "create", old: null, new: null },
    ];
    const place = { family: "shop", table: "item", key: ["a"] };
    expect(await get(app, `${ITEM}/history?${keyOf("a")}`)).toEqual({
      ...place,
      changes,
      next: null,
      complete: true,
      searchedThrough: 1,
    } as never);
    const page = await get(app, `${ITEM}/history?${keyOf("a")}&limit=2`);
    expect(page).toEqual({
      ...place,
      changes: changes.slice(0, 2),
      next: 5,
      complete: false,
      searchedThrough: 5,
    } as never);
    const rest = await get(app, `${ITEM}/history?${keyOf("a")}&before=5`);
    expect(rest["changes"]).toEqual(changes.slice(2) as never);
  });

  test("reaches the typed client", async () => {
    await using app = await openTestApp();
    await put(app, { name: "a" });
    const client = createClient("http://localhost", {
      adminToken: ADMIN_TOKEN,
      fetch: async (input, init) => app.app.handle(new Request(input, init)),
    });
    const table = client.families({ family: "shop" }).tables({ table: "item" });
    const { row } = unwrap(await table.row.get({ query: { key: '["a"]' } }));
    expect(row).toEqual({ ...BARE, name: "a" });
    const { changes } = unwrap(await table.history.get({ query: { key: '["a"]', limit: "1" } }));
    expect(changes.map(({ kind, old, new: now }) => [kind, old, now])).toEqual([["upsert", null, row]]);
  });
});

test("row and history are refused by code for what is no key, no table or no parameter", async () => {
  await using app = await openTestApp();
  const head = await app.headSequence();
  const refusals: ReadonlyArray<readonly [query: string, status: number, error: object]> = [
    ["", 400, { code: "malformed_request", field: "key" }],
    ["key=", 400, { code: "malformed_request", field: "key" }],
    ["key=a", 400, { code: "malformed_request", field: "key" }],
    ["key=1", 400, { code: "malformed_request", field: "key" }],
    ["key=null", 400, { code: "malformed_request", field: "key" }],
    ['key={"name":"a"}', 400, { code: "malformed_request", field: "key" }],
    ['key=["a"', 400, { code: "malformed_request", field: "key" }],
    ['key=["a"]&key=["b"]', 400, { code: "malformed_request" }],
    ['key=["a"]&other=1', 400, { code: "malformed_request" }],
    ["key=[]", 422, { code: "invalid_key", field: "key" }],
    ['key=["a","b"]', 422, { code: "invalid_key", field: "key" }],
    ["key=[1]", 422, { code: "invalid_value", field: "name" }],
    ["key=[null]", 422, { code: "invalid_value", field: "name" }],
    ["key=[[]]", 422, { code: "invalid_value", field: "name" }],
    ['key=["\\ud800"]', 422, { code: "invalid_value", field: "name" }],
    [`key=["${"x".repeat(192)}"]`, 422, { code: "invalid_value", field: "name" }],
  ];
  for (const route of ["row", "history"]) {
    for (const [query, status, error] of refusals) {
      const answer = await app.call({ method: "GET", path: `${ITEM}/${route}?${query}` });
      expect({ query, status: answer.status, json: answer.json }).toMatchObject({
        query,
        status,
        json: { error },
      });
      expect(answer.text.length).toBeLessThan(500);
    }
    const elsewhere = [
      ["/families/shop/tables/missing", "unknown_table"],
      ["/families/missing/tables/item", "unknown_family"],
    ] as const;
    for (const [path, code] of elsewhere) {
      const answer = await app.call({ method: "GET", path: `${path}/${route}?key=["a"]` });
      expect([answer.status, answer.code]).toEqual([404, code]);
    }
    for (const headers of [{}, WRITER, { authorization: "Bearer wrong" }])
      expect((await app.call({ method: "GET", path: `${ITEM}/${route}?key=["a"]`, headers })).status).toBe(
        401,
      );
  }
  for (const query of ["before=x", "limit=0", "limit=501"]) {
    const answer = await app.call({ method: "GET", path: `${ITEM}/history?key=["a"]&${query}` });
    expect([query, answer.status, answer.code]).toEqual([query, 400, "malformed_request"]);
  }
  expect(await app.headSequence()).toBe(head);
});
