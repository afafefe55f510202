/** What can be said of EC2's user-data and the units without a host: size, syntax, hardening, and what is refused. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { UNITS_FOLDER, USER_DATA_PATH, userData, userDataText } from "./user-data.ts";

/** EC2 takes no more. */
const MOST_BYTES = 16_384;
/** systemd's scale from 0 to 10; below 2 is "OK", the best that it gives to a service with a network. */
const MOST_EXPOSURE = 2;
const UNITS = readdirSync(UNITS_FOLDER).filter((name) => name.endsWith(".service"));

const hasSystemd = Bun.which("systemd-analyze") !== null;
const hasShellcheck = Bun.which("shellcheck") !== null;

const SETTINGS = {
  binaryUrl: "https://releases.invalid/ctlstore-reflector?X-Amz-Signature=secret-signature",
  sha256: "0".repeat(64),
  reflector: { CTLSTORE_CTLDB: "sqlite:/nowhere.db", CTLSTORE_LDB: "/var/spool/ctlstore" },
};

describe("user-data", () => {
  test("fits into what EC2 takes, and holds the units as they are in deploy/systemd", () => {
    const text = userDataText();
    expect(Buffer.byteLength(text)).toBeLessThan(MOST_BYTES);
    for (const [mark, unit] of [
      ["UNIT", "ctlstore-reflector.service"],
      ["SIDECAR", "ctlstore-sidecar.service"],
    ] as const) {
      const [, embedded = ""] = new RegExp(`<<'${mark}'\n([\\s\\S]*?)^${mark}$`, "m").exec(text) ?? [];
      expect(embedded).toBe(readFileSync(join(UNITS_FOLDER, unit), "utf8"));
    }
  });

  test("is a script that bash can read", async () => {
    expect(await runProcess(["bash", "-n", USER_DATA_PATH])).toMatchObject({ code: 0, stderr: "" });
  });

  // Installed for the deep suite.
  test.skipIf(!hasShellcheck)("has nothing that shellcheck finds fault with", async () => {
    expect(await runProcess(["shellcheck", USER_DATA_PATH])).toMatchObject({ code: 0, stdout: "" });
  });

  test.skipIf(process.getuid?.() !== 0).each([
    ["no checksum", { ...SETTINGS, sha256: "" }, "64 hex digits"],
    ["a checksum in capitals", { ...SETTINGS, sha256: "A".repeat(64) }, "64 hex digits"],
    ["a binary that is nowhere", { ...SETTINGS, binaryUrl: "/root/binary" }, "BINARY_URL"],
    ["a wish for a sidecar that is none", { ...SETTINGS, sidecar: "true" }, "yes or no"],
    ["no ctldb", { ...SETTINGS, reflector: { CTLSTORE_LDB: "/ldb" } }, "CTLSTORE_CTLDB"],
    [
      "a relative LDB",
      { ...SETTINGS, reflector: { ...SETTINGS.reflector, CTLSTORE_LDB: "ldb" } },
      "an absolute path",
    ],
  ])("is refused before anything is changed when it has %s", async (_, settings, reason) => {
    using folder = tempFolder();
    // A run that got further would fail here, before it could change this machine.
    const script = `cd "$1"; set -- ; ${userData(settings).replace(/^exec 9>.*$/m, "exit 99")}`;
    const { code, stderr } = await runProcess(["bash", "-c", script, "bash", folder.path]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(reason) });
    expect(stderr).not.toContain("secret-signature");
  });
});

describe.skipIf(!hasSystemd).each(UNITS)("%s", (unit) => {
  test("is understood by systemd wholly", async () => {
    // The binary is not installed here; all else that systemd says would be a fault.
    const { stdout, stderr } = await runProcess([
      "systemd-analyze",
      "verify",
      "--man=no",
      join(UNITS_FOLDER, unit),
    ]);
    const faults = (stdout + stderr)
      .split("\n")
      .filter((line) => line.includes(unit) && !/is not executable: No such file/.test(line));
    expect(faults).toEqual([]);
  });

  test("leaves the service little that it could do beyond its work", async () => {
    const command = ["systemd-analyze", "security", "--offline=true", "--no-pager", join(UNITS_FOLDER, unit)];
    const { stdout } = await runProcess(command);
    const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? [];
    expect(Number(exposure)).toBeLessThan(MOST_EXPOSURE);
  });
});
