/** The commands of limits, and what the status says of them. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { testSecret } from "../support/secrets.ts";
import { until } from "../support/until.ts";
import { openShop, runAgainst } from "./operator-world.ts";

describe("limits", () => {
  test("are set in any period and size, printed with what is used, and reset", async () => {
    await using world = await openShop();
    await world.json(["limits", "writers", "set", "loader:*", "--rows", "60000/1h", "--bytes", "64MiB/1m"]);
    await world.json(["limits", "writers", "set", "free", "--rows", "none"]);
    await world.json(["limits", "tables", "set", "shop/item", "--max", "200MiB"]);
    await world.json(["limits", "fleet", "set", "--bytes", "1GiB"]);
    expect(await world.json(["limits"])).toMatchObject({
      writers: {
        writers: [
          { writer: "free", "rate-limit": { amount: null, period: "1m" } },
          { writer: "loader:*", "rate-limit": { amount: 1000, bytes: 67108864, period: "1m" } },
        ],
      },
      fleet: { source: "override", "rate-limit": { bytes: 1073741824 } },
      tables: { tables: [{ family: "shop", table: "item", "max-size": 209715200, "warn-size": 104857600 }] },
      usage: { writers: [] },
      sizes: { tables: [{ family: "shop", table: "item" }] },
    });
    const { out } = await world.run(["limits"]);
    expect(out).toMatch(/free +none/);
    expect(out).toMatch(/shop\/item +100\.0 MiB +200\.0 MiB/);
    for (const reset of [
      ["writers", "reset", "loader:*"],
      ["writers", "reset", "free"],
      ["tables", "reset", "shop/item"],
      ["fleet", "reset"],
    ])
      await world.json(["limits", ...reset]);
    expect(await world.json(["limits", "writers"])).toMatchObject({ writers: [] });
    expect(await world.json(["limits", "tables"])).toMatchObject({ tables: [] });
    expect(await world.json(["limits", "fleet"])).toMatchObject({ source: "default" });
  });

  test.each([
    ["--rows", "5x"],
    ["--rows", "-1/1m"],
    ["--rows", "1/1m/1m"],
    ["--rows", "1/1y"],
    ["--rows", "1/1h"],
    ["--rows", "9223372036854775808/1m"],
    ["--bytes", "5 MiB"],
    ["--bytes", "5MB/1m"],
    ["--bytes", "99999999999999TiB"],
  ])("are refused before they are sent when %s is %s", async (flag, value) => {
    const rows = flag === "--rows" ? [] : ["--rows", "1"];
    const { code, notes } = await runAgainst("http://127.0.0.1:1", [
      "limits",
      "writers",
      "set",
      "importer",
      flag,
      value,
      ...rows,
    ]);
    expect({ code, notes }).toEqual({ code: 2, notes: expect.stringContaining(flag) });
  });

  test("that are nearly used up are in the status", async () => {
    await using world = await openShop();
    writeFileSync(world.folder.file("secret"), testSecret("importer"));
    const secret = ["--secret", `@${world.folder.file("secret")}`];
    await world.run(["register-writer", "importer", ...secret]);
    await world.json(["limits", "writers", "set", "importer", "--rows", "5/1m"]);
    expect((await world.json(["status"]))["nearLimits"]).toEqual([]);
    const rows = [1, 2, 3, 4].map((id) => `{"id":${id}}`);
    // Again when the minute has just turned.
    await until(
      async () => {
        await world.run(["mutate", "shop/item", ...rows, "--writer", "importer", ...secret]);
        return (await world.run(["status"])).out.includes(
          "importer has used 80 % of its rows of this minute (4 of 5)",
        );
      },
      { what: "a limit that is nearly used up" },
    );
  });
});
