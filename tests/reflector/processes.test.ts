/** Reflectors as real processes: two on one folder, and one that the machine stops for a while. */
import { describe, expect, test } from "bun:test";
import { startProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { query, reflect } from "./harness.ts";
import { MemoryLedger } from "./memory-ledger.ts";

const CHILD = new URL("./ticking-child.ts", import.meta.url).pathname;

function startTicking(ldbFolder: string) {
  return startProcess([process.execPath, CHILD, ldbFolder]);
}

async function urlOf(child: ReturnType<typeof startTicking>): Promise<string> {
  return (await child.waitForOutput(/listening (\S+)/))[1] ?? "";
}

async function statusAt(url: string): Promise<{ state: string; sequence: number }> {
  return (await fetch(`${url}/status`)).json();
}

describe("a Reflector process", () => {
  test("R17 ends with ldb_locked, naming the other, when one writes the folder already; SIGKILL frees it", async () => {
    using folder = tempFolder();
    await using first = startTicking(folder.path);
    await urlOf(first);
    await using second = startTicking(folder.path);
    const exit = await second.exited;
    expect(exit.code).not.toBe(0);
    expect(second.stderr).toContain("ldb_locked");
    expect(second.stderr).toMatch(/process \d+ on /);
    await expect(reflect(new MemoryLedger(), folder.path)).rejects.toMatchObject({ code: "ldb_locked" });
    await first.kill();
    await using third = startTicking(folder.path);
    await urlOf(third);
  });

  test("R20 goes on by itself when it was stopped with SIGSTOP for a while and continued", async () => {
    using folder = tempFolder();
    await using child = startTicking(folder.path);
    const url = await urlOf(child);
    await until(async () => (await statusAt(url)).state === "current", { what: "the child to be current" });
    child.signal("SIGSTOP");
    const readSequence = () => query<{ seq: number }>(folder.path, "SELECT seq FROM _ldb_seq")[0]?.seq ?? 0;
    const stoppedAt = performance.now();
    const frozen = readSequence();
    await until(() => performance.now() - stoppedAt > 3_000, { what: "three seconds in which it is frozen" });
    expect(readSequence()).toBe(frozen); // I15: and it can be read
    child.signal("SIGCONT");
    await until(async () => (await statusAt(url)).sequence > frozen + 5, { what: "the child to go on" });
    expect((await statusAt(url)).state).toBe("current");
  });
});
