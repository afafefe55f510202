/**
 * Runs the steps of a test run one after the other, shows what they write, and counts what they say.
 *
 * The last line is "N passed, N failed". A runner that crashes counts as a failure, and so does a secret of the tests in
 * anything that was written (R45).
 */
import { spawn } from "node:child_process";
import { SecretScan } from "./secret-scan.mjs";

export const MINUTE_MS = 60_000;

/** Runs one step with its output shown, and returns the end of that output. */
function runStep({ command, limitMs }, { cwd, env, findings }) {
  return new Promise((resolve) => {
    const [program, ...args] = command;
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let tail = "";
    for (const stream of [child.stdout, child.stderr]) {
      const scan = new SecretScan(findings);
      stream.setEncoding("utf8").on("data", (text) => {
        process.stdout.write(text);
        scan.push(text);
        tail = (tail + text).slice(-1_000_000);
      });
      stream.on("end", () => scan.end());
    }
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

/** The secrets that were found, as a step that passes when there are none. */
function countsOfScan(findings) {
  if (findings.length === 0) return { passed: 1, failed: 0 };
  console.log("\n== secrets of the tests that were written where everybody can read them");
  for (const line of findings) console.log(`  ${line}`);
  return { passed: 0, failed: 1 };
}

/**
 * `counts` tells a step that reports its own numbers of tests from one that counts as a single test.
 * @param steps `{ name, command, counts, limitMs }`
 * @returns the exit code
 */
export async function runSteps(steps, { cwd, env = process.env }) {
  const total = { passed: 0, failed: 0 };
  const summary = [];
  const add = (name, { passed, failed }, startMs) => {
    total.passed += passed;
    total.failed += failed;
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    const verdict = failed === 0 ? "ok    " : "FAILED";
    summary.push(`${verdict} ${name}: ${passed} passed, ${failed} failed (${seconds} s)`);
  };
  const findings = [];
  for (const step of steps) {
    console.log(`\n== ${step.name}`);
    const startMs = performance.now();
    add(step.name, countsOf(step, await runStep(step, { cwd, env, findings })), startMs);
  }
  const startMs = performance.now();
  add("no secret in the output (R45)", countsOfScan(findings), startMs);
  console.log(`\n== summary\n${summary.join("\n")}\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}
