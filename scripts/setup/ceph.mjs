/** Ceph's object gateway, the S3 server of the tests, unpacked under .cache/ without root (scripts/ceph/unpack.sh). */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram, ROOT, run, say } from "./run.mjs";

const CEPH_ROOT = join(ROOT, ".cache", "ceph");
/** Other systems with apt lack it, and could not trust Debian's packages. */
const DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

export function setUpCeph() {
  if (existsSync(join(CEPH_ROOT, "complete"))) return;
  if (process.arch !== "x64" || findProgram("apt-get") === null || !existsSync(DEBIAN_KEYS)) {
    say("leaving out the tests on S3: their server comes from Debian's packages for amd64");
    return;
  }
  say("fetching and unpacking Ceph, the tests' S3 server (about 150 MB, 200 MB unpacked)");
  run("bash", [join(ROOT, "scripts", "ceph", "unpack.sh"), CEPH_ROOT]);
}
