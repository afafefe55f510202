/**
 * promtool, which checks the alert rules and what /metrics answers, under .cache/ without root (scripts/prometheus/unpack.sh):
 * 15 seconds, once. Without it its checks are left out, and all others run.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram, ROOT, run, SetupError, say } from "./run.mjs";

const PROMTOOL_ROOT = join(ROOT, ".cache", "prometheus");
const LEFT_OUT = "leaving out promtool's checks of alert rules and metrics";
/** Other systems with apt could not trust Debian's packages. */
const DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

export function setUpPromtool() {
  if (existsSync(join(PROMTOOL_ROOT, "complete")) || findProgram("promtool") !== null) return;
  if (process.arch !== "x64" || findProgram("apt-get") === null || !existsSync(DEBIAN_KEYS)) {
    say(`${LEFT_OUT}: it comes from Debian's packages for amd64`);
    return;
  }
  say("fetching and unpacking promtool (about 60 MB, 48 MB unpacked)");
  try {
    run("bash", [join(ROOT, "scripts", "prometheus", "unpack.sh"), PROMTOOL_ROOT]);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`${LEFT_OUT}: ${error.message}`);
  }
}
