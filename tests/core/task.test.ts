/** A task in a child process of our own: its answers, its failures, its end. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runTask } from "../../core/process/task.ts";
import { startProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

const command = [process.execPath, join(import.meta.dir, "task-child.ts")];
const never = new AbortController().signal;
const run = (name: string, input: unknown = null, signal = never, onProgress?: (value: unknown) => void) =>
  runTask({ command, name, input, signal, ...(onProgress === undefined ? {} : { onProgress }) });

describe("a task", () => {
  test("answers with what it was given when it ends well", async () => {
    const seen: unknown[] = [];
    const input = { text: 'a "b"\n🙂', list: [1, null] };
    expect(await run("echo", input, never, (value) => seen.push(value))).toEqual(input);
    expect(seen).toEqual([1, 2]);
  });

  test("rejects with the code and the hint of its failure", async () => {
    await expect(run("fail")).rejects.toMatchObject({
      code: "snapshot_damaged",
      message: "Cannot do it",
      details: { hint: "try" },
    });
  });

  test("rejects when it dies without an answer, is unknown, or cannot be started", async () => {
    await expect(run("die")).rejects.toMatchObject({
      code: "internal",
      message: expect.stringMatching("SIGKILL"),
    });
    await expect(run("nothing")).rejects.toMatchObject({ code: "internal" });
    const call = { command: ["/no/such/program"], name: "echo", input: null, signal: never };
    await expect(runTask(call)).rejects.toMatchObject({
      code: "internal",
      message: expect.stringMatching("ENOENT"),
    });
  });

  test("ends with its parent when that is killed while it talks", async () => {
    await using parent = startProcess([process.execPath, join(import.meta.dir, "task-parent.ts")]);
    const [, pid = ""] = await parent.waitForOutput(/child (\d+)/);
    parent.signal("SIGKILL");
    await until(() => !existsSync(`/proc/${pid}`), { what: "the end of the child" });
    await parent.exited;
  });

  test("ends with a parent that goes without waiting for it, also when it hears nothing", async () => {
    await using parent = startProcess([process.execPath, join(import.meta.dir, "task-leaver.ts")]);
    const [, pid = ""] = await parent.waitForOutput(/child (\d+)/);
    expect(await parent.exited).toEqual({ code: 0, signal: null });
    await until(() => !existsSync(`/proc/${pid}`), { what: "the end of the child" });
  });

  test("may write what is no message", async () => {
    expect(await run("noisy")).toBe("well");
  });

  test("is asked to stop, then killed, when its caller gives up", async () => {
    for (const name of ["wait", "stubborn"]) {
      const stopping = new AbortController();
      const running = run(name, null, stopping.signal, () => stopping.abort(new Error("enough")));
      await expect(running).rejects.toThrow("enough");
    }
  }, 20_000);
});
