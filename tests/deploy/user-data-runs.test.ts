/**
 * Runs of EC2's user-data that are cut off, or follow others, in folders of the test and with a stand-in for systemd:
 * what it would do to a host without one. The real thing is tests/deploy/ec2.test.ts.
 */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter } from "node:path";
import { runProcess } from "../support/process.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { userData } from "./user-data.ts";

/** `state` is what the service is in, `next` what it comes to when it is started, `killed-at` a call that ends the script. */
const SYSTEMCTL = `#!/bin/bash
cd "$FAKE" || exit 1
echo "$1" >>calls
case $* in *ctlstore-sidecar*) echo "$1" >>sidecar-calls; exit ;; esac
if [ "$1" = "$(cat killed-at 2>/dev/null)" ]; then rm killed-at; kill -9 $PPID; sleep 1; exit 1; fi
case $1 in
  is-active) [ "$(cat state)" = active ] ;;
  stop) echo inactive >state ;;
  start) if [ -e "$OPT/current/bad" ]; then echo failed >state; else echo active >state; fi ;;
  show) case $3 in ActiveState) cat state ;; NRestarts) echo 0 ;; *) echo ;; esac ;;
esac
`;

const CURL = `#!/bin/bash
while [ "$1" != --output ]; do shift; done
cp "$FAKE/release" "$2"
`;

class FakeHost implements Disposable {
  readonly folder: TempFolder = tempFolder("user-data");

  constructor() {
    for (const name of ["fake", "opt", "etc/systemd/system", "bin"])
      mkdirSync(this.folder.file(name), { recursive: true });
    writeFileSync(this.folder.file("fake/state"), "inactive\n");
    this.program("systemctl", SYSTEMCTL);
    this.program("curl", CURL);
    this.program("journalctl", "#!/bin/bash\n");
  }

  program(name: string, text: string): void {
    writeFileSync(this.folder.file(`bin/${name}`), text);
    chmodSync(this.folder.file(`bin/${name}`), 0o755);
  }

  /** The script dies at this call of systemctl. */
  killAt(call: string): void {
    writeFileSync(this.folder.file("fake/killed-at"), call);
  }

  /** Calls of systemctl since the last look. */
  calls(): string[] {
    const path = this.folder.file("fake/calls");
    const calls = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
    rmSync(path, { force: true });
    return calls;
  }

  get binary(): string {
    return readFileSync(this.folder.file("opt/current/ctlstore-reflector"), "utf8");
  }

