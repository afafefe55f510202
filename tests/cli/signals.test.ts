/** How services end (D20): the first signal drains and exits 0, the second exits at once, echoes of the first do not count. */
import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";

const CHILD = new URL("./stopping-child.ts", import.meta.url).pathname;

async function startChild(kind: string) {
  const child = startProcess([process.execPath, CHILD, kind]);
  await child.waitForOutput(/ready/);
  return child;
}

describe("a service", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("D20 exits 0 when it gets %s once", async (signal) => {
    await using child = await startChild("quick");
    child.signal(signal);
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });

  test("exits at once with 130 when a second SIGINT comes while it drains", async () => {
    await using child = await startChild("never");
    child.signal("SIGINT");
    await child.waitForOutput(/stopping/);
    const firstMs = performance.now();
    const repeat = setInterval(() => child.signal("SIGINT"), 50);
    const exit = await child.exited.finally(() => clearInterval(repeat));
    expect(exit.code).toBe(130);
    // What came right after the first was its echo by npm, the launcher and the terminal.
    expect(performance.now() - firstMs).toBeGreaterThan(200);
  });

  test("exits 1 with one line when it is a command that had not done its work", async () => {
    using folder = tempFolder();
    mkdirSync(folder.file("store"));
    const program = join(import.meta.dir, "..", "..", "cli", "main.ts");
    const snapshots = pathToFileURL(folder.file("store")).href;
    const options = ["--ctldb", `sqlite:${folder.file("none.db")}`, "--ldb", folder.file("ldb"), "--once"];
    await using child = startProcess([
      process.execPath,
      program,
      "supervisor",
      "--snapshots",
      snapshots,
      ...options,
    ]);
    await child.waitForOutput(/reflector started/);
    child.signal("SIGTERM");
    expect((await child.exited).code).toBe(1);
    expect(child.stderr).toContain("ctlstore: stopped by SIGTERM\n");
    expect(child.stderr).not.toContain("    at ");
  });

  test("exits 1 with the reason when a part of it cannot go on", async () => {
    await using child = startProcess([process.execPath, CHILD, "fatal"]);
    expect((await child.exited).code).toBe(1);
    expect(child.stderr).toContain("cannot go on");
  });
});
