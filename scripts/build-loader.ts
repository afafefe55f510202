/**
 * Builds the loader as an npm package of its own: `bun run scripts/build-loader.ts [FOLDER]`, dist/npm/loader unless told.
 * One bundle for Node, the mapping file's JSON schema, README, licence; the Kafka client, an addon, is its one dependency.
 *
 * `--bundle-only` renews the bundle and nothing else, for whoever runs it from the source.
 */
import { chmodSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { commitOf } from "../cli/version.ts";
import { mappingJsonSchema } from "../loader/mapping/json-schema.ts";
import rootPackage from "../package.json" with { type: "json" };

const ROOT = resolve(import.meta.dir, "..");
const DEFAULT_FOLDER = join(ROOT, "dist", "npm", "loader");
const KAFKA_CLIENT = "@confluentinc/kafka-javascript";
const ENTRY = "main.js";

/** Our sources that the loader must do without: they are for Bun, or would only make it larger. */
const WITHOUT = [
  "server/",
  "ctldb/",
  "ldb/drivers/",
  "reader/",
  "reflector/",
  "verify/",
  "node_modules/elysia/",
];

/** Puts the bundle into a folder; whoever runs the one that is there meanwhile keeps it. */
export async function bundleLoader(folder: string): Promise<void> {
  const result = await Bun.build({
    entrypoints: [join(ROOT, "cli", "loader-main.ts")],
    root: ROOT,
    target: "node",
    format: "esm",
    external: [KAFKA_CLIENT],
    metafile: true,
    define: {
      CTLSTORE_BUILD_COMMIT: JSON.stringify(commitOf(ROOT)),
      CTLSTORE_BUILD_TARGET: JSON.stringify("node"),
    },
    throw: false,
  });
  const [artifact] = result.outputs;
  if (!result.success || artifact === undefined) {
    throw new Error(`Cannot bundle the loader:\n${result.logs.map(String).join("\n")}`);
  }
  refuseUnwanted(Object.keys(result.metafile?.inputs ?? {}));
  mkdirSync(folder, { recursive: true });
  const path = join(folder, ENTRY);
  const work = `${path}.${process.pid}`;
  writeFileSync(work, withShebang(await artifact.text()));
  chmodSync(work, 0o755);
  renameSync(work, path);
}

function withShebang(text: string): string {
  return text.startsWith("#!") ? text : `#!/usr/bin/env node\n${text}`;
}

function refuseUnwanted(files: readonly string[]): void {
  const unwanted = files.filter((file) => WITHOUT.some((folder) => file.startsWith(folder)));
  if (unwanted.length > 0) throw new Error(`The loader's bundle must do without ${unwanted.join(", ")}`);
}

function packageJson(): object {
  return {
    name: "ctlstore-loader",
    version: rootPackage.version,
    description: "Loads Debezium change events from Kafka into ctlstore, each exactly once.",
    keywords: ["ctlstore", "control data", "kafka", "debezium", "cdc"],
    license: rootPackage.license,
    type: "module",
    engines: { node: ">=20.10" },
    bin: { "ctlstore-loader": `./${ENTRY}` },
    exports: {
      "./mapping.schema.json": "./mapping.schema.json",
      "./package.json": "./package.json",
    },
    files: [ENTRY, "mapping.schema.json"],
    dependencies: { [KAFKA_CLIENT]: rootPackage.optionalDependencies[KAFKA_CLIENT] },
  };
}

/** Builds the package into a folder, replacing what is there. */
export async function buildLoaderPackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await bundleLoader(folder);
  const writeJson = (name: string, value: unknown) =>
    writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  writeJson("package.json", packageJson());
  writeJson("mapping.schema.json", mappingJsonSchema());
  cpSync(join(ROOT, "scripts", "loader-package", "README.md"), join(folder, "README.md"));
  cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { "bundle-only": { type: "boolean" } },
    allowPositionals: true,
  });
  const folder = resolve(positionals[0] ?? DEFAULT_FOLDER);
  await (values["bundle-only"] === true ? bundleLoader(folder) : buildLoaderPackage(folder));
  console.log(`built ctlstore-loader ${rootPackage.version} in ${relative(process.cwd(), folder) || "."}`);
}
