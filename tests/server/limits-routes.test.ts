/** The limits routes: forms in and out, what is refused and changes nothing, and that a limit holds when it is set. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Call, openTestApp, type TestApp, WRITER } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp();
});
afterAll(() => app[Symbol.asyncDispose]());

const get = async (path: string) => (await app.call({ method: "GET", path })).json;
const post = (path: string, body: unknown) =>
  app.call({ method: "POST", path, body: typeof body === "string" ? body : JSON.stringify(body) });
const remove = (path: string) => app.call({ method: "DELETE", path });

/** Everything that a change of limits may change. */
function stored(): unknown {
  return [
    "SELECT * FROM max_table_sizes ORDER BY 1, 2",
    "SELECT * FROM max_writer_rates ORDER BY 1",
    "SELECT policy_version, seq FROM locks",
    "SELECT COUNT(*) FROM ctlstore_audit",
  ].map((sql) => app.rows(sql));
}

async function expectRefused(call: Call, status: number, code: string): Promise<void> {
  const before = stored();
  const answer = await app.call(call);
  expect([call.path, call.body, answer.status, answer.code]).toEqual([call.path, call.body, status, code]);
  expect(answer.text.length).toBeLessThan(600);
  expect(stored()).toEqual(before);
}

/** As the original's Executive would write them. */
function sql(statement: string): void {
  const [main] = app.rows("PRAGMA database_list") as { file: string }[];
  using database = new Database(main?.file ?? "");
  database.run("PRAGMA busy_timeout = 5000");
  database.run(statement);
}

describe("the size limit of a table", () => {
  const ITEM = "/limits/tables/shop/item";

  test("is set, replaced, shown and put back", async () => {
    expect(await get("/limits/tables")).toEqual({
      global: { "max-size": null, "warn-size": null },
      tables: [],
    });
    const set = await post(ITEM, { "max-size": 209_715_200, "warn-size": 157_286_400 });
    expect([set.status, set.json]).toEqual([200, { family: "shop", table: "item" }]);
    expect((await post(ITEM, { "max-size": "9007199254740993", "warn-size": 5 })).status).toBe(200);
    expect(await get("/limits/tables")).toMatchObject({
      tables: [{ family: "shop", table: "item", "max-size": "9007199254740993", "warn-size": 5 }],
    });
    expect(await get("/limits/sizes")).toMatchObject({
      tables: expect.arrayContaining([
        expect.objectContaining({ table: "item", "max-size": "9007199254740993", "warn-size": 5 }),
        expect.objectContaining({ table: "counter", "max-size": null, "warn-size": null }),
      ]),
    });
    const reset = await remove(ITEM);
    expect([reset.status, reset.json]).toEqual([200, { family: "shop", table: "item" }]);
    expect(await get("/limits/tables")).toMatchObject({ tables: [] });
    expect((await remove(ITEM)).status).toBe(200);
  });

  test("D13 is the same one whatever the case of its name", async () => {
    expect((await post("/limits/tables/SHOP/Item", { "max-size": 10, "warn-size": 1 })).json).toEqual({
      family: "shop",
      table: "item",
    });
    expect((await post("/limits/tables/Shop/ITEM", { "max-size": 20, "warn-size": 2 })).status).toBe(200);
    expect(await get("/limits/tables")).toMatchObject({ tables: [{ table: "item", "max-size": 20 }] });
    expect((await remove("/limits/tables/sHOP/iTEM")).status).toBe(200);
    expect(await get("/limits/tables")).toMatchObject({ tables: [] });
  });

  test("D13 that the original wrote is shown, and taken away, in lower case", async () => {
    sql("INSERT INTO max_table_sizes VALUES ('shop', 'Item', 7, 70), ('gone', 'table', 0, 0)");
    expect(await get("/limits/tables")).toMatchObject({
      tables: [
        { family: "gone", table: "table", "max-size": 0, "warn-size": 0 },
        { family: "shop", table: "item", "max-size": 70, "warn-size": 7 },
      ],
    });
    expect((await remove(ITEM)).status).toBe(200);
    // Its table is gone, which must not keep it for ever.
    expect((await remove("/limits/tables/gone/table")).status).toBe(200);
    expect(app.rows("SELECT * FROM max_table_sizes")).toEqual([]);
  });

  test("is refused, and nothing changes, when its table does not exist or its name is none", async () => {
    const body = JSON.stringify({ "max-size": 10, "warn-size": 1 });
    const refused = (path: string, status: number, code: string) =>
      expectRefused({ method: "POST", path, body }, status, code);
    await refused("/limits/tables/shop/nothere", 404, "unknown_table");
    await refused("/limits/tables/nothere/item", 404, "unknown_family");
    await refused("/limits/tables/shop/no__pe", 422, "invalid_name");
    await refused("/limits/tables/shop/%00item", 422, "invalid_name");
    await refused("/limits/tables/%F0%9F%98%80/item", 422, "invalid_name");
    await refused("/limits/tables/shop/", 404, "unknown_route");
  });

  const whole = (max: string, warn = "1") => `{"max-size":${max},"warn-size":${warn}}`;
  const CASES: ReadonlyArray<readonly [what: string, body: string, status: number]> = [
    ["nothing", "", 400],
    ["a list", "[]", 400],
    ["an empty object", "{}", 400],
    ["no warn-size", '{"max-size":1}', 400],
    ["no max-size", '{"warn-size":1}', 400],
    ["an unknown member", '{"max-size":1,"warn-size":1,"maxSize":1}', 400],
    ["names with underscores", '{"max_size":1,"warn_size":1}', 400],
    ["null", whole("null"), 400],
    ["a boolean", whole("true"), 400],
    ["a list as size", whole("[1]"), 400],
    ["an object as size", whole("{}"), 400],
    ["NaN", whole("NaN"), 400],
    ["a NUL outside a text", whole("\u0000"), 400],
    ["a word", whole('"x"'), 422],
    ["a unit", whole('"50MiB"'), 422],
    ["an empty text", whole('""'), 422],
    ["a text with white space", whole('"1 "'), 422],
    ["a text with NUL", whole('"1\\u0000"'), 422],
    ["an emoji", whole('"😀"'), 422],
    ["digits of another script", whole('"١"'), 422],
    ["a negative number", whole("-1"), 422],
    ["a negative text", whole('"-1"'), 422],
    ["a fraction", whole("1.5"), 422],
    ["2^63", whole("9223372036854775808"), 422],
    ["2^63 as text", whole('"9223372036854775808"'), 422],
    ["1e300", whole("1e300"), 422],
    ["a number beyond doubles", whole("1e400"), 422],
    ["a thousand digits", whole("9".repeat(1000)), 422],
    ["a warning above the limit", whole("1", "2"), 422],
  ];
  for (const [what, body, status] of CASES) {
    test(`refuses ${what}`, () =>
      expectRefused(
        { method: "POST", path: ITEM, body },
        status,
        status === 400 ? "malformed_request" : "invalid_value",
      ));
  }

  test("takes every form of an integer, up to 2^63-1", async () => {
    for (const [max, shown] of [
      ["0", 0],
      ["1e3", 1000],
      ["2.0", 2],
      ['"007"', 7],
      ["9007199254740993", "9007199254740993"],
      ['"9223372036854775806"', "9223372036854775806"],
      // As large as none.
      ["9223372036854775807", null],
    ] as const) {
      expect((await post(ITEM, whole(max, "0"))).status).toBe(200);
      expect(await get("/limits/tables")).toMatchObject({ tables: [{ "max-size": shown, "warn-size": 0 }] });
    }
    await remove(ITEM);
  });
});

