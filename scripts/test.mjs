#!/usr/bin/env node
/**
 * The whole test run: `node scripts/test.mjs [--deep]`. Its last line is "N passed, N failed"; exit code 1 on a failure.
 *
 * Lint, types and the builds of the npm packages count as one test each, and so does that no secret of the tests was
 * written anywhere (scripts/test/run-steps.mjs).
 */
import { join } from "node:path";
import { BUN } from "./setup/bun.mjs";
import { ROOT } from "./setup/run.mjs";
import { MINUTE_MS, runSteps } from "./test/run-steps.mjs";

const deep = process.argv.includes("--deep");
const bin = (name) => join(ROOT, "node_modules", ".bin", name);

/** 10,000 random histories on each ctldb (R50); the quick suite has a sample among its tests. */
const RANDOM_HISTORIES = {
  name: "random histories",
  command: [BUN, "run", join(ROOT, "tests", "simulation", "deep.ts")],
  counts: true,
  limitMs: 600 * MINUTE_MS,
};

const STEPS = [
  { name: "lint", command: [bin("biome"), "check", "."], counts: false, limitMs: 3 * MINUTE_MS },
  { name: "types", command: [bin("tsc"), "--noEmit"], counts: false, limitMs: 5 * MINUTE_MS },
  {
    name: "tests on Bun",
    // Bun's own 5 s are too few for real processes on a busy machine; bunfig.toml cannot say so.
    command: [BUN, "test", "--timeout", String(deep ? 60 * MINUTE_MS : MINUTE_MS)],
    counts: true,
    limitMs: (deep ? 600 : 20) * MINUTE_MS,
  },
  {
    name: "build of the reader package",
    command: [BUN, "run", join(ROOT, "scripts", "build-reader.ts")],
    counts: false,
    limitMs: 3 * MINUTE_MS,
  },
  {
    name: "build of the loader package",
    command: [BUN, "run", join(ROOT, "scripts", "build-loader.ts")],
    counts: false,
    limitMs: 3 * MINUTE_MS,
  },
  ...(deep ? [RANDOM_HISTORIES] : []),
];

const env = { ...process.env, ...(deep ? { CTLSTORE_TEST_DEEP: "1" } : {}) };
process.exitCode = await runSteps(STEPS, { cwd: ROOT, env });