  /** @param version of the binary; "bad" never becomes ready */
  async run({
    version = "1",
    ctldb = "sqlite:/nowhere.db",
    sidecar = "no",
    edit = (text: string) => text,
  } = {}) {
    const binary = `#!/bin/bash\n[ ${version} != bad ] || touch "$(dirname "$0")/bad"\necho version ${version}\n`;
    writeFileSync(this.folder.file("fake/release"), binary);
    const script = userData({
      binaryUrl: "https://releases.invalid/ctlstore-reflector",
      sha256: createHash("sha256").update(binary).digest("hex"),
      readyLimitSeconds: 1,
      sidecar,
      reflector: { CTLSTORE_CTLDB: ctldb, CTLSTORE_LDB: this.folder.file("ldb") },
    })
      .replace(/^HOME_DIR=.*$/m, `HOME_DIR=${this.folder.file("opt")}`)
      .replace(/^SETTINGS_FILE=.*$/m, `SETTINGS_FILE=${this.folder.file("etc/reflector.env")}`)
      .replace(/^UNIT_FILE=.*$/m, `UNIT_FILE=${this.folder.file("etc/systemd/system")}/$UNIT`)
      .replace(/^SERVICE_USER=.*$/m, "SERVICE_USER=root")
      .replace(/^SIDECAR_FILE=.*$/m, `SIDECAR_FILE=${this.folder.file("etc/systemd/system")}/$SIDECAR_UNIT`)
      .replace(/^SIDECAR_USER=.*$/m, "SIDECAR_USER=root")
      .replace(/^RETRY_SECONDS=.*$/m, "RETRY_SECONDS=0")
      .replace(/^ {2}exec 9>.*$/m, `  exec 9>${this.folder.file("lock")}`);
    // A bash whose input is a socket, as Bun's pipes are, takes itself for a remote one and reads the user's .bashrc.
    const { code, stderr } = await runProcess(["bash", "--norc", "-c", edit(script)], {
      env: {
        FAKE: this.folder.file("fake"),
        OPT: this.folder.file("opt"),
        PATH: `${this.folder.file("bin")}${delimiter}${process.env["PATH"]}`,
      },
    });
    return { code, output: stderr };
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

describe.skipIf(process.getuid?.() !== 0)("user-data", () => {
  test("restarts the service when nothing but its unit is another one", async () => {
    using host = new FakeHost();
    expect(await host.run()).toMatchObject({ code: 0, output: expect.stringContaining("ready") });
    expect(await host.run()).toMatchObject({ code: 0, output: expect.stringContaining("nothing to do") });
    host.calls();
    const edit = (text: string) => text.replace("TimeoutStopSec=60", "TimeoutStopSec=61");
    expect(await host.run({ edit })).toMatchObject({ code: 0, output: expect.stringContaining("ready:") });
    expect(host.calls()).toContain("daemon-reload");
  });

  test.each(["enable", "daemon-reload", "stop"])(
    "finishes what a run that was killed at systemctl %s had begun",
    async (call) => {
      using host = new FakeHost();
      await host.run();
      host.killAt(call);
      expect(await host.run({ version: "2" })).not.toMatchObject({ code: 0 });
      host.calls();
      expect(await host.run({ version: "2" })).toMatchObject({ code: 0 });
      expect(host.calls()).toContain("start");
      expect(host.binary).toContain("version 2");
    },
  );

  test.each(["enable", "stop", "start"])(
    "goes back to what ran before although a run was killed at systemctl %s in between",
    async (call) => {
      using host = new FakeHost();
      await host.run();
      host.killAt(call);
      await host.run({ version: "bad" });
      const { code, output } = await host.run({ version: "bad" });
      expect({ code, output }).toEqual({
        code: 1,
        output: expect.stringContaining("the former one runs again"),
      });
      expect(host.binary).toContain("version 1");
    },
  );

  test("runs a sidecar when it is told to, again after each change, and none any more when it is told not to", async () => {
    using host = new FakeHost();
    const unit = host.folder.file("etc/systemd/system/ctlstore-sidecar.service");
    const calls = () => readFileSync(host.folder.file("fake/sidecar-calls"), "utf8").trim().split("\n");
    expect(await host.run({ sidecar: "yes" })).toMatchObject({ code: 0 });
    expect(calls()).toEqual(["enable", "restart"]);
    expect(readFileSync(`${unit}.d/50-ldb.conf`, "utf8")).toContain(
      `CTLSTORE_LDB=${host.folder.file("ldb")}\n`,
    );
    expect((await host.run({ sidecar: "yes" })).output).toContain("nothing to do");
    expect(await host.run({ sidecar: "yes", version: "2" })).toMatchObject({ code: 0 });
    expect(calls()).toEqual(["enable", "restart", "enable", "start", "enable", "restart"]);
    expect(await host.run({ version: "2" })).toMatchObject({ code: 0 });
    expect(calls().at(-1)).toBe("disable");
    expect(existsSync(unit)).toBe(false);
  });

  test("says that it failed also when a command of the host fails", async () => {
    using host = new FakeHost();
    host.program("getent", "#!/bin/bash\nexit 2\n");
    host.program("useradd", "#!/bin/bash\necho 'cannot lock /etc/passwd' >&2\nexit 1\n");
    const { code, output } = await host.run();
    expect(code).not.toBe(0);
    expect(output).toMatch(/cannot lock[\s\S]*ctlstore: FAILED/);
  });

  test("waits for the instance's role, which may come after the boot", async () => {
    using host = new FakeHost();
    host.program(
      "aws",
      `#!/bin/bash\necho x >>"$FAKE/tries"; [ "$(wc -l <"$FAKE/tries")" -ge 3 ] && echo 'sqlite:/n"1'\n`,
    );
    expect(await host.run({ ctldb: "ssm:/ctldb" })).toMatchObject({ code: 0 });
    const settings = readFileSync(host.folder.file("etc/reflector.env"), "utf8");
    expect(settings).toContain('CTLSTORE_CTLDB="sqlite:/n\\"1"\n');
  });
});