describe("the rate of a writer", () => {
  const IMPORTER = "/limits/writers/importer";

  test("is set in any period, shown by the minute, and put back", async () => {
    expect(await get("/limits/writers")).toEqual({ global: { amount: null, period: "1m" }, writers: [] });
    for (const [body, shown] of [
      [{ amount: 1000, period: "1m" }, { amount: 1000 }],
      [{ amount: 6000, period: "1h" }, { amount: 100 }],
      [{ amount: 10, period: 1_000_000_000 }, { amount: 600 }],
      [{ amount: "60", period: "1m30s" }, { amount: 40 }],
      [{ amount: 1, period: "1.5s" }, { amount: 40 }],
      [
        { amount: 100, period: "500ms", bytes: 1000 },
        { amount: 12_000, bytes: 120_000 },
      ],
      [{ amount: 5, period: "1m", bytes: null }, { amount: 5 }],
      [
        { amount: 0, period: "1h", bytes: 0 },
        { amount: 0, bytes: 0 },
      ],
      [{ amount: "9007199254740993", period: "1m" }, { amount: "9007199254740993" }],
    ] as const) {
      const set = await post(IMPORTER, body);
      expect([set.status, set.json]).toEqual([200, { writer: "importer" }]);
      expect(await get("/limits/writers")).toEqual({
        global: { amount: null, period: "1m" },
        writers: [{ writer: "importer", "rate-limit": { ...shown, period: "1m" } }],
      });
    }
    expect((await remove(IMPORTER)).json).toEqual({ writer: "importer" });
    expect(await get("/limits/writers")).toMatchObject({ writers: [] });
    expect((await remove(IMPORTER)).status).toBe(200);
  });

  test("may be that of all writers whose names begin so, of one that is not registered yet, or of any script", async () => {
    for (const writer of ["loader:*", "later", "Ünï cödé"]) {
      const path = `/limits/writers/${encodeURIComponent(writer)}`;
      expect((await post(path, { amount: 10, period: "1m" })).json).toEqual({ writer });
      expect(await get("/limits/writers")).toMatchObject({ writers: [{ writer }] });
      expect((await remove(path)).json).toEqual({ writer });
    }
  });

  test("is never taken for the fleet's, and names that are none are refused", async () => {
    for (const name of ["*", "a*", "x", "%00abc", "a".repeat(51), "%F0%9F%98%80"]) {
      const path = `/limits/writers/${name}`;
      const body = '{"amount":1,"period":"1m"}';
      await expectRefused({ method: "POST", path, body }, 422, "invalid_name");
      await expectRefused({ method: "DELETE", path }, 422, "invalid_name");
    }
    expect(await get("/limits/fleet")).toEqual({ "rate-limit": null, source: "default" });
  });

  test("that the original wrote is shown, and limits no bytes", async () => {
    sql("INSERT INTO max_writer_rates (writer_name, max_rows_per_minute) VALUES ('importer', 77)");
    expect(await get("/limits/writers")).toMatchObject({
      writers: [{ writer: "importer", "rate-limit": { amount: 77, period: "1m" } }],
    });
    await remove(IMPORTER);
    expect(app.rows("SELECT * FROM max_writer_rates")).toEqual([]);
  });

  test("holds from the next write on: 413 for what can never pass, 403 for a limit of 0", async () => {
    const rows = (...ids: number[]) =>
      app.mutate({ mutations: ids.map((id) => ({ table: "counter", values: { id } })) });
    await post(IMPORTER, { amount: 1, period: "1m" });
    expect((await rows(1, 2)).code).toBe("too_many_mutations");
    await post(IMPORTER, { amount: 0, period: "1m" });
    expect((await rows(1)).code).toBe("not_granted");
    await post(IMPORTER, { amount: 10, period: "1m", bytes: 10 });
    expect((await rows(1)).code).toBe("request_too_large");
    await remove(IMPORTER);
    expect((await rows(1, 2)).status).toBe(200);
  });

  const rate = (amount: string, period = '"1m"') => `{"amount":${amount},"period":${period}}`;
  const CASES: ReadonlyArray<readonly [what: string, body: string, status: number]> = [
    ["nothing", "", 400],
    ["null", "null", 400],
    ["a list", '[{"amount":1,"period":"1m"}]', 400],
    ["no amount", '{"period":"1m"}', 400],
    ["no period", '{"amount":1}', 400],
    ["an amount of null", rate("null"), 400],
    ["an amount of true", rate("true"), 400],
    ["an amount that is an object", rate('{"amount":1}'), 400],
    ["a period of null", rate("1", "null"), 400],
    ["a period of true", rate("1", "true"), 400],
    ["a period that is a list", rate("1", '["1m"]'), 400],
    ["an unknown member", '{"amount":1,"period":"1m","rows":1}', 400],
    ["the form of the answer", '{"rate-limit":{"amount":1,"period":"1m"}}', 400],
    ["Infinity", rate("Infinity"), 400],
    ["a negative amount", rate("-1"), 422],
    ["a fraction", rate("0.5"), 422],
    ["a word", rate('"many"'), 422],
    ["2^63", rate("9223372036854775808"), 422],
    ["1e300", rate("1e300"), 422],
    ["less than one a minute", rate("1", '"1h"'), 422],
    ["more than 2^63 a minute", rate("9223372036854775807", '"1s"'), 422],
    ["an empty period", rate("1", '""'), 422],
    ["a period without a unit", rate("1", '"60"'), 422],
    ["a period of another unit", rate("1", '"1x"'), 422],
    ["a period of days", rate("1", '"1d"'), 422],
    ["half a period", rate("1", '"1m30"'), 422],
    ["a period of 0", rate("1", "0"), 422],
    ["a period of 0s", rate("1", '"0s"'), 422],
    ["a negative period", rate("1", "-1"), 422],
    ["a negative period as text", rate("1", '"-1m"'), 422],
    ["a period of 2^63", rate("1", "9223372036854775808"), 422],
    ["a period of 1e300", rate("1", "1e300"), 422],
    ["a fraction of a nanosecond", rate("1", "1.5"), 422],
    ["a period beyond 2^63 ns", rate("1", '"999999999999999h"'), 422],
    ["a period with NUL", rate("1", '"1m\\u0000"'), 422],
    ["a period with an emoji", rate("1", '"1😀"'), 422],
    ["a period of a megabyte", rate("1", `"${"1m".repeat(300_000)}"`), 422],
    ["bytes that are a word", '{"amount":1,"period":"1m","bytes":"x"}', 422],
    ["negative bytes", '{"amount":1,"period":"1m","bytes":-1}', 422],
    ["bytes that are true", '{"amount":1,"period":"1m","bytes":true}', 400],
  ];
  for (const path of [IMPORTER, "/limits/fleet"]) {
    for (const [what, body, status] of CASES) {
      // The fleet's may limit bytes alone.
      if (path === "/limits/fleet" && what.includes("amount of null")) continue;
      test(`${path} refuses ${what}`, () =>
        expectRefused(
          { method: "POST", path, body },
          status,
          status === 400 ? "malformed_request" : "invalid_value",
        ));
    }
  }
});

