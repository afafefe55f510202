/** What the tests of EC2's user-data do on a host: run it, ask systemd, and look at the LDB as others see it. */
import { readFileSync } from "node:fs";
import { compile } from "../../scripts/binaries/compile.ts";
import { binaryOf } from "../support/binaries.ts";
import type { Host, HostRun } from "../support/host.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { type Release, release } from "./release.ts";

export const UNIT = "ctlstore-reflector.service";
export const LDB = "/var/spool/ctlstore";

/** Runs the script as cloud-init does. */
export async function runUserData(host: Host, script: string) {
  await Bun.write(host.file("/root/user-data.sh"), script);
  const { code, stdout, stderr } = await host.run("bash", "/root/user-data.sh");
  return { code, output: stdout + stderr };
}

/** One of the unit's properties, as systemd has it now. */
export async function property(host: Host, name: string): Promise<string> {
  return (await host.must("systemctl", "show", "--property", name, "--value", UNIT)).trim();
}

/** The Reflector's binary, in a bucket. */
export async function releasedReflector(): Promise<Release> {
  const { path } = await binaryOf("ctlstore-reflector");
  return release(readFileSync(path));
}

/** The same program, of another commit. */
export async function releasedNextReflector(): Promise<Release> {
  const { artifact } = await binaryOf("ctlstore-reflector");
  using folder = tempFolder("next");
  const { path } = await compile(artifact, {
    folder: folder.path,
    commit: "f".repeat(40),
    progress: () => {},
  });
  return release(readFileSync(path));
}

/** The full program, for an operator on the host. */
export async function installOperatorsBinary(host: Host): Promise<void> {
  const { path } = await binaryOf("ctlstore");
  await Bun.write(host.file("/usr/local/bin/ctlstore"), Bun.file(path));
  await host.must("chmod", "755", "/usr/local/bin/ctlstore");
}

const AS_NOBODY = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"];

/** Reads the whole LDB as another user than the Reflector's, and compares it with the ctldb. */
export function verifyAsNobody(host: Host, ctldb: string): Promise<HostRun> {
  return host.run(...AS_NOBODY, "ctlstore", "ldb", "verify", "--ldb", LDB, "--ctldb", ctldb);
}

/** Waits until the unit is started, that is ready, and the LDB has the ledger's last entry. */
export async function caughtUp(host: Host, lastSequence: bigint): Promise<void> {
  const probe = async () => {
    if ((await property(host, "ActiveState")) !== "active") return false;
    const { stdout } = await host.run(...AS_NOBODY, "ctlstore", "read-seq", "--ldb", LDB);
    return stdout.trim() === String(lastSequence);
  };
  await until(probe, {
    what: `the Reflector to be ready at ${lastSequence}`,
    deadlineMs: 90_000,
    intervalMs: 50,
  });
}
