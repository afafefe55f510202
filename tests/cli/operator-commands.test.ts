/** Operators, grants and the audit trail by commands, against a real Executive. */
import { describe, expect, test } from "bun:test";
import { until } from "../support/until.ts";
import { openOperatorWorld, openShop, runAgainst } from "./operator-world.ts";

describe("operators and the audit trail", () => {
  test("an operator's token opens what its role allows, and says whose it is", async () => {
    await using world = await openOperatorWorld();
    const token = (await world.run(["operator", "create", "Alice", "--role", "schema"])).out;
    const environment = { CTLSTORE_ADMIN_TOKEN: token };
    expect((await world.run(["operator", "whoami"], { environment })).out).toBe("alice, role schema");
    expect((await world.run(["create-family", "shop"], { environment })).code).toBe(0);
    const refused = await world.run(["operator", "list"], { environment });
    expect(refused.code).toBe(1);
    expect(refused.notes).toContain("[not_granted]");
    expect(refused.notes).not.toContain(token);
    expect(await world.json(["operator", "list"])).toMatchObject({
      operators: [{ name: "alice", role: "schema", createdBy: "admin-token" }],
    });
    expect(await world.json(["audit", "--actor", "alice"])).toMatchObject({
      entries: [{ action: "family.create", target: "shop" }],
    });
  });

  test("D22 an Executive without any token is open on its own host, until the first operator is created", async () => {
    await using world = await openOperatorWorld(null);
    await world.json(["create-family", "shop"]);
    expect((await world.run(["operator", "whoami"])).out).toBe("anonymous, role admin");
    const token = (await world.run(["operator", "create", "alice", "--role", "admin"])).out;
    for (const command of [["status"], ["audit"], ["create-family", "bank"], ["writer", "list"]])
      expect(await world.run(command)).toMatchObject({
        code: 1,
        notes: expect.stringContaining("[bad_credentials]"),
      });
    const { code, out } = await world.run(["audit"], { environment: { CTLSTORE_ADMIN_TOKEN: token } });
    expect(code).toBe(0);
    expect(out).toMatch(/anonymous +operator\.create +operator alice/);
  });

  test("the audit trail is read over pages, filtered, and ends at the limit", async () => {
    await using world = await openShop();
    for (let i = 0; i < 12; i++) await world.json(["limits", "fleet", "set", "--rows", `${i + 1}/1m`]);
    const entriesOf = async (...flags: string[]) =>
      (await world.json(["audit", ...flags]))["entries"] as { target: string }[];
    expect((await entriesOf()).length).toBe(14);
    expect((await entriesOf("--limit", "5")).length).toBe(5);
    expect((await entriesOf("--action", "table.create")).map(({ target }) => target)).toEqual(["shop/item"]);
    expect((await world.run(["audit", "--limit", "1"])).out).toMatch(/limit\.set +limits\/fleet +.*to=/);
    expect((await world.run(["audit", "--action", "nothing"])).code).toBe(1);
  });

  test("the audit trail is followed: each entry once, in its order, until it is stopped", async () => {
    await using world = await openShop();
    const stop = new AbortController();
    const lines: string[] = [];
    const following = world.run(["audit", "--follow", "--json"], {
      stopSignal: () => stop.signal,
      out: (line) => void lines.push(line),
    });
    await until(() => lines.length === 2, { what: "what was there" });
    for (const family of ["one", "two", "three"]) await world.json(["create-family", family]);
    await until(() => lines.length === 5, { what: "what came" });
    stop.abort();
    expect((await following).code).toBe(0);
    expect(lines.map((line) => JSON.parse(line).target)).toEqual([
      "shop",
      "shop/item",
      "one",
      "two",
      "three",
    ]);
  });
});

test("grants are replaced, taken back, and never guessed", async () => {
  await using world = await openShop();
  await world.run(["register-writer", "importer"]);
  expect(await world.json(["writer", "grant", "importer", "SHOP"])).toMatchObject({ grants: ["shop"] });
  expect(await world.json(["writer", "grant", "importer", "--none"])).toMatchObject({ grants: [] });
  expect(await world.json(["writer", "grant", "importer", "--all"])).toMatchObject({ grants: null });
  for (const wrong of [[], ["shop", "--all"], ["--all", "--none"]])
    expect((await world.run(["writer", "grant", "importer", ...wrong])).code).toBe(2);
  expect((await world.run(["writer", "show", "importer"])).out).toContain("no grants given");
  expect((await world.run(["writer", "show", "nobody"])).notes).toContain("[unknown_writer]");
});

test("options before a command's last word are refused, also where all of its beginnings are commands", async () => {
  const { code, notes } = await runAgainst("http://127.0.0.1:1", [
    "limits",
    "--json",
    "tables",
    "set",
    "shop/item",
    "--max",
    "1MiB",
  ]);
  expect(code).toBe(2);
  expect(notes).toContain("limits tables set");
});
