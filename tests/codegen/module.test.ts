/** The module that codegen writes: its names, its order, its form, and how a check compares it. */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { differenceLines, isSameModule } from "../../codegen/difference.ts";
import { type ModuleOptions, typedReaderModule } from "../../codegen/module.ts";
import { typeNames } from "../../codegen/names.ts";
import type { ModuleTable } from "../../codegen/table.ts";
import { runProcess } from "../support/process.ts";
import { seededRandom, suiteSeed } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { LOADED_WORDS, longNamedTables, randomTables } from "./sample-tables.ts";

const ROOT = join(import.meta.dir, "..", "..");
const BIOME = join(ROOT, "node_modules", ".bin", "biome");
const OPTIONS: ModuleOptions = {
  integers: "number",
  readerModule: "ctlstore-reader",
  command: "ctlstore codegen",
};

function table(path: string, fields: ModuleTable["fields"], ...keyFields: string[]): ModuleTable {
  const [family = "", name = ""] = path.split("/");
  return { family, table: name, fields, keyFields };
}

const ID = { name: "id", type: "integer" } as const;
const NOTE = { name: "note", type: "text" } as const;
const CODE = { name: "code", type: "string" } as const;

describe("the module", () => {
  test("is the same text when tables come in another order and fields were added in another", () => {
    const one = [table("shop/items", [ID, NOTE, CODE], "code", "id"), table("shop/carts", [ID], "id")];
    const other = [table("shop/carts", [ID], "id"), table("shop/items", [CODE, ID, NOTE], "code", "id")];
    const module = typedReaderModule(one, OPTIONS);
    expect(typedReaderModule(other, OPTIONS)).toBe(module);
    expect(module).not.toMatch(/\d{4}-\d\d-\d\d/);
    const otherKey = [table("shop/carts", [ID], "id"), table("shop/items", [CODE, ID, NOTE], "id", "code")];
    expect(typedReaderModule(otherKey, OPTIONS)).not.toBe(module);
  });

  test("has bigints in its rows when it is made for them, and takes both in keys in any case", () => {
    const tables = [table("shop/items", [ID, { name: "stock", type: "integer" }], "id")];
    const module = typedReaderModule(tables, { ...OPTIONS, integers: "bigint" });
    expect(module).toContain("  id: bigint;\n  stock: bigint | null;\n");
    expect(module).toContain("[id: number | bigint]");
    expect(module).toContain('integers: "bigint"');
  });

  test("is refused when there is no table, and for a table that no key can be given for", () => {
    expect(() => typedReaderModule([], OPTIONS)).toThrow(expect.objectContaining({ code: "unknown_table" }));
    for (const keyFields of [[], ["gone"], ["note"]]) {
      const broken = table("shop/items", [ID, NOTE], ...keyFields);
      expect(() => typedReaderModule([broken], OPTIONS)).toThrow(
        expect.objectContaining({ code: "invalid_schema" }),
      );
    }
  });

  test("names types in PascalCase, and exactly where two tables would share a name", () => {
    const names = (...paths: string[]) => typeNames(paths.map((path) => table(path, [ID], "id")));
    expect(names("shop/order_lines", "x1y/a_2b")).toEqual(["ShopOrderLines", "X1yA2b"]);
    expect(names("ab/c_de", "ab_c/de", "ab/other")).toEqual(["Ab___c_de", "Ab_c___de", "AbOther"]);
    expect(names("ab/c_1", "ab/c1")).toEqual(["Ab___c_1", "Ab___c1"]);
  });

  test("names no two types alike whatever legal names there are", () => {
    const seed = suiteSeed();
    const tables = randomTables(seededRandom(seed), 2_000);
    expect(new Set(typeNames(tables)).size, `seed ${seed}`).toBe(tables.length);
  });

  test("passes biome as it comes, and the strictest compiler, whatever legal names there are", async () => {
    const seed = suiteSeed();
    using folder = tempFolder("codegen");
    const fields = LOADED_WORDS.map((name) => ({ name, type: "string" as const }));
    const words = table("words/all", fields, ...LOADED_WORDS.slice(0, 16));
    const module = typedReaderModule(
      [words, ...longNamedTables(), ...randomTables(seededRandom(seed), 100)],
      {
        ...OPTIONS,
        readerModule: join(ROOT, "reader", "index.ts"),
      },
    );
    writeFileSync(folder.file("module.ts"), module);
    writeFileSync(folder.file("biome.json"), '{ "formatter": { "indentStyle": "space" } }');
    const config = {
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: { typeRoots: [join(ROOT, "node_modules", "@types")] },
      files: ["module.ts"],
      include: [],
      exclude: [],
    };
    writeFileSync(folder.file("tsconfig.json"), JSON.stringify(config));
    const [lint, compile] = await Promise.all([
      runProcess([BIOME, "check", "module.ts"], { cwd: folder.path }),
      runProcess([join(ROOT, "node_modules", ".bin", "tsc"), "-p", folder.path]),
    ]);
    expect(compile.stdout, `seed ${seed}`).toBe("");
    expect({ code: lint.code, errors: lint.stderr }, `seed ${seed}`).toMatchObject({ code: 0 });
  });
});

describe("a check of the module", () => {
  const tables = [table("shop/items", [ID, NOTE, CODE], "code", "id"), table("shop/carts", [ID, NOTE], "id")];
  const module = typedReaderModule(tables, OPTIONS);

  test("takes it however it is formatted", async () => {
    using folder = tempFolder("codegen");
    writeFileSync(folder.file("module.ts"), module);
    const config = {
      formatter: { indentStyle: "tab", lineWidth: 320 },
      javascript: { formatter: { quoteStyle: "single", semicolons: "asNeeded", trailingCommas: "none" } },
    };
    writeFileSync(folder.file("biome.json"), JSON.stringify(config));
    const { code, stderr } = await runProcess([BIOME, "format", "--write", "module.ts"], {
      cwd: folder.path,
    });
    expect(code, stderr).toBe(0);
    const formatted = readFileSync(folder.file("module.ts"), "utf8");
    expect(formatted).not.toBe(module);
    expect(isSameModule(formatted, module)).toBe(true);
    const more = typedReaderModule([...tables, table("shop/users", [ID], "id")], OPTIONS);
    expect(differenceLines(formatted, more).filter((line) => /^[-+]/.test(line))).toContain(
      "+export interface ShopUsersRow {",
    );
  });

  test("finds each change of the tables, and shows it with what is around it", () => {
    const changed = [table("shop/items", [ID, CODE], "code", "id"), table("shop/carts", [ID, NOTE], "id")];
    const next = typedReaderModule(changed, OPTIONS);
    expect(isSameModule(module, next)).toBe(false);
    const lines = differenceLines(module, next);
    expect(lines).toContain("-  note: string | null;");
    expect(lines).toContain('-        note: "text",');
    expect(lines.filter((line) => line.startsWith("+"))).toEqual([
      expect.stringMatching(/^\+ {2}fingerprint: "[0-9a-f]{32}",$/),
    ]);
    expect(lines).toContain("…");
    expect(lines[0]).not.toBe("…");
    expect(lines.length).toBeLessThan(25);
  });

  test("finds every pair of different tables different", () => {
    const random = seededRandom(suiteSeed());
    const modules = Array.from({ length: 200 }, () => typedReaderModule(randomTables(random, 1), OPTIONS));
    for (const [i, one] of modules.entries()) {
      const other = modules[i - 1] ?? "";
      expect(isSameModule(one, other)).toBe(one === other);
    }
  });
});
