/** The commands of whoever says who may do what and how much, against a real Executive. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { testSecret } from "../support/secrets.ts";
import { until } from "../support/until.ts";
import { type OperatorWorld, openOperatorWorld, runAgainst } from "./operator-world.ts";

const TABLE = [
  "create-table",
  "shop/item",
  "--field",
  "id:integer",
  "--field",
  "label:string",
  "--key",
  "id",
];

async function openShop(): Promise<OperatorWorld> {
  const world = await openOperatorWorld();
  await world.json(["create-family", "shop"]);
  await world.json(TABLE);
  return world;
}

describe("a secret that is made", () => {
  test("stands alone on standard output when it has no file, and is long", async () => {
    await using world = await openOperatorWorld();
    const { code, out, notes } = await world.run(["register-writer", "importer"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^[\w-]{43}$/);
    expect(notes).toContain("importer");
    expect(notes).not.toContain(out);
    const other = await world.run(["writer", "rotate", "importer"]);
    expect(other.out).toMatch(/^[\w-]{43}$/);
    expect(other.out).not.toBe(out);
  });

  test("goes into a new file of its owner alone, and nothing of it is printed", async () => {
    await using world = await openOperatorWorld();
    const path = world.folder.file("secret");
    const { out, notes } = await world.run(["register-writer", "importer", "--secret-file", path]);
    const secret = readFileSync(path, "utf8").trim();
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(`${out}${notes}`).not.toContain(secret);
    expect((await world.run(["writer", "rotate", "importer", "--secret-file", path])).code).toBe(2);
    expect(readFileSync(path, "utf8").trim()).toBe(secret);
    const grown = await world.run(["create-family", "shop"]);
    expect(grown.code).toBe(0);
  });

  test("leaves no file when the Executive refuses it", async () => {
    await using world = await openOperatorWorld();
    const path = world.folder.file("secret");
    await world.run(["register-writer", "importer"]);
    const again = await world.run(["register-writer", "importer", "--secret-file", path]);
    expect(again.code).toBe(1);
    expect(again.notes).toContain("writer rotate");
    expect(existsSync(path)).toBeFalse();
    expect((await world.run(["operator", "create", "a", "--role", "read", "--token-file", path])).code).toBe(
      2,
    );
    await world.run(["operator", "create", "alice", "--role", "read"]);
    expect(
      (await world.run(["operator", "create", "alice", "--role", "read", "--token-file", path])).code,
    ).toBe(1);
    expect(existsSync(path)).toBeFalse();
  });

  test("keeps its file when there is no answer, since it may have taken effect", async () => {
    await using world = await openOperatorWorld();
    const path = world.folder.file("secret");
    const nowhere = "http://127.0.0.1:1";
    expect((await runAgainst(nowhere, ["writer", "rotate", "importer", "--secret-file", path])).code).toBe(1);
    expect(readFileSync(path, "utf8").trim()).toMatch(/^[\w-]{43}$/);
    const token = world.folder.file("token");
    expect(
      (await runAgainst(nowhere, ["operator", "create", "alice", "--role", "read", "--token-file", token]))
        .code,
    ).toBe(1);
    expect(existsSync(token)).toBeFalse();
  });

  test("is not made when one is given, and a file for it is refused then", async () => {
    await using world = await openOperatorWorld();
    writeFileSync(world.folder.file("given"), `${testSecret("given")}\n`);
    const given = ["--secret", `@${world.folder.file("given")}`];
    const registered = await world.run(["register-writer", "importer", ...given]);
    expect(registered).toEqual({ code: 0, out: "registered writer importer", notes: "" });
    expect((await world.run(["register-writer", "importer", ...given, "--secret-file", "x"])).code).toBe(2);
  });

  test("R45 does not depend on the old one, which an operator's environment may have", async () => {
    await using world = await openOperatorWorld();
    const environment = { CTLSTORE_SECRET: testSecret("old") };
    await world.run(["register-writer", "importer"], { environment });
    const { out } = await world.run(["writer", "rotate", "importer", "--overlap", "0s"], { environment });
    expect(out).toMatch(/^[\w-]{43}$/);
    const cookie = await fetch(`${world.url}/cookie`, {
      headers: { "ctlstore-writer": "importer", "ctlstore-secret": out },
    });
    expect(cookie.status).toBe(200);
  });
});

describe("what cannot be undone", () => {
  const ACTS = [
    ["drop-table", "shop/item"],
    ["clear-rows", "shop/item"],
    ["clear-rows", "shop"],
    ["writer", "revoke", "importer"],
    ["operator", "revoke", "alice"],
  ];

  test.each(ACTS.map((act): [string, string[]] => [act.join(" "), act]))(
    "%s is not done unless somebody says so",
    async (_, act) => {
      await using world = await openShop();
      await world.run(["register-writer", "importer"]);
      await world.run(["operator", "create", "alice", "--role", "read"]);
      const before = await world.json(["audit"]);
      const questions: string[] = [];
      const answering = (answer: string) => async (question: string) => {
        questions.push(question);
        return answer;
      };
      expect(await world.run(act)).toMatchObject({ code: 2, notes: expect.stringContaining("--yes") });
      for (const answer of ["", "n", "nein", "yesno"])
        expect(await world.run(act, { ask: answering(answer) })).toMatchObject({
          code: 1,
          notes: expect.stringContaining("nothing was changed"),
        });
      expect(await world.json(["audit"])).toEqual(before);
      expect(questions[0]).toContain(act.at(-1) ?? "");
      expect((await world.run(act, { ask: answering("Y") })).code).toBe(0);
      expect(await world.json(["audit"])).not.toEqual(before);
    },
  );

  test("is shown before it is asked about: rows, readers, writers", async () => {
    await using world = await openShop();
    writeFileSync(world.folder.file("secret"), testSecret("importer"));
    const secret = ["--secret", `@${world.folder.file("secret")}`];
    await world.run(["register-writer", "importer", ...secret]);
    await world.json(["mutate", "shop/item", '{"id":1}', '{"id":2}', "--writer", "importer", ...secret]);
    await world.json(["reader", "declare", "shop/item", "--reader", "checkout", "--contact", "#checkout"]);
    const { out, notes } = await world.run(["drop-table", "shop/item"], { ask: async () => "n" });
    expect(out).toBe("");
    for (const fact of [
      /rows +2/,
      /reader +checkout \(#checkout\)/,
      /writer +importer, last at 20/,
      /ledger +DROP TABLE/,
    ])
      expect(notes).toMatch(fact);
  });
});

describe("a dry run", () => {
  test("prints statements and costs, changes nothing, and ends with 0 when the change would be made", async () => {
    await using world = await openShop();
    const before = await world.json(["audit"]);
    const { code, out } = await world.run(["add-fields", "shop/item", "--field", "note:text", "--dry-run"]);
    expect(code).toBe(0);
    expect(out).toContain("ALTER TABLE shop___item ADD COLUMN");
    expect(await world.json(["create-family", "bank", "--dry-run"])).toMatchObject({ possible: true });
    expect(await world.json(["clear-rows", "shop", "--dry-run"])).toMatchObject({ tables: [{ rows: 0 }] });
    expect(await world.json(["audit"])).toEqual(before);
  });

  test("ends with 1 and says why when the change would be refused", async () => {
    await using world = await openShop();
    expect(await world.run([...TABLE, "--dry-run"])).toMatchObject({
      code: 1,
      out: expect.stringContaining("[table_exists]"),
    });
    const { code, out } = await world.run(["drop-table", "shop/none", "--dry-run", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ possible: false, conflicts: [{ code: "unknown_table" }] });
  });

  test("is not sent to an Executive that would take it for the change", async () => {
    const asked: string[] = [];
    using old = Bun.serve({
      port: 0,
      fetch: ({ method, url }) => {
        asked.push(`${method} ${new URL(url).pathname}`);
        return Response.json(
          { error: { code: "unknown_route", message: "Cannot find this route" } },
          { status: 404 },
        );
      },
    });
    for (const act of [
      ["drop-table", "shop/item"],
      ["clear-rows", "shop"],
      ["create-family", "bank"],
    ]) {
      const { code, notes } = await runAgainst(old.url.origin, [...act, "--dry-run"]);
      expect({ code, notes }).toEqual({ code: 2, notes: expect.stringContaining("knows no dry runs") });
    }
    expect(new Set(asked)).toEqual(new Set(["GET /whoami"]));
  });
});

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
