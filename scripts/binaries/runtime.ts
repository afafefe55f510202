/**
 * Bun's own executable for another machine, which a compiled binary consists of: from npm, in the version that builds,
 * checked against package-lock.json and kept under .cache/.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import lock from "../../package-lock.json" with { type: "json" };
import { type Architecture, ROOT } from "./programs.ts";

const PACKAGES: Readonly<Record<Architecture, string>> = {
  x64: "@oven/bun-linux-x64",
  arm64: "@oven/bun-linux-aarch64",
};

const NPM_LIMIT_MS = 5 * 60_000;

/** Path of the executable; the one that runs now when it is for that machine. */
export function bunExecutableFor(architecture: Architecture, progress: (text: string) => void): string {
  if (process.platform === "linux" && process.arch === architecture) return process.execPath;
  const folder = join(ROOT, ".cache", "bun", `${Bun.version}-linux-${architecture}`);
  const executable = join(folder, "bun");
  if (existsSync(executable)) return executable;
  progress(`fetching Bun ${Bun.version} for linux-${architecture} (50 MB)`);
  // Complete or not there at all: a build that is interrupted fetches again.
  const work = `${folder}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const archive = fetchPackage(PACKAGES[architecture], work);
    run(["tar", "-xzf", archive, "-C", work, "--strip-components=2", "package/bin/bun"]);
    chmodSync(join(work, "bun"), 0o755);
    rmSync(archive);
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return executable;
}

function fetchPackage(name: string, folder: string): string {
  const output = run([
    "npm",
    "pack",
    `${name}@${Bun.version}`,
    "--pack-destination",
    folder,
    "--loglevel=error",
  ]);
  const archive = join(folder, output.trim().split("\n").at(-1) ?? "");
  const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  const wanted = lockedIntegrity(name);
  if (found !== wanted) {
    throw new Error(`Cannot use ${name} ${Bun.version}: it is ${found}; package-lock.json wants ${wanted}`);
  }
  return archive;
}

function lockedIntegrity(name: string): string {
  const packages: Readonly<Record<string, { version?: string; integrity?: string }>> = lock.packages;
  const { version, integrity } = packages[`node_modules/${name}`] ?? {};
  if (version === Bun.version && integrity !== undefined) return integrity;
  throw new Error(
    `Cannot build with Bun ${Bun.version}: package-lock.json has ${name} ${version ?? "not at all"}; build with \`npm run build\``,
  );
}

function run(command: readonly string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync([...command], { cwd: ROOT, timeout: NPM_LIMIT_MS });
  if (!success) throw new Error(`${command.join(" ")} failed:\n${stderr.toString()}`);
  return stdout.toString();
}
