#!/usr/bin/env node
/**
 * Fetches runtimes into .cache/runtimes: `node scripts/runtimes/install.mjs [node24|node22|node20|deno]…`, all of them
 * unless named. Prints the binary of each. Does nothing for one that is there and runs.
 *
 * Each is made in a folder of its own and then moved into place, so that an interrupted or doubled run leaves nothing
 * half-made.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { RUNTIMES } from "./runtimes.mjs";

const READY_FILE = "ready.json";
/** Node 20's addon takes about a minute to build, and several on a busy machine. */
const COMMAND_LIMIT_MS = 10 * 60_000;

function recipe(runtime) {
  return JSON.stringify([runtime.packages, runtime.addon ?? null]);
}

function isReady(runtime) {
  const ready = join(runtime.folder, READY_FILE);
  return existsSync(ready) && readFileSync(ready, "utf8") === recipe(runtime) && existsSync(runtime.binary);
}

function run(what, command, options = {}) {
  const result = spawnSync(command[0], command.slice(1), {
    encoding: "utf8",
    timeout: COMMAND_LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (result.status === 0) return result.stdout.trim();
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim().split("\n").slice(-20).join("\n");
  throw new Error(`Cannot ${what}: ${result.error?.message ?? `it ended with ${result.status}`}\n${output}`);
}

/** --ignore-scripts: what packages would run on their own is prebuilt downloads from outside npm. */
function npmInstall(runtime, folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const packages = [...runtime.packages, ...(runtime.addon?.packages ?? [])];
  const flags = ["--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefix", folder];
  run(`install ${packages.join(" ")} from npm`, ["npm", "install", ...flags, ...packages]);
}

function buildAddon(runtime, folder) {
  const moved = (path) => join(folder, relative(runtime.folder, path));
  const gyp = join(folder, "node_modules", "node-gyp", "bin", "node-gyp.js");
  run(
    `build ${runtime.addon.name} for ${runtime.name} (it needs python3, make and g++)`,
    [moved(runtime.binary), gyp, "rebuild", "--release", `--nodedir=${moved(runtime.home)}`],
    { cwd: join(folder, "node_modules", runtime.addon.name) },
  );
}

function install(runtime) {
  const folder = `${runtime.folder}.making-${process.pid}`;
  rmSync(folder, { recursive: true, force: true });
  try {
    npmInstall(runtime, folder);
    if (runtime.addon !== undefined) buildAddon(runtime, folder);
    writeFileSync(join(folder, READY_FILE), recipe(runtime));
    rmSync(runtime.folder, { recursive: true, force: true });
    try {
      renameSync(folder, runtime.folder);
    } catch (error) {
      // Another run was faster.
      if (!isReady(runtime)) throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(RUNTIMES);
try {
  for (const name of wanted) {
    const runtime = RUNTIMES[name];
    if (runtime === undefined) {
      throw new Error(`Cannot install ${name}: it must be one of ${Object.keys(RUNTIMES).join(", ")}`);
    }
    if (!isReady(runtime)) {
      process.stderr.write(`runtimes: fetching ${name}…\n`);
      install(runtime);
      run(`run ${name}`, [runtime.binary, "--version"]);
    }
    process.stdout.write(`${name} ${runtime.binary}\n`);
  }
} catch (error) {
  process.stderr.write(`runtimes: ${error.message}\n`);
  process.exit(1);
}
