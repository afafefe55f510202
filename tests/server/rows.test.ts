/** GET …/rows: pages of a table over HTTP, and what it refuses. */
import { describe, expect, test } from "bun:test";
import { unwrap } from "../../client/client-error.ts";
import { createClient } from "../../client/create-client.ts";
import { ADMIN_TOKEN, type Answer, openTestApp, type TestApp, WRITER } from "./test-app.ts";

const ITEMS = "/families/shop/tables/item/rows";

interface Page {
  readonly family: string;
  readonly table: string;
  readonly rows: readonly Record<string, unknown>[];
  readonly next: string | null;
  readonly sequence: number;
}

async function get(app: TestApp, path: string): Promise<Page> {
  const answer = await app.call({ method: "GET", path });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.json as Page;
}

async function openWithItems(): Promise<TestApp> {
  const app = await openTestApp();
  const mutations = ["c", "a", "b"].map((name) => ({
    table: "item",
    values: { name, order: "9007199254740993" },
  }));
  expect((await app.mutate({ mutations })).status).toBe(200);
  return app;
}

describe("rows of a table", () => {
  test("I12 come in key order with exact values, and can be written again as they are", async () => {
    await using app = await openTestApp();
    const full = {
      name: "a\u0000😀",
      order: "-9223372036854775808",
      group: 7,
      weight: 5e-324,
      note: "",
      picture: "AP8=",
      checksum: "",
    };
    const bare = {
      ...full,
      name: "b",
      order: null,
      group: null,
      weight: null,
      note: null,
      picture: null,
      checksum: null,
    };
    await app.mutate({ mutations: [bare, full].map((values) => ({ table: "item", values })) });
    const page = await get(app, ITEMS);
    expect(page).toEqual({
      family: "shop",
      table: "item",
      rows: [full, bare],
      next: null,
      sequence: Number(await app.headSequence()),
    });
    const again = await app.mutate({ mutations: page.rows.map((values) => ({ table: "item", values })) });
    expect(again.status).toBe(200);
    expect((await get(app, ITEMS)).rows).toEqual(page.rows);
  });

  test("go on from the cursor, with the key's fields alone if that is wanted", async () => {
    await using app = await openWithItems();
    const first = await get(app, `${ITEMS}?limit=2&fields=key`);
    expect(first.rows).toEqual([{ name: "a" }, { name: "b" }]);
    const second = await get(app, `${ITEMS}?limit=2&fields=key&after=${first.next}`);
    expect([second.rows, second.next]).toEqual([[{ name: "c" }], null]);
    expect((await get(app, "/families/SHOP/tables/Counter/rows")).rows).toEqual([]);
  });

  test("are refused by code when the table, the cursor or a parameter is none", async () => {
    await using app = await openWithItems();
    const refusals: readonly (readonly [path: string, status: number, code: string])[] = [
      ["/families/shop/tables/missing/rows", 404, "unknown_table"],
      ["/families/missing/tables/item/rows", 404, "unknown_family"],
      ["/families/sh__op/tables/item/rows", 422, "invalid_name"],
      [`${ITEMS}?after=`, 422, "invalid_value"],
      [`${ITEMS}?after=!!!`, 422, "invalid_value"],
      [`${ITEMS}?after=${cursor("nonsense")}`, 422, "invalid_value"],
      [`${ITEMS}?after=${cursor("{}")}`, 422, "invalid_value"],
      [`${ITEMS}?after=${cursor("[1]")}`, 422, "invalid_value"],
      [`${ITEMS}?after=${cursor('["a","b"]')}`, 422, "invalid_value"],
      [`${ITEMS}?after=${cursor("[null]")}`, 422, "invalid_value"],
      [`${ITEMS}?limit=0`, 400, "malformed_request"],
      [`${ITEMS}?limit=10001`, 400, "malformed_request"],
      [`${ITEMS}?limit=1e3`, 400, "malformed_request"],
      [`${ITEMS}?limit=-1`, 400, "malformed_request"],
      [`${ITEMS}?limit=`, 400, "malformed_request"],
      [`${ITEMS}?fields=some`, 400, "malformed_request"],
      [`${ITEMS}?limit=1&limit=2`, 400, "malformed_request"],
    ];
    const answers: (readonly [string, number, string | null])[] = [];
    for (const [path] of refusals) {
      const answer: Answer = await app.call({ method: "GET", path });
      answers.push([path, answer.status, answer.code]);
    }
    expect(answers).toEqual([...refusals]);
  });

  test("D22 need the admin token", async () => {
    await using app = await openWithItems();
    for (const headers of [{}, WRITER, { authorization: "Bearer wrong" }]) {
      expect((await app.call({ method: "GET", path: ITEMS, headers })).status).toBe(401);
    }
  });

  test("reach the typed client with every page", async () => {
    await using app = await openWithItems();
    const client = createClient("http://localhost", {
      adminToken: ADMIN_TOKEN,
      fetch: async (input, init) => app.app.handle(new Request(input, init)),
    });
    const table = client.families({ family: "shop" }).tables({ table: "item" });
    const names: unknown[] = [];
    let after: string | null = null;
    do {
      const query = { limit: "1", fields: "key", ...(after === null ? {} : { after }) };
      const page: Pick<Page, "rows" | "next"> = unwrap(await table.rows.get({ query }));
      names.push(...page.rows.map((row) => row["name"]));
      after = page.next;
    } while (after !== null);
    expect(names).toEqual(["a", "b", "c"]);
  });
});

function cursor(text: string): string {
  return Buffer.from(text).toString("base64url");
}
