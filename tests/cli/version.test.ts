/** The commit that a version names: that of this very tree, or none. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { commitOf } from "../../cli/version.ts";
import { runProcess } from "../support/process.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

async function committed(folder: TempFolder): Promise<void> {
  writeFileSync(folder.file("file"), "text");
  const who = ["-c", "user.name=test", "-c", "user.email=test@example.org"];
  for (const args of [
    ["init", "-q"],
    ["add", "file"],
    [...who, "commit", "-q", "-m", "one"],
  ]) {
    const { code, stderr } = await runProcess(["git", "-C", folder.path, ...args]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
  }
}

describe.skipIf(Bun.which("git") === null)("the commit of a version", () => {
  test("is the working tree's, marked when a file differs", async () => {
    using folder = tempFolder();
    await committed(folder);
    expect(commitOf(folder.path)).toMatch(/^[0-9a-f]{40}$/);
    writeFileSync(folder.file("file"), "other text");
    expect(commitOf(folder.path)).toMatch(/^[0-9a-f]{40}-dirty$/);
  });

  test("is not known when the source was unpacked inside of another working tree, or outside of any", async () => {
    using folder = tempFolder();
    expect(commitOf(folder.path)).toBe("unknown");
    await committed(folder);
    mkdirSync(folder.file("unpacked"));
    expect(commitOf(folder.file("unpacked"))).toBe("unknown");
  });
});
