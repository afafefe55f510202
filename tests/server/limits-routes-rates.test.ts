/** The limits routes of writers and the fleet: forms in and out, that a limit holds when it is set, and what is used. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type LimitsWorld, openLimitsWorld } from "./limits-world.ts";
import { openTestApp, WRITER } from "./test-app.ts";

let world: LimitsWorld;
beforeAll(async () => {
  world = await openLimitsWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("the rate of a writer", () => {
  const IMPORTER = "/limits/writers/importer";

  test("is set in any period, shown by the minute, and put back", async () => {
    expect(await world.get("/limits/writers")).toEqual({
      global: { amount: null, period: "1m" },
      writers: [],
    });
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
      const set = await world.post(IMPORTER, body);
      expect([set.status, set.json]).toEqual([200, { writer: "importer" }]);
      expect(await world.get("/limits/writers")).toEqual({
        global: { amount: null, period: "1m" },
        writers: [{ writer: "importer", "rate-limit": { ...shown, period: "1m" } }],
      });
    }
    expect((await world.remove(IMPORTER)).json).toEqual({ writer: "importer" });
    expect(await world.get("/limits/writers")).toMatchObject({ writers: [] });
    expect((await world.remove(IMPORTER)).status).toBe(200);
  });

  test("may be that of all writers whose names begin so, of one that is not registered yet, or of any script", async () => {
    for (const writer of ["loader:*", "later", "Ünï cödé"]) {
      const path = `/limits/writers/${encodeURIComponent(writer)}`;
      expect((await world.post(path, { amount: 10, period: "1m" })).json).toEqual({ writer });
      expect(await world.get("/limits/writers")).toMatchObject({ writers: [{ writer }] });
      expect((await world.remove(path)).json).toEqual({ writer });
    }
  });

  test("is never taken for the fleet's, and names that are none are refused", async () => {
    for (const name of ["*", "a*", "x", "%00abc", "a".repeat(51), "%F0%9F%98%80"]) {
      const path = `/limits/writers/${name}`;
      const body = '{"amount":1,"period":"1m"}';
      await world.expectRefused({ method: "POST", path, body }, 422, "invalid_name");
      await world.expectRefused({ method: "DELETE", path }, 422, "invalid_name");
    }
    expect(await world.get("/limits/fleet")).toEqual({ "rate-limit": null, source: "default" });
  });

  test("that the original wrote is shown, and limits no bytes", async () => {
    world.sql("INSERT INTO max_writer_rates (writer_name, max_rows_per_minute) VALUES ('importer', 77)");
    expect(await world.get("/limits/writers")).toMatchObject({
      writers: [{ writer: "importer", "rate-limit": { amount: 77, period: "1m" } }],
    });
    await world.remove(IMPORTER);
    expect(world.app.rows("SELECT * FROM max_writer_rates")).toEqual([]);
  });

  test("holds from the next write on: 413 for what can never pass, 403 for a limit of 0", async () => {
    const rows = (...ids: number[]) =>
      world.app.mutate({ mutations: ids.map((id) => ({ table: "counter", values: { id } })) });
    await world.post(IMPORTER, { amount: 1, period: "1m" });
    expect((await rows(1, 2)).code).toBe("too_many_mutations");
    await world.post(IMPORTER, { amount: 0, period: "1m" });
    expect((await rows(1)).code).toBe("not_granted");
    await world.post(IMPORTER, { amount: 10, period: "1m", bytes: 10 });
    expect((await rows(1, 2)).code).toBe("request_too_large");
    // A loader would put a row of its own aside: it waits for a higher limit.
    expect((await rows(1)).code).toBe("rate_limited");
    await world.remove(IMPORTER);
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
        world.expectRefused(
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
      const set = await world.post(FLEET, body);
      expect([set.status, set.json]).toEqual([200, {}]);
      const expected = { "rate-limit": { ...shown, period: "1m" }, source: "override" };
      expect(await world.get(FLEET)).toEqual(expected);
      // It is no writer's.
      expect(await world.get("/limits/writers")).toMatchObject({ writers: [] });
    }
    expect((await world.remove(FLEET)).json).toEqual({});
    expect(await world.get(FLEET)).toEqual({ "rate-limit": null, source: "default" });
  });

  test("that limits nothing is refused", () =>
    world.expectRefused({ method: "POST", path: FLEET, body: '{"period":"1m"}' }, 400, "malformed_request"));
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
