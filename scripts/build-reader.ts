/**
 * Builds the reader as an npm package of its own: `bun run scripts/build-reader.ts [FOLDER]`, dist/npm/reader unless
 * told. Bundled JavaScript for Bun and for Node and Deno, types, README, licence; no dependencies.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import rootPackage from "../package.json" with { type: "json" };

const ROOT = resolve(import.meta.dir, "..");

const ENTRIES = [
  { source: "reader/index.ts", output: "bun.js", target: "bun" },
  { source: "reader/node.ts", output: "node.js", target: "node" },
] as const;

async function bundle(folder: string): Promise<void> {
  for (const { source, output, target } of ENTRIES) {
    const result = await Bun.build({
      entrypoints: [join(ROOT, source)],
      target,
      format: "esm",
      throw: false,
    });
    const [artifact] = result.outputs;
    if (!result.success || artifact === undefined) {
      throw new Error(`Cannot bundle ${source}:\n${result.logs.map(String).join("\n")}`);
    }
    writeFileSync(join(folder, output), await artifact.text());
  }
}

/** Declarations of everything that the reader's entry reaches; returns the folder that holds them. */
function emitDeclarations(workFolder: string): string {
  const output = join(workFolder, "types");
  const configPath = join(workFolder, "tsconfig.json");
  const config = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: ROOT,
      outDir: output,
      typeRoots: [join(ROOT, "node_modules", "@types")],
    },
    include: [],
    files: ENTRIES.map(({ source }) => join(ROOT, source)),
  };
  writeFileSync(configPath, JSON.stringify(config));
  const compiler = join(ROOT, "node_modules", ".bin", "tsc");
  const result = Bun.spawnSync([compiler, "-p", configPath], { cwd: ROOT });
  if (!result.success) throw new Error(`Cannot emit types:\n${result.stdout}${result.stderr}`);
  return output;
}

const RELATIVE_IMPORT = /((?:from|import)\s*\(?\s*)"(\.{1,2}\/[^"]+)\.ts"/g;

/** Copies a declaration file and the ones that it imports; the driver's types stay behind, since none is public. */
function copyReachable(from: string, to: string, file: string, done = new Set<string>()): void {
  if (done.has(file)) return;
  done.add(file);
  const text = readFileSync(join(from, file), "utf8");
  const target = join(to, file);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text.replace(RELATIVE_IMPORT, '$1"$2.js"'));
  for (const [, , path = ""] of text.matchAll(RELATIVE_IMPORT)) {
    copyReachable(from, to, relative(from, join(from, dirname(file), `${path}.d.ts`)), done);
  }
}

function writeTypes(folder: string): void {
  const workFolder = mkdtempSync(join(tmpdir(), "ctlstore-types-"));
  try {
    copyReachable(emitDeclarations(workFolder), join(folder, "types"), join("reader", "index.d.ts"));
  } finally {
    rmSync(workFolder, { recursive: true, force: true });
  }
  const entry = join(folder, "types", "reader", "index.d.ts");
  // `Disposable` is not in every consumer's library yet.
  writeFileSync(entry, `/// <reference lib="esnext.disposable" />\n${readFileSync(entry, "utf8")}`);
}

function packageJson(): object {
  return {
    name: "ctlstore-reader",
    version: rootPackage.version,
    description:
      "Reads ctlstore's local database (LDB) on Bun, Node and Deno, in microseconds. No dependencies.",
    keywords: ["ctlstore", "control data", "configuration", "sqlite", "bun"],
    license: rootPackage.license,
    type: "module",
    sideEffects: false,
    engines: { node: ">=20.10", bun: ">=1.4" },
    types: "./types/reader/index.d.ts",
    exports: {
      ".": {
        types: "./types/reader/index.d.ts",
        bun: "./bun.js",
        deno: "./node.js",
        node: "./node.js",
        default: "./node.js",
      },
      "./package.json": "./package.json",
    },
    files: ["bun.js", "node.js", "types"],
    peerDependencies: { "better-sqlite3": ">=12" },
    peerDependenciesMeta: { "better-sqlite3": { optional: true } },
  };
}

/** Builds the package into a folder, replacing what is there. */
export async function buildReaderPackage(folder: string): Promise<void> {
  if (existsSync(folder)) rmSync(folder, { recursive: true });
  mkdirSync(folder, { recursive: true });
  await bundle(folder);
  writeTypes(folder);
  cpSync(join(ROOT, "scripts", "reader-package", "README.md"), join(folder, "README.md"));
  cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageJson(), null, 2)}\n`);
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(ROOT, "dist", "npm", "reader"));
  await buildReaderPackage(folder);
  console.log(`built ctlstore-reader ${rootPackage.version} in ${relative(process.cwd(), folder) || "."}`);
}
