/** What runs the binaries for arm64 on another machine, for the deep tests: QEMU, and glibc for arm64 under .cache/. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { installMissing } from "./debian-packages.mjs";
import { findProgram, ROOT, run, say } from "./run.mjs";

const ARM64_ROOT = join(ROOT, ".cache", "arm64");

export function setUpArm64() {
  if (existsSync(join(ARM64_ROOT, "complete"))) return;
  if (process.arch !== "x64" || findProgram("apt-get") === null) {
    say(
      "leaving out the tests of the binaries for arm64: what runs them comes from Debian's packages for amd64",
    );
    return;
  }
  installMissing({
    programs: ["qemu-aarch64-static"],
    packages: ["qemu-user-static"],
    purpose: "tests of the binaries for arm64",
  });
  const script = join(ROOT, "scripts", "debian", "unpack.sh");
  const env = { ...process.env, CTLSTORE_DEBIAN_ARCHITECTURE: "arm64" };
  run("bash", [script, "bookworm", ARM64_ROOT, "libc6"], { env });
}
