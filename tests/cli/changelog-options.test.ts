/** The Reflector's flags about its changelog, and a Reflector that is started with them. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { CHANGELOG_OPTIONS, changelogOf } from "../../cli/changelog-options.ts";
import { resolveOptions } from "../../cli/options.ts";
import { CHANGELOG_LIMITS } from "../../core/limits.ts";
import { parsedLines } from "../reflector/changelog/harness.ts";
import { freePort } from "../support/free-port.ts";
import { startProcess } from "../support/process.ts";
import { ctlstore } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

function given(flags: Readonly<Record<string, readonly string[]>>, environment = {}) {
  return changelogOf(resolveOptions(CHANGELOG_OPTIONS, flags, environment));
}

const DEFAULTS = { fileBytes: CHANGELOG_LIMITS.fileBytes.default, files: CHANGELOG_LIMITS.files.default };

describe("the changelog's options", () => {
  test("ask for none when none is given, nor by a size alone", () => {
    expect(given({})).toBeUndefined();
    expect(given({ "changelog-bytes": ["1MiB"] })).toBeUndefined();
  });

  test("ask for one by the switch, by a path, and by the environment", () => {
    expect(given({ changelog: [] })).toEqual(DEFAULTS);
    expect(given({ "changelog-path": ["a.log"] })).toEqual({ path: "a.log", ...DEFAULTS });
    expect(given({}, { CTLSTORE_CHANGELOG: "true", CTLSTORE_CHANGELOG_FILES: "9" })).toEqual({
      ...DEFAULTS,
      files: 9,
    });
    expect(given({ changelog: [], "changelog-bytes": ["64KiB"] })).toEqual({
      ...DEFAULTS,
      fileBytes: 65_536,
    });
  });

  test("are refused when they are out of bounds", () => {
    for (const [flag, text] of [
      ["changelog-bytes", "100"],
      ["changelog-bytes", "1TiB"],
      ["changelog-bytes", "many"],
      ["changelog-files", "0"],
    ] as const) {
      expect(() => given({ changelog: [], [flag]: [text] })).toThrow(`--${flag}`);
    }
  });
});

test("a Reflector that is started with --changelog writes one and tells of it", async () => {
  using folder = tempFolder("changelog-cli");
  const port = await freePort();
  const command = ctlstore(
    "reflector",
    ...["--ctldb", `sqlite:${folder.file("ctldb.db")}`, "--ldb", folder.file("ldb"), "--changelog"],
    ...["--bind", `127.0.0.1:${port}`, "--poll-interval-ms", "10"],
  );
  await using _reflector = startProcess(command);
  const path = folder.file("ldb", "change.log");
  await until(() => existsSync(path), { what: "a changelog" });
  const [header] = parsedLines(path);
  const status = await until(async () => (await fetch(`http://127.0.0.1:${port}/status`)).json(), {
    what: "an answer",
  });
  expect(status).toMatchObject({
    changelog: { path, history: header?.["history"], firstSequence: 0, sequence: 0, files: 1 },
  });
});
