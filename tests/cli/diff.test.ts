/** `ctlstore diff` as people and scripts use it: what it shows, exit codes, single tables, two local databases. */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { ALL_COMMANDS, GROUPS } from "../../cli/all-commands.ts";
import { runCommandLine } from "../../cli/run.ts";
import { changeText } from "../../cli/stored-text.ts";
import { count, request, upsert } from "../ctldb/fixture.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { changeFile, makeWorld, SQLITE, type World } from "../verify/world.ts";
import { fakeContext } from "./fake-context.ts";

setDefaultTimeout(30_000);

async function run(...args: readonly string[]) {
  const context = fakeContext();
  const code = await runCommandLine(["diff", ...args], context, { commands: ALL_COMMANDS, groups: GROUPS });
  return { code, out: context.outLines, notes: context.noteLines.join("\n") };
}

const ofCtldb = (world: World) => ["--ldb", world.ldbFolder, "--ctldb", world.url, "--timeout", "0"];

async function aWorld(): Promise<World> {
  const world = await makeWorld(SQLITE);
  const row = upsert("all_types", { k1: "日本\u001b[2J", k2: "9223372036854775807", t: "here", b: "AP8=" });
  await world.ctldb.write(request([row, count("one", 1), count("two", 2)]));
  await world.reflect();
  return world;
}

describe("ctlstore diff", () => {
  test("D9 exits 0 with one line when all is equal", async () => {
    await using world = await aWorld();
    const { code, out, notes } = await run(...ofCtldb(world));
    expect({ code, notes }).toEqual({ code: 0, notes: "" });
    expect(out).toEqual([
      expect.stringMatching(/^equal: 2 tables, 3 rows; the LDB at (\d+), the ctldb at \1$/),
    ]);
  });

  test("D9 exits 1 and shows key, field, old and new value of what differs, and nothing of what does not", async () => {
    await using world = await aWorld();
    world.changeLdb(
      "UPDATE fam___all_types SET t = 'wrong', b = x'00'",
      "DELETE FROM fam___counts WHERE name = 'two'",
      "INSERT INTO fam___counts VALUES ('stranger', 1)",
    );
    const { code, out, notes } = await run(...ofCtldb(world));
    expect(code).toBe(1);
    expect(notes).toBe("ctlstore: 2 of 2 tables differ");
    expect(out).toEqual([
      expect.stringMatching(/^- the LDB at \d+$/),
      expect.stringMatching(/^\+ the ctldb at \d+$/),
      "",
      "fam/all_types: 1 with other values; 1 rows in the LDB, 1 in the ctldb",
      `~ k1="日本\\u001b[2J" k2=9223372036854775807  t: "wrong" → "here"; b: x'00' → x'00ff'`,
      "",
      "fam/counts: 1 only in the LDB, 1 only in the ctldb; 2 rows in the LDB, 2 in the ctldb",
      '- name="stranger"  count=1',
      '+ name="two"  count=2',
    ]);
    const few = await run(...ofCtldb(world), "--differences", "1");
    expect(few.out.slice(-2)).toEqual(['- name="stranger"  count=1', "  and 1 more (--differences)"]);
  });

  test("D9 compares the tables that are named and no others", async () => {
    await using world = await aWorld();
    world.changeLdb("UPDATE fam___counts SET count = 7 WHERE name = 'one'");
    expect(await run("fam/all_types", ...ofCtldb(world))).toMatchObject({ code: 0 });
    const { code, out, notes } = await run("FAM/counts", "fam/all_types", ...ofCtldb(world));
    expect({ code, notes }).toEqual({ code: 1, notes: "ctlstore: 1 of 2 tables differs" });
    expect(out.at(-1)).toBe('~ name="one"  count: 7 → 1');
    const unknown = await run("fam/nothing", ...ofCtldb(world));
    expect(unknown.code).toBe(1);
    expect(unknown.notes).toMatch(/"fam\/nothing": neither side .*\[unknown_table\]/);
    expect((await run("nothing", ...ofCtldb(world))).code).toBe(2);
  });

  test("D9 says of tables that are on one side only, or not alike, how they are", async () => {
    await using world = await aWorld();
    world.changeLdb("DROP TABLE fam___counts", "ALTER TABLE fam___all_types ADD COLUMN extra TEXT");
    const { code, out } = await run(...ofCtldb(world));
    expect(code).toBe(1);
    expect(out).toContain("fam/counts: only in the ctldb");
    expect(out.find((line) => line.startsWith("fam/all_types"))).toMatch(
      /schema differs: .*extra.* in the LDB, .* in the ctldb$/,
    );
  });

  test("D9 I12 prints every table with its digests, and exact values with their storage class, as JSON", async () => {
    await using world = await aWorld();
    world.changeLdb("UPDATE fam___all_types SET t = x'41'", "DELETE FROM fam___counts WHERE name = 'two'");
    const { code, out } = await run(...ofCtldb(world), "--json");
    expect(code).toBe(1);
    expect(out).toHaveLength(1);
    const report = JSON.parse(out[0] ?? "");
    expect(report).toMatchObject({ equal: false, warnings: [] });
    const [types, counts] = report.tables;
    expect(types.differences.shown).toEqual([
      {
        kind: "different",
        key: {
          k1: { storage: "text", value: "日本\u001b[2J" },
          k2: { storage: "integer", value: "9223372036854775807" },
        },
        fields: { t: { ldb: { storage: "blob", bytes: "QQ==" }, other: { storage: "text", value: "here" } } },
      },
    ]);
    expect(counts.differences.shown).toMatchObject([
      { kind: "missing", other: { count: { storage: "integer", value: 2 } } },
    ]);
    expect(counts.ldb.digest).not.toBe(counts.other.digest);
  });

  test("exits 2 when nothing is given to compare with", async () => {
    const { code, notes } = await run("--ldb", "x");
    expect(code).toBe(2);
    expect(notes).toContain("--with-ldb");
  });
});

