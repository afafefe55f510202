/** Oracle MySQL 9.7 for the deep tests, unpacked under .cache/ without root (scripts/debian/unpack.sh). */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram, ROOT, run, SetupError, say } from "./run.mjs";

const MYSQL_ROOT = join(ROOT, ".cache", "mysql9");

export function setUpMysql9() {
  if (existsSync(join(MYSQL_ROOT, "complete"))) return;
  if (process.arch !== "x64" || findProgram("apt-get") === null) {
    throw new SetupError(
      "the deep tests get MySQL from Debian's packages for amd64: run them on such a machine",
    );
  }
  say("fetching and unpacking MySQL (about 65 MB)");
  run("bash", [
    join(ROOT, "scripts", "debian", "unpack.sh"),
    "sid",
    MYSQL_ROOT,
    "mysql-server-core",
    "mysql-client-core",
  ]);
}
