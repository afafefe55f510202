/** The search for secrets of the tests finds them: one that finds nothing would let every leak pass (R45). */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SecretScan } from "../../scripts/test/secret-scan.mjs";
import { runProcess } from "./process.ts";
import { testSecret } from "./secrets.ts";
import { ROOT } from "./services.ts";
import { type TempFolder, tempFolder } from "./temp-folder.ts";

/** Ways in which a secret may be told, as the body of a test; SECRET is one. */
const TOLD: Readonly<Record<string, string>> = {
  "stdout of": `await runProcess(["printf", "%s", "a line with " + SECRET]);`,
  "stderr of": `await runProcess(["sh", "-c", "echo " + SECRET + " >&2"]);`,
  "a JSON answer": `Response.json({ error: { message: SECRET } });`,
  "the body of an answer": `await new Response("no " + SECRET).text();`,
  "stdout of sh": `const child = startProcess(["sh", "-c", "printf '%s begun' " + SECRET + "; exec sleep 60"]);
    await child.waitForOutput(/begun/);
    await child.kill();`,
  "stdout of node": `await runProcess(["node", "-e", "console.log(process.argv[1])", SECRET]);`,
  "stderr of sh": `await runProcess(["sh", "-c", "echo " + TOKEN + " >&2"]);`,
  metrics: `const metrics = createMetrics();
    metrics.counter("c", "help", ["user"]).inc({ user: SECRET });
    await metrics.render();`,
  "an error": `assertNoSecretInError(new Error("Cannot", { cause: new Error(SECRET) }));`,
};

/** Runs tests of these bodies in a process of their own, as `bun test` does it here. */
async function runTests(folder: TempFolder, bodies: readonly string[]) {
  const from = (path: string) => JSON.stringify(join(ROOT, path));
  const tests = bodies.map((body, i) => `test("number ${i}", async () => {\n${body}\n});`);
  const source = `import { test } from "bun:test";
    import { createMetrics } from ${from("core/process/metrics.ts")};
    import { assertNoSecretInError } from ${from("tests/support/leaks.ts")};
    import { runProcess, startProcess } from ${from("tests/support/process.ts")};
    const SECRET = ${JSON.stringify(testSecret("planted"))};
    const TOKEN = "ctl_" + "x".repeat(43);
    void [TOKEN, createMetrics, assertNoSecretInError, runProcess, startProcess, SECRET];
    ${tests.join("\n")}`;
  writeFileSync(folder.file("planted.test.ts"), source);
  const preload = join(ROOT, "tests", "support", "preload.ts");
  const command = [process.execPath, "test", "--preload", preload, "./planted.test.ts"];
  return runProcess(command, { cwd: folder.path, mayTellSecrets: true });
}

test("R45 a test run fails, and says where, when a secret of the tests is told in any of these ways", async () => {
  using folder = tempFolder("leaks");
  const { code, stderr } = await runTests(folder, Object.values(TOLD));
  expect(stderr).toContain(`${Object.keys(TOLD).length} pass`);
  for (const where of Object.keys(TOLD)) expect(stderr).toContain(`a secret of the tests is in ${where}`);
  expect(stderr).toContain("secrets of the tests were told");
  expect(code).not.toBe(0);
});

test("R45 a test run passes when secrets are used and not told", async () => {
  using folder = tempFolder("leaks");
  const kept = [
    `await runProcess(["cat"], { input: SECRET, mayTellSecrets: true });`,
    `await runProcess(["true"], { env: { TOKEN: SECRET } });`,
    `Response.json({ error: { message: "no" } });`,
    `Response.json({ token: TOKEN });`,
    `await runProcess(["echo", TOKEN]);`,
    `await runProcess(["sh", "-c", "echo " + TOKEN + "x >&2"]);`,
  ];
  const { code, stderr } = await runTests(folder, kept);
  expect(stderr).toContain(`${kept.length} pass`);
  expect(code).toBe(0);
});

test("R45 the whole run counts one failure more when any of its steps writes a secret of the tests", async () => {
  using folder = tempFolder("leaks");
  const run = async (text: string) => {
    const steps = [{ name: "step", command: ["printf", "%s", text], counts: false, limitMs: 60_000 }];
    const module = JSON.stringify(join(ROOT, "scripts", "test", "run-steps.mjs"));
    writeFileSync(
      folder.file("run.mjs"),
      `import { runSteps } from ${module};
       process.exitCode = await runSteps(${JSON.stringify(steps)}, { cwd: "/" });`,
    );
    const { code, stdout } = await runProcess(["node", folder.file("run.mjs")], { mayTellSecrets: true });
    return { code, last: stdout.trimEnd().split("\n").at(-1) };
  };
  expect(await run("all is well")).toEqual({ code: 0, last: "2 passed, 0 failed" });
  expect(await run(`password=${testSecret("planted")}`)).toEqual({ code: 1, last: "1 passed, 1 failed" });
});

test("R45 a secret is found when it comes in pieces", () => {
  const scan = new SecretScan();
  for (const piece of `a line\nanother with ${testSecret("x")} in it`) scan.push(piece);
  expect(scan.end()).toHaveLength(1);
});
