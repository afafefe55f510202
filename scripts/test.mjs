#!/usr/bin/env node
/**
 * The whole test run: `node scripts/test.mjs [--deep]`. Its last line is "N passed, N failed"; exit code 1 on a failure.
 *
 * Lint, types and the builds of the npm packages count as one test each. A runner that crashes counts as a failure.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { BUN } from "./setup/bun.mjs";
import { ROOT } from "./setup/run.mjs";

const deep = process.argv.includes("--deep");
const bin = (name) => join(ROOT, "node_modules", ".bin", name);
const MINUTE_MS = 60_000;

/** 10,000 random histories on each ctldb (R50); the quick suite has a sample among its tests. */
const RANDOM_HISTORIES = {
  name: "random histories",
  command: [BUN, "run", join(ROOT, "tests", "simulation", "deep.ts")],
  counts: true,
  limitMs: 600 * MINUTE_MS,
};

/** `counts` tells a step that reports its own numbers of tests from one that counts as a single test. */
const STEPS = [
  { name: "lint", command: [bin("biome"), "check", "."], counts: false, limitMs: 3 * MINUTE_MS },
  { name: "types", command: [bin("tsc"), "--noEmit"], counts: false, limitMs: 5 * MINUTE_MS },
  {
    name: "tests on Bun",
    // Bun's own 5 s are too few for real processes on a busy machine; bunfig.toml cannot say so.
    command: [BUN, "test", "--timeout", String(deep ? 60 * MINUTE_MS : MINUTE_MS)],
    counts: true,
    limitMs: (deep ? 600 : 12) * MINUTE_MS,
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

/** Runs one step with its output shown, and returns the end of that output. */
function runStep({ command, limitMs }) {
  return new Promise((resolve) => {
    const [program, ...args] = command;
    const env = { ...process.env, ...(deep ? { CTLSTORE_TEST_DEEP: "1" } : {}) };
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    let tail = "";
    const show = (chunk) => {
      process.stdout.write(chunk);
      tail = (tail + chunk.toString("utf8")).slice(-1_000_000);
    };
    child.stdout.on("data", show);
    child.stderr.on("data", show);
    const timer = setTimeout(() => {
      console.log(`!! takes longer than ${limitMs / MINUTE_MS} minutes: killed`);
      child.kill("SIGKILL");
    }, limitMs);
    child.once("error", (error) => {
      console.log(`!! cannot run ${program}: ${error.message}`);
      clearTimeout(timer);
      resolve({ ok: false, tail });
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ ok: code === 0, tail });
    });
  });
}

/** The last number before the word in lines such as " 12 pass" (Bun) or "# pass 12" (Node's runner). */
function lastCount(text, word) {
  const matches = [...text.matchAll(new RegExp(`^ *(?:(\\d+) ${word}|[#ℹ] ${word} (\\d+))$`, "gm"))];
  const last = matches.at(-1);
  return last === undefined ? null : Number(last[1] ?? last[2]);
}

/** Passed and failed of one step; it never says that all is well when the runner says otherwise. */
function countsOf(step, { ok, tail }) {
  if (!step.counts) return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  const text = withoutColours(tail);
  const ours = [...text.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  const passed = ours === undefined ? lastCount(text, "pass") : Number(ours[1]);
  const failed = ours === undefined ? lastCount(text, "fail") : Number(ours[2]);
  if (passed === null) return { passed: [...text.matchAll(/^\(pass\) /gm)].length, failed: 1 };
  return { passed, failed: Math.max(failed ?? 0, ok && passed > 0 ? 0 : 1) };
}

function withoutColours(text) {
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}

const total = { passed: 0, failed: 0 };
const summary = [];
for (const step of STEPS) {
  console.log(`\n== ${step.name}`);
  const startMs = performance.now();
  const { passed, failed } = countsOf(step, await runStep(step));
  total.passed += passed;
  total.failed += failed;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  summary.push(
    `${failed === 0 ? "ok    " : "FAILED"} ${step.name}: ${passed} passed, ${failed} failed (${seconds} s)`,
  );
}
console.log(`\n== summary\n${summary.join("\n")}\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
