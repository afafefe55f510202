/**
 * The root file system of an empty host, for the deep tests: a minimal Debian that boots with systemd
 * (tests/support/host.ts). Unpacked by debootstrap under .cache/; about 40 seconds, 260 MB.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installMissing } from "./debian-packages.mjs";
import { findProgram, outputOf, ROOT, run, SetupError, say } from "./run.mjs";

const FOLDER = join(ROOT, ".cache", "host");
const SUITE = "bookworm";
/** What Amazon's and Debian's images for EC2 have and user-data needs. */
const PACKAGES = ["systemd", "systemd-sysv", "dbus", "ca-certificates", "curl", "util-linux", "procps"];

export function setUpHostRoot() {
  if (existsSync(join(FOLDER, "complete"))) return;
  if (process.arch !== "x64" || findProgram("apt-get") === null || process.getuid?.() !== 0) {
    say("leaving out the tests on a host of its own: they take root on Debian for amd64");
    return;
  }
  installMissing({
    programs: ["debootstrap", "systemd-nspawn", "systemd-analyze", "shellcheck"],
    packages: ["debootstrap", "systemd-container", "systemd", "shellcheck"],
    purpose: "tests of the units and of EC2's user-data",
  });
  say("unpacking a host with systemd (260 MB)");
  // Complete or not there at all: a set-up that is interrupted starts anew.
  rmSync(FOLDER, { recursive: true, force: true });
  const work = `${FOLDER}.work`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const include = `--include=${PACKAGES.join(",")}`;
  run("debootstrap", ["--variant=minbase", include, SUITE, join(work, "root"), mirror()]);
  rmSync(join(work, "root", "var", "cache", "apt"), { recursive: true, force: true });
  writeFileSync(join(work, "complete"), "");
  renameSync(work, FOLDER);
}

/** The mirror that this machine uses already, or CTLSTORE_DEBIAN_MIRROR. */
function mirror() {
  const given = process.env.CTLSTORE_DEBIAN_MIRROR;
  if (given !== undefined && given !== "") return given;
  const sources = (...filters) =>
    (outputOf("apt-get", ["indextargets", "--format", "$(REPO_URI)", ...filters]) ?? "").split("\n");
  // Others may be among its sources, which say whose they are once apt has read them.
  const known = [...sources("Origin: Debian"), ...sources()];
  const first = known.find((url) => url !== "" && !url.includes("security"));
  if (first === undefined) {
    throw new SetupError("no Debian mirror is known here: set CTLSTORE_DEBIAN_MIRROR to one");
  }
  return first;
}
