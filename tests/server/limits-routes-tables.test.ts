/** The limits routes of tables: forms in and out, names in any case, and what is refused and changes nothing. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type LimitsWorld, openLimitsWorld } from "./limits-world.ts";

let world: LimitsWorld;
beforeAll(async () => {
  world = await openLimitsWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("the size limit of a table", () => {
  const ITEM = "/limits/tables/shop/item";

  test("is set, replaced, shown and put back", async () => {
    expect(await world.get("/limits/tables")).toEqual({
      global: { "max-size": null, "warn-size": null },
      tables: [],
    });
    const set = await world.post(ITEM, { "max-size": 209_715_200, "warn-size": 157_286_400 });
    expect([set.status, set.json]).toEqual([200, { family: "shop", table: "item" }]);
    expect((await world.post(ITEM, { "max-size": "9007199254740993", "warn-size": 5 })).status).toBe(200);
    expect(await world.get("/limits/tables")).toMatchObject({
      tables: [{ family: "shop", table: "item", "max-size": "9007199254740993", "warn-size": 5 }],
    });
    expect(await world.get("/limits/sizes")).toMatchObject({
      tables: expect.arrayContaining([
        expect.objectContaining({ table: "item", "max-size": "9007199254740993", "warn-size": 5 }),
        expect.objectContaining({ table: "counter", "max-size": null, "warn-size": null }),
      ]),
    });
    const reset = await world.remove(ITEM);
    expect([reset.status, reset.json]).toEqual([200, { family: "shop", table: "item" }]);
    expect(await world.get("/limits/tables")).toMatchObject({ tables: [] });
    expect((await world.remove(ITEM)).status).toBe(200);
  });

  test("D13 is the same one whatever the case of its name", async () => {
    expect((await world.post("/limits/tables/SHOP/Item", { "max-size": 10, "warn-size": 1 })).json).toEqual({
      family: "shop",
      table: "item",
    });
    expect((await world.post("/limits/tables/Shop/ITEM", { "max-size": 20, "warn-size": 2 })).status).toBe(
      200,
    );
    expect(await world.get("/limits/tables")).toMatchObject({ tables: [{ table: "item", "max-size": 20 }] });
    expect((await world.remove("/limits/tables/sHOP/iTEM")).status).toBe(200);
    expect(await world.get("/limits/tables")).toMatchObject({ tables: [] });
  });

  test("D13 that the original wrote is shown, and taken away, in lower case", async () => {
    world.sql("INSERT INTO max_table_sizes VALUES ('shop', 'Item', 7, 70), ('gone', 'table', 0, 0)");
    expect(await world.get("/limits/tables")).toMatchObject({
      tables: [
        { family: "gone", table: "table", "max-size": 0, "warn-size": 0 },
        { family: "shop", table: "item", "max-size": 70, "warn-size": 7 },
      ],
    });
    expect((await world.remove(ITEM)).status).toBe(200);
    // Its table is gone, which must not keep it for ever.
    expect((await world.remove("/limits/tables/gone/table")).status).toBe(200);
    expect(world.app.rows("SELECT * FROM max_table_sizes")).toEqual([]);
  });

  test("is refused, and nothing changes, when its table does not exist or its name is none", async () => {
    const body = JSON.stringify({ "max-size": 10, "warn-size": 1 });
    const refused = (path: string, status: number, code: string) =>
      world.expectRefused({ method: "POST", path, body }, status, code);
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
      world.expectRefused(
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
      expect((await world.post(ITEM, whole(max, "0"))).status).toBe(200);
      expect(await world.get("/limits/tables")).toMatchObject({
        tables: [{ "max-size": shown, "warn-size": 0 }],
      });
    }
    await world.remove(ITEM);
  });
});
