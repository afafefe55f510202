/** `ctlstore codegen` on a command line: where the tables come from, what is written, and the check for CI. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openShop, runAgainst } from "../cli/operator-world.ts";
import { bunEnvironment } from "../reader/bun-environment.ts";
import { SampleFolder } from "../reader/suite/sample-ldb.ts";
import { tempFolder } from "../support/temp-folder.ts";

const FIXTURE = join(import.meta.dir, "fixture");
/** Nobody listens there: what needs no Executive asks none. */
const NOWHERE = "http://127.0.0.1:9";

function codegen(...args: readonly string[]) {
  return runAgainst(NOWHERE, ["codegen", ...args]);
}

describe("codegen", () => {
  test("finds the types that the tests are compiled with current", async () => {
    const outcome = await codegen(
      ...["--schema", join(FIXTURE, "schema.json"), "--out", join(FIXTURE, "typed-reader.ts")],
      ...["--reader-module", "../../../reader/index.ts", "--check"],
    );
    expect(outcome).toMatchObject({ code: 0, out: expect.stringContaining("is current") });
  });

  test("D22 asks the Executive as an operator who may only read, and writes the same from its answer in a file, and from an LDB", async () => {
    await using shop = await openShop();
    const token = (await shop.run(["operator", "create", "ci-reader", "--role", "read"])).out;
    const environment = { CTLSTORE_ADMIN_TOKEN: token };
    const [module, again] = [shop.folder.file("a.ts"), shop.folder.file("b.ts")];
    const written = await shop.run(["codegen", "--out", module], { environment });
    expect(written).toMatchObject({ code: 0, out: `wrote ${module} (1 table of ${shop.url})`, notes: "" });
    const text = readFileSync(module, "utf8");
    expect(text).toContain("export interface ShopItemRow {\n  id: number;\n  label: string | null;\n}");
    expect(text).not.toContain(shop.url);

    writeFileSync(
      shop.folder.file("schema.json"),
      (await shop.run(["schema", "--json"], { environment })).out,
    );
    expect((await codegen("--schema", shop.folder.file("schema.json"), "--out", again)).code).toBe(0);
    expect(readFileSync(again, "utf8")).toBe(text);

    using folder = new SampleFolder(bunEnvironment);
    const ldb = folder.ldb();
    ldb.changeSchema(
      'CREATE TABLE shop___item ("id" INTEGER, "label" VARCHAR(191), "extra" DATETIME, PRIMARY KEY("id"))',
    );
    // A column that ctlstore did not declare is nothing that a program may rely on.
    expect(`${(await codegen("--ldb", folder.path)).out}\n`).toBe(text);
    const refused = await shop.run(["codegen", "--out", module], {
      environment: { CTLSTORE_ADMIN_TOKEN: "" },
    });
    expect(refused).toMatchObject({ code: 1, notes: expect.stringContaining("[bad_credentials]") });
  });

  test("takes only the families and tables that were asked for, and says when one is not there", async () => {
    const schema = ["--schema", join(FIXTURE, "schema.json")];
    const rowsOf = async (...args: string[]) =>
      [...(await codegen(...schema, ...args)).out.matchAll(/interface (\w+)Row/g)].map(([, name]) => name);
    expect(await rowsOf("--family", "Shop")).toEqual(["ShopItems", "ShopOrderLines"]);
    // With its namesake left out, it has the simple name.
    expect(await rowsOf("--family", "abc", "--table", "shop/items")).toEqual(["AbcDefGhi", "ShopItems"]);
    expect(await codegen(...schema, "--table", "shop/none")).toMatchObject({
      code: 1,
      notes: expect.stringContaining("[unknown_table]"),
    });
    expect(await codegen(...schema, "--family", "none")).toMatchObject({
      code: 1,
      notes: expect.stringContaining("[unknown_family]"),
    });
  });

  test("says in the module how it was made when it was made of a part", async () => {
    const { out } = await codegen(
      ...["--schema", join(FIXTURE, "schema.json"), "--integers", "bigint"],
      ...["--table", "shop/items", "--family", "abc"],
    );
    expect(out).toContain(" ctlstore codegen --family abc --table shop/items --integers bigint\n");
    expect(out).toContain('from "ctlstore-reader"');
  });

  test("leaves a file alone that is current, and shows in a check what differs in one that is not", async () => {
    using folder = tempFolder("codegen");
    const out = folder.file("module.ts");
    const from = (name: string) => ["--schema", folder.file(name), "--out", out];
    const table = (...fields: [string, string][]) =>
      JSON.stringify([{ family: "shop", name: "items", fields, keyFields: ["id"] }]);
    writeFileSync(folder.file("old.json"), table(["id", "string"], ["price", "decimal"]));
    writeFileSync(folder.file("new.json"), table(["id", "string"], ["price", "text"]));

    expect(await codegen(...from("old.json"), "--check")).toMatchObject({
      code: 1,
      notes: expect.stringContaining("is not there"),
    });
    expect(existsSync(out)).toBe(false);
    await codegen(...from("old.json"));
    const { mtimeNs } = statSync(out, { bigint: true });
    expect((await codegen(...from("old.json"))).out).toBe(
      `${out} is current (1 table of ${folder.file("old.json")})`,
    );
    expect(statSync(out, { bigint: true }).mtimeNs).toBe(mtimeNs);
    expect((await codegen(...from("old.json"), "--check")).code).toBe(0);

    const stale = await codegen(...from("new.json"), "--check");
    expect(stale.code).toBe(1);
    expect(stale.out).toContain("-  price: number | null;\n+  price: string | null;");
    expect(stale.notes).toContain("is not what the tables are now");
    expect(statSync(out, { bigint: true }).mtimeNs).toBe(mtimeNs);
    expect((await codegen(...from("new.json"))).out).toBe(
      `wrote ${out} (1 table of ${folder.file("new.json")})`,
    );
    expect((await codegen(...from("new.json"), "--check")).code).toBe(0);
  });

  test.each([
    ["a file that is not there", ["--schema", "nowhere.json"], "--schema"],
    ["a file of something else", ["--schema", join(import.meta.dir, "command.test.ts")], "--schema"],
    ["two places at once", ["--schema", join(FIXTURE, "schema.json"), "--ldb", "somewhere"], "--ldb"],
    ["a check of nothing", ["--schema", join(FIXTURE, "schema.json"), "--check"], "--out"],
    [
      "a folder that is not there",
      ["--schema", join(FIXTURE, "schema.json"), "--out", "no/where.ts"],
      "--out",
    ],
  ])("refuses %s as a fault of the command line", async (_, args, flag) => {
    const outcome = await codegen(...args);
    expect(outcome.code).toBe(2);
    expect(outcome.notes).toContain(flag);
  });
});