describe("ctlstore diff of two local databases", () => {
  /** The LDB's file as it is now, beside it. */
  function copyOf(world: World, folder: ReturnType<typeof tempFolder>): string {
    changeFile(join(world.ldbFolder, "ldb.db"), ["PRAGMA wal_checkpoint(TRUNCATE)"]);
    const path = folder.file("copied.db");
    cpSync(join(world.ldbFolder, "ldb.db"), path, { dereference: true });
    return path;
  }

  test("D9 I8 are equal when they are at one sequence, and differ when a row was changed in one", async () => {
    await using world = await aWorld();
    using folder = tempFolder("diff");
    const copy = copyOf(world, folder);
    const flags = ["--ldb", world.ldbFolder, "--with-ldb", copy];
    const equal = await run(...flags);
    expect(equal).toMatchObject({ code: 0, notes: "" });
    expect(equal.out).toEqual([
      expect.stringMatching(/^equal: 2 tables, 3 rows; the LDB at (\d+), the other at \1$/),
    ]);
    changeFile(copy, ["UPDATE fam___counts SET count = 9 WHERE name = 'one'"]);
    const { code, out } = await run(...flags);
    expect(code).toBe(1);
    expect(out.slice(2)).toEqual([
      "",
      "fam/counts: 1 with other values; 2 rows in the LDB, 2 in the other",
      '~ name="one"  count: 1 → 9',
    ]);
    expect(await run("fam/all_types", ...flags)).toMatchObject({ code: 0 });
  });

  test("are compared as they are, with a warning, when they stay at different sequences", async () => {
    await using world = await aWorld();
    using folder = tempFolder("diff");
    const copy = copyOf(world, folder);
    await world.ctldb.write(request([count("three", 3)]));
    await world.reflect();
    const { code, out, notes } = await run("--ldb", world.ldbFolder, "--with-ldb", copy, "--timeout", "0");
    expect(code).toBe(1);
    expect(notes).toMatch(/warning: the LDBs are at \d+ and \d+/);
    expect(out.at(-1)).toBe('- name="three"  count=3');
  });

  test("are refused when they follow different ctldbs, or one is not there", async () => {
    await using world = await aWorld();
    await using stranger = await aWorld();
    const foreign = await run("--ldb", world.ldbFolder, "--with-ldb", stranger.ldbFolder);
    expect(foreign).toMatchObject({ code: 1, notes: expect.stringContaining("[ledger_epoch_mismatch]") });
    const absent = await run("--ldb", world.ldbFolder, "--with-ldb", join(world.ldbFolder, "nothing"));
    expect(absent).toMatchObject({ code: 1, notes: expect.stringContaining("[ldb_not_found]") });
  });
});

describe("a change of a value", () => {
  test("is shown where it is when two long values begin alike", () => {
    const long = "x".repeat(500);
    expect(changeText(`${long}a`, `${long}b`)).toBe(`…${"x".repeat(12)}a" → …${"x".repeat(12)}b"`);
    expect(changeText("a", "b")).toBe('"a" → "b"');
    expect(changeText(null, 5n)).toBe("null → 5");
    expect(changeText(5, 5n)).toBe("5e+0 → 5");
    expect(changeText("", long)).toBe(`"" → "${"x".repeat(58)}…`);
  });
});
