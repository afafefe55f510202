/** The project's TypeScript files with what each imports; paths are relative to the root, with slashes. */

import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { Glob } from "bun";
import { COMPOSING_FOLDERS, FOLDER_RULES } from "./rules.ts";
import { type FoundImport, scanImports } from "./scan-imports.ts";

export const ROOT = join(import.meta.dir, "..", "..");

export interface ResolvedImport extends FoundImport {
  /** Path of one of our files, or null for a module of others. */
  readonly file: string | null;
}

export type SourceTree = ReadonlyMap<string, readonly ResolvedImport[]>;

/** Everything in the folders that the rules name, tests and scripts left out. */
export function readSourceTree(): SourceTree {
  const tree = new Map<string, ResolvedImport[]>();
  const folders = [...Object.keys(FOLDER_RULES), ...COMPOSING_FOLDERS].filter((name) => name !== "tests");
  for (const folder of folders) {
    for (const path of new Glob(`${folder}/**/*.ts`).scanSync({ cwd: ROOT })) {
      const file = path.replaceAll("\\", "/");
      tree.set(file, resolveAll(file, scanImports(readFileSync(join(ROOT, file), "utf8"))));
    }
  }
  return tree;
}

function resolveAll(file: string, imports: readonly FoundImport[]): ResolvedImport[] {
  return imports.map((found) => ({
    ...found,
    file: found.specifier.startsWith(".") ? posix.join(posix.dirname(file), found.specifier) : null,
  }));
}

/** The folder at the top that a file is in. */
export function topFolder(file: string): string {
  return file.split("/")[0] ?? "";
}

/** `@scope/name` or `name` of a specifier such as `name/deep/path`; modules of a runtime keep their prefix. */
export function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
}

/** Files in import cycles, each cycle once, as "a → b → a". Imports of types count: a cycle of ideas is one too. */
export function findCycles(tree: SourceTree): string[] {
  const cycles = new Set<string>();
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const at = path.indexOf(file);
    if (at >= 0) cycles.add([...path.slice(at), file].join(" → "));
    if (at >= 0 || finished.has(file)) return;
    path.push(file);
    for (const { file: target } of tree.get(file) ?? []) if (target !== null) visit(target);
    path.pop();
    finished.add(file);
  };
  for (const file of tree.keys()) visit(file);
  return [...cycles];
}

/** Modules of others that a file reaches at run time, each with the file that imports it. */
export function outsideModules(tree: SourceTree, root: string): { specifier: string; from: string }[] {
  const seen = new Set<string>();
  const found: { specifier: string; from: string }[] = [];
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const one of tree.get(file) ?? []) {
      if (one.typeOnly) continue;
      if (one.file !== null) visit(one.file);
      else found.push({ specifier: one.specifier, from: file });
    }
  };
  visit(root);
  return found;
}
