/** Importing a file does nothing: only the entry points start anything. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { runProcess } from "../support/process.ts";
import { ROOT, readSourceTree, topFolder } from "./source-tree.ts";

const ENTRY_POINTS = ["cli/main.ts", "cli/reflector-main.ts", "cli/loader-main.ts", "snapshot/tasks/main.ts"];

test("no file but the entry points prints, keeps the process or throws when it is imported", async () => {
  const files = [...readSourceTree().keys()].filter(
    (file) => topFolder(file) !== "scripts" && !ENTRY_POINTS.includes(file),
  );
  expect(files.length).toBeGreaterThan(50);
  const script = files.map((file) => `await import(${JSON.stringify(join(ROOT, file))});`).join("\n");
  const { code, stdout, stderr } = await runProcess([process.execPath, "-e", script], { cwd: ROOT });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
});
