/**
 * The binaries for arm64, built on another machine: what they are, and that they run, under QEMU.
 *
 * Deep: Bun for the other processor is a download of 50 MB, and QEMU comes with scripts/setup/arm64.mjs.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Writer } from "../../client/index.ts";
import { openReader } from "../../reader/index.ts";
import { makeStoryTable, STORY_WRITER } from "../pipeline/story.ts";
import { binaryOf, TEST_COMMIT } from "../support/binaries.ts";
import { runProcess, startProcess } from "../support/process.ts";
import { ROOT, startExecutiveService } from "../support/services.ts";
import { isDeep } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { ELF_MACHINES, headOf, machineOf } from "./elf.ts";

const ARM64_ROOT = join(ROOT, ".cache", "arm64");
const QEMU = ["qemu-aarch64-static", "-L", ARM64_ROOT];
const hasQemu = Bun.which("qemu-aarch64-static") !== null && existsSync(join(ARM64_ROOT, "complete"));

describe.skipIf(!isDeep).each(["ctlstore-reflector", "ctlstore"] as const)("%s for arm64", (program) => {
  test("is an ELF file of that machine when it is built on another", async () => {
    const { path } = await binaryOf(program, "arm64");
    expect(machineOf(headOf(path, 64))).toBe(ELF_MACHINES.arm64);
  });

  test.skipIf(!hasQemu)("says what it is and was built from", async () => {
    const { path } = await binaryOf(program, "arm64");
    const { code, stdout } = await runProcess([...QEMU, path, "--version", "--json"]);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({
      code: 0,
      commit: TEST_COMMIT,
      target: "linux-arm64",
    });
  });
});

test.skipIf(!(isDeep && hasQemu))(
  "the Reflector for arm64 applies a ledger and ends well on SIGTERM",
  async () => {
    using folder = tempFolder();
    const ctldb = `sqlite:${folder.file("ctldb.db")}`;
    const executive = await startExecutiveService(ctldb);
    await using _executive = executive.process;
    await makeStoryTable(executive.url);
    const writer = new Writer({ url: executive.url, ...STORY_WRITER });
    const { sequence } = await writer.write([{ table: "rows", values: { id: 1, text: "é" } }]);
    const { path } = await binaryOf("ctlstore-reflector", "arm64");
    const ldb = folder.file("ldb");
    await using reflector = startProcess([...QEMU, path, "--ctldb", ctldb, "--ldb", ldb]);
    await reflector.waitForOutput(/Reflector writes/, 60_000);
    using reader = openReader({ path: ldb });
    await reader.waitFor(sequence, { timeoutMs: 60_000 });
    expect(reader.getRowByKey("story", "rows", 1)).toEqual({ id: 1, text: "é" });
    reflector.signal("SIGTERM");
    expect(await reflector.exited).toEqual({ code: 0, signal: null });
  },
  180_000,
);
