/** The file that is there while the host is ready. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { silentLogger } from "../../../core/process/logger.ts";
import { ReadyFile } from "../../../reflector/readiness/ready-file.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { HEALTHY, LAGGING, observed, UNREADY } from "./observed.ts";
import { recordingLogger } from "./recording-logger.ts";

describe("the ready file", () => {
  test("is there exactly while the host is ready, also when it is unhealthy", async () => {
    using folder = tempFolder();
    const path = folder.file("run", "ready");
    const file = new ReadyFile(path, { logger: silentLogger });
    const shown = [UNREADY, HEALTHY, LAGGING, UNREADY, HEALTHY].map((readiness) => {
      file.show(readiness, observed());
      return existsSync(path);
    });
    expect(shown).toEqual([false, true, true, false, true]);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
      pid: process.pid,
      sequence: 7,
      readySinceUs: 1,
    });
    await file.stop();
    expect(readdirSync(folder.file("run"))).toEqual([]);
    await file.stop();
  });

  test("of an earlier life is gone when the next one begins", () => {
    using folder = tempFolder();
    writeFileSync(folder.file("ready"), "left behind");
    new ReadyFile(folder.file("ready"), { logger: silentLogger });
    expect(existsSync(folder.file("ready"))).toBeFalse();
  });

  test("is written at a later look when it could not be at first, which is said once", () => {
    using folder = tempFolder();
    const { logger, lines } = recordingLogger();
    const file = new ReadyFile(folder.file("ready"), { logger });
    mkdirSync(folder.file("ready.tmp")); // stands for a full disk: nothing can be written there
    for (let i = 0; i < 3; i++) file.show(HEALTHY, observed());
    expect(lines.map(({ level }) => level)).toEqual(["error"]);
    rmdirSync(folder.file("ready.tmp"));
    file.show(HEALTHY, observed());
    expect(existsSync(folder.file("ready"))).toBeTrue();
  });

  test.each([
    ["a folder has its name", (base: string) => base],
    ["its folder is a file", (base: string) => `${base}/file/ready`],
  ])("is refused as config_invalid, naming the flag, when %s", (_, pathIn) => {
    using folder = tempFolder();
    writeFileSync(folder.file("file"), "");
    const make = () => new ReadyFile(pathIn(folder.path), { logger: silentLogger });
    expect(make).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        details: expect.objectContaining({ hint: expect.stringContaining("--ready-file") }),
      }),
    );
  });
});
