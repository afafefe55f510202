/** `ctlstore ldb verify` as scripts use it: exit codes, JSON, and what it shows of values. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { ALL_COMMANDS, GROUPS } from "../../cli/all-commands.ts";
import { runCommandLine } from "../../cli/run.ts";
import { fakeContext } from "../cli/fake-context.ts";
import { count, request, upsert } from "../ctldb/fixture.ts";
import { makeWorld, SQLITE, type World } from "./world.ts";

setDefaultTimeout(30_000);

async function run(...args: readonly string[]) {
  const context = fakeContext();
  const code = await runCommandLine(["ldb", "verify", ...args], context, {
    commands: ALL_COMMANDS,
    groups: GROUPS,
  });
  return { code, out: context.outLines, notes: context.noteLines.join("\n") };
}

function runOn(world: World, ...args: readonly string[]) {
  return run("--ldb", world.ldbFolder, "--ctldb", world.url, "--timeout", "0", ...args);
}

async function aWorld(): Promise<World> {
  const world = await makeWorld(SQLITE);
  const row = upsert("all_types", { k1: "a\u0000b", k2: "9223372036854775807", t: "here", b: "AP8=" });
  await world.ctldb.write(request([row, count("one", 1), count("two", 2)]));
  await world.reflect();
  return world;
}

describe("ctlstore ldb verify", () => {
  test("D9 exits 0 with a line for each table when all is equal", async () => {
    await using world = await aWorld();
    const { code, out, notes } = await runOn(world);
    expect({ code, notes }).toEqual({ code: 0, notes: "" });
    expect(out[0]).toMatch(/^TABLE +ROWS IN LDB +ROWS IN CTLDB +DIGEST +RESULT$/);
    expect(out.slice(1)).toEqual([
      expect.stringMatching(/^fam\/all_types +1 +1 +[0-9a-f]{16} +equal$/),
      expect.stringMatching(/^fam\/counts +2 +2 +[0-9a-f]{16} +equal$/),
    ]);
  });

  test("D9 exits 1 and shows keys and names of fields, and no value, when rows differ", async () => {
    await using world = await aWorld();
    world.changeLdb(
      "UPDATE fam___all_types SET t = 'wrong', b = x'00'",
      "DELETE FROM fam___counts WHERE name = 'two'",
    );
    const { code, out, notes } = await runOn(world);
    expect(code).toBe(1);
    expect(notes).toContain("2 of 2 tables differ");
    expect(out.slice(3)).toEqual([
      'fam/all_types different k1="a\\u0000b" k2=9223372036854775807 in t, b',
      'fam/counts missing name="two"',
    ]);
    const withValues = await runOn(world, "--values");
    expect(withValues.code).toBe(1);
    expect(withValues.out.at(3)).toEndWith(
      `in t: "wrong" in the LDB, "here" in the ctldb; b: x'00' in the LDB, x'00ff' in the ctldb`,
    );
    expect((await runOn(world, "--differences", "0")).out.slice(3)).toEqual([
      "fam/all_types and 1 more",
      "fam/counts and 1 more",
    ]);
  });

  test("D9 I12 prints the whole report as JSON, with values only when asked, when it is told to", async () => {
    await using world = await aWorld();
    world.changeLdb("UPDATE fam___all_types SET t = x'41'");
    const { code, out } = await runOn(world, "--json");
    expect(code).toBe(1);
    expect(out).toHaveLength(1);
    const report = JSON.parse(out[0] ?? "");
    expect(report).toMatchObject({ equal: false, passes: 1, warnings: [] });
    expect(report.ldbSequence).toBe(report.headSequence);
    const [types, counts] = report.tables;
    const digest = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(counts).toEqual({
      family: "fam",
      table: "counts",
      status: "equal",
      ldb: { rows: 2, digest },
      ctldb: { rows: 2, digest },
      differences: null,
      changing: 0,
      reason: null,
    });
    expect(types.differences).toEqual({
      missing: 0,
      extra: 0,
      different: 1,
      shown: [
        {
          kind: "different",
          key: {
            k1: { storage: "text", value: "a\u0000b" },
            k2: { storage: "integer", value: "9223372036854775807" },
          },
          fields: ["t"],
        },
      ],
    });
    const [shown] = JSON.parse((await runOn(world, "--json", "--values")).out[0] ?? "").tables[0].differences
      .shown;
    expect(shown.ldb.t).toEqual({ storage: "blob", bytes: "QQ==" });
    expect(shown.ctldb.t).toEqual({ storage: "text", value: "here" });
    expect(shown.ctldb.d).toEqual({ storage: "null" });
  });

  test("exits 1 with the code of the error when there is nothing to compare", async () => {
    await using world = await aWorld();
    const nowhere = await run("--ldb", `${world.ldbFolder}-not`, "--ctldb", world.url);
    expect(nowhere.code).toBe(1);
    expect(nowhere.notes).toContain("[ldb_not_found]");
    const noCtldb = await run("--ldb", world.ldbFolder, "--ctldb", `sqlite:${world.ldbFolder}/ldb.db`);
    expect(noCtldb.code).toBe(1);
    expect(noCtldb.notes).toContain("[ctldb_unavailable]");
  });

  test("exits 2 and names the flag when the command line is wrong", async () => {
    for (const args of [[], ["--ctldb", "nonsense"], ["--ctldb", "sqlite:x", "--timeout", "-1"]]) {
      const { code, notes } = await run("--ldb", "x", ...args);
      expect(code).toBe(2);
      expect(notes).toMatch(/--(ctldb|timeout)/);
    }
  });
});
