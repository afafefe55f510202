/** Commands that destroy data: what they show, what they ask, and dry runs of all changes of tables. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { testSecret } from "../support/secrets.ts";
import { CREATE_TABLE, openShop, runAgainst } from "./operator-world.ts";

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
    expect(await world.run([...CREATE_TABLE, "--dry-run"])).toMatchObject({
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
