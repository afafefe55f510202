/** The import table stays true: who may know whom, which package is known where, and no cycles. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CLOSURE_RULES, COMPOSING_FOLDERS, FOLDER_RULES, PACKAGE_PLACES } from "./rules.ts";
import { scanImports } from "./scan-imports.ts";
import { findCycles, outsideModules, packageName, ROOT, readSourceTree, topFolder } from "./source-tree.ts";

const tree = readSourceTree();
const composing: readonly string[] = COMPOSING_FOLDERS;

function folderViolations(): string[] {
  const violations: string[] = [];
  for (const [file, imports] of tree) {
    const folder = topFolder(file);
    const rule = FOLDER_RULES[folder];
    if (rule === undefined) continue;
    for (const { file: target, typeOnly } of imports) {
      if (target === null || topFolder(target) === folder) continue;
      const to = topFolder(target);
      if (rule.may.includes(to) || (typeOnly && rule.types?.includes(to))) continue;
      if (target === "package.json") continue; // its version
      violations.push(`${file} imports ${target}`);
    }
  }
  return violations;
}

function packageViolations(): string[] {
  const violations: string[] = [];
  for (const [file, imports] of tree) {
    for (const { specifier, file: target } of imports) {
      const name = packageName(specifier);
      if (target !== null || (/^(node|bun):|^bun$/.test(name) && !(name in PACKAGE_PLACES))) continue;
      const places = PACKAGE_PLACES[name] ?? [];
      if (!places.some((place) => (place.endsWith("/") ? file.startsWith(place) : file === place)))
        violations.push(`${file} imports ${specifier}`);
    }
  }
  return violations;
}

describe("the source tree", () => {
  test("keeps the import table when a folder imports another", () => {
    expect(folderViolations()).toEqual([]);
  });

  test("knows each package in its one place only", () => {
    expect(packageViolations()).toEqual([]);
  });

  test("has no import cycle, types included", () => {
    expect(findCycles(tree)).toEqual([]);
  });

  test("imports only files that exist", () => {
    const missing = [...tree].flatMap(([file, imports]) =>
      imports
        .filter((one) => one.file !== null && !existsSync(join(ROOT, one.file)))
        .map((one) => `${file} imports ${one.specifier}`),
    );
    expect(missing).toEqual([]);
  });

  test("has a rule for every folder with TypeScript in it", () => {
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter(
        (entry) =>
          entry.isDirectory() && !/^(\.|node_modules$|dist$|data$|docs$|deploy$|examples$)/.test(entry.name),
      )
      .map((entry) => entry.name);
    expect(folders.filter((name) => !(name in FOLDER_RULES) && !composing.includes(name))).toEqual([]);
  });

  test.each(CLOSURE_RULES.map((rule) => [rule.root, rule] as const))(
    "%s reaches only what its runtimes have",
    (_, { root, allowed }) => {
      expect(outsideModules(tree, root).filter(({ specifier }) => !allowed.test(specifier))).toEqual([]);
    },
  );
});

describe("the import scanner", () => {
  test("finds every form, and nothing in comments and strings", () => {
    const source = [
      'import "a";',
      'import b from "b";',
      'import { type C, c } from "c";',
      'import type { D } from "d";',
      'import * as e from "e";',
      'export { f } from "f";',
      'export type { G } from "g";',
      'const h = await import("h");',
      'import {\n  i,\n  j,\n} from "i";',
      '// import "x1";',
      '/* import "x2"; */',
      'const text = `import "x3"`;',
      'const url = "http://x4"; const other = "from";',
      'export const from = "x5";',
    ].join("\n");
    expect(scanImports(source)).toEqual([
      { specifier: "a", typeOnly: false },
      { specifier: "b", typeOnly: false },
      { specifier: "c", typeOnly: false },
      { specifier: "d", typeOnly: true },
      { specifier: "e", typeOnly: false },
      { specifier: "f", typeOnly: false },
      { specifier: "g", typeOnly: true },
      { specifier: "h", typeOnly: false },
      { specifier: "i", typeOnly: false },
    ]);
  });

  test("misses no runtime import that Bun's own scanner finds", () => {
    const transpiler = new Bun.Transpiler({ loader: "ts" });
    const missed = [...tree.keys()].flatMap((file) => {
      const source = readFileSync(join(ROOT, file), "utf8").replace(/^#!.*/, "");
      const ours = new Set(scanImports(source).map(({ specifier }) => specifier));
      const theirs = transpiler.scanImports(source).filter(({ kind }) => /import/.test(kind));
      return theirs.filter(({ path }) => !ours.has(path)).map(({ path }) => `${file}: ${path}`);
    });
    expect(missed).toEqual([]);
  });
});

test("the set-up scripts need nothing but Node when nothing is installed yet", () => {
  const files = readdirSync(join(ROOT, "scripts"), { recursive: true, encoding: "utf8" });
  const outside = files
    .filter((file) => file.endsWith(".mjs"))
    .flatMap((file) => {
      const imports = scanImports(readFileSync(join(ROOT, "scripts", file), "utf8"));
      return imports
        .filter(({ specifier }) => !/^(\.|node:)/.test(specifier))
        .map((one) => `${file}: ${one.specifier}`);
    });
  expect(outside).toEqual([]);
});
