/** The typed client on the routes of limits and on dry runs: what it sends is what they take. */
import { expect, test } from "bun:test";
import { createClient, unwrap } from "../../client/index.ts";
import { ADMIN_TOKEN, openTestApp } from "../server/test-app.ts";

test("the typed client sets, reads and resets limits", async () => {
  await using app = await openTestApp();
  const client = createClient("http://executive", {
    adminToken: ADMIN_TOKEN,
    fetch: async (input, init) => app.app.handle(new Request(input, init)),
  });
  const item = client.limits.tables({ family: "Shop" })({ table: "ITEM" });
  const size = { "max-size": 200, "warn-size": "100" };
  expect(unwrap(await item.post(size))).toEqual({ family: "shop", table: "item" });
  expect(unwrap(await client.limits.tables.get()).tables).toEqual([
    { family: "shop", table: "item", "max-size": 200, "warn-size": 100 },
  ]);
  expect(unwrap(await client.limits.sizes.get()).tables[0]).toMatchObject({ table: "item", state: "full" });
  unwrap(await item.delete());
  const lanes = client.limits.writers({ writer: "loader:*" });
  unwrap(await lanes.post({ amount: 60_000, bytes: "1000000", period: "1h" }));
  expect(unwrap(await client.limits.writers.get()).writers).toEqual([
    { writer: "loader:*", "rate-limit": { amount: 1000, bytes: 16_666, period: "1m" } },
  ]);
  expect(unwrap(await lanes.delete())).toEqual({ writer: "loader:*" });
  unwrap(await client.limits.fleet.post({ bytes: 10, period: 1_000_000_000 }));
  expect(unwrap(await client.limits.fleet.get())).toEqual({
    "rate-limit": { amount: null, bytes: 600, period: "1m" },
    source: "override",
  });
  unwrap(await client.limits.fleet.delete());
  expect(unwrap(await client.limits.usage.get()).fleet).toEqual({ rows: 0, bytes: 0, "rate-limit": null });
});

test("the typed client asks for a dry run by a parameter, and a wrong one is an error", async () => {
  await using app = await openTestApp();
  const client = createClient("http://executive", {
    adminToken: ADMIN_TOKEN,
    fetch: async (input, init) => app.app.handle(new Request(input, init)),
  });
  const item = client.families({ family: "shop" }).tables({ table: "item" });
  const shown: object = unwrap(await item.delete(undefined, { query: { "dry-run": "true" } }));
  expect(shown).toMatchObject({ dryRun: true, possible: false, conflicts: [{ code: "not_granted" }] });
  const wrong = await item.delete(undefined, { query: { "dry-run": "yes" } });
  expect([wrong.status, wrong.error?.value]).toMatchObject([400, { error: { code: "malformed_request" } }]);
});
