/** Go for the deep tests, which run the example for it, unpacked under .cache/ without root (scripts/golang/unpack.sh). */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram, ROOT, run, say } from "./run.mjs";

const GO_ROOT = join(ROOT, ".cache", "golang");
/** Other systems with apt could not trust Debian's packages. */
const DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

export function setUpGolang() {
  if (existsSync(join(GO_ROOT, "complete")) || findProgram("go") !== null) return;
  if (process.arch !== "x64" || findProgram("apt-get") === null || !existsSync(DEBIAN_KEYS)) {
    say("leaving out the example for Go: the compiler comes from Debian's packages for amd64");
    return;
  }
  say("fetching and unpacking Go (about 90 MB)");
  run("bash", [join(ROOT, "scripts", "golang", "unpack.sh"), GO_ROOT]);
}