describe("the rate of the fleet", () => {
  const FLEET = "/limits/fleet";

  test("limits rows, bytes or both, and is put back", async () => {
    for (const [body, shown] of [
      [{ amount: 100, period: "1m" }, { amount: 100 }],
      [
        { bytes: 1000, period: "1s" },
        { amount: null, bytes: 60_000 },
      ],
      [
        { amount: 1, bytes: 2, period: "1s" },
        { amount: 60, bytes: 120 },
      ],
    ] as const) {
      const set = await post(FLEET, body);
      expect([set.status, set.json]).toEqual([200, {}]);
      const expected = { "rate-limit": { ...shown, period: "1m" }, source: "override" };
      expect(await get(FLEET)).toEqual(expected);
      // It is no writer's.
      expect(await get("/limits/writers")).toMatchObject({ writers: [] });
    }
    expect((await remove(FLEET)).json).toEqual({});
    expect(await get(FLEET)).toEqual({ "rate-limit": null, source: "default" });
  });

  test("that limits nothing is refused", () =>
    expectRefused({ method: "POST", path: FLEET, body: '{"period":"1m"}' }, 400, "malformed_request"));
});

describe("what is used", () => {
  test("of this minute is shown by writer, the busiest first, with what holds for each", async () => {
    await using other = await openTestApp();
    await other.call({ method: "POST", path: "/writers/second", body: WRITER["ctlstore-secret"] });
    await other.call({ method: "POST", path: "/limits/fleet", body: '{"amount":500,"period":"1m"}' });
    await other.call({
      method: "POST",
      path: "/limits/writers/sec*",
      body: '{"amount":50,"bytes":5000,"period":"1m"}',
    });
    const write = (writer: string, count: number) =>
      other.call({
        method: "POST",
        path: "/families/shop/mutations",
        headers: { ...WRITER, "ctlstore-writer": writer },
        body: JSON.stringify({
          mutations: Array.from({ length: count }, (_, id) => ({ table: "counter", values: { id } })),
        }),
      });
    const usage = async () => (await other.call({ method: "GET", path: "/limits/usage" })).json;
    let shown: unknown = null;
    // Once more when the minute ended in between.
    for (let tries = 0; tries < 2; tries++) {
      await write("importer", 3);
      await write("second", 5);
      shown = await usage();
      if ((shown as { writers: unknown[] }).writers.length === 2) break;
    }
    expect(shown).toMatchObject({
      window: { seconds: 60, start: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/) },
      fleet: { "rate-limit": { amount: 500, period: "1m" } },
      writers: [
        { writer: "second", "rate-limit": { amount: 50, bytes: 5000, period: "1m" } },
        { writer: "importer", "rate-limit": null },
      ],
    });
    const { fleet, writers } = shown as { fleet: Used; writers: readonly Used[] };
    expect(fleet.rows).toBe(writers.reduce((sum, { rows }) => sum + rows, 0));
    expect(fleet.bytes).toBe(writers.reduce((sum, { bytes }) => sum + bytes, 0));
  });
});

interface Used {
  readonly rows: number;
  readonly bytes: number;
}

test("changes of limits stand in the audit trail with who made them, and what is the same again does not", async () => {
  await using fresh = await openTestApp();
  const body = '{"amount":5,"period":"1m"}';
  for (let i = 0; i < 2; i++) await fresh.call({ method: "POST", path: "/limits/fleet", body });
  for (let i = 0; i < 2; i++) await fresh.call({ method: "DELETE", path: "/limits/fleet" });
  const sizes = '{"max-size":10,"warn-size":1}';
  await fresh.call({ method: "POST", path: "/limits/tables/shop/item", body: sizes });
  const entries = fresh.rows("SELECT actor, action, target FROM ctlstore_audit WHERE action LIKE 'limit.%'");
  expect(entries).toEqual([
    { actor: "admin-token", action: "limit.set", target: "limits/fleet" },
    { actor: "admin-token", action: "limit.reset", target: "limits/fleet" },
    { actor: "admin-token", action: "limit.set", target: "limits/tables/shop/item" },
  ]);
});
