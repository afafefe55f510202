/** Redis, the peer of benchmark B5, unpacked under .cache/ without root (scripts/debian/unpack.sh): `node redis.mjs`. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram, ROOT, run, SetupError, say } from "./run.mjs";

const REDIS_ROOT = join(ROOT, ".cache", "redis");
const SUITE = "bookworm";

/** Only `npm run bench` asks for it. */
function setUpRedis() {
  if (existsSync(join(REDIS_ROOT, "complete"))) return;
  if (process.arch !== "x64" || findProgram("apt-get") === null)
    throw new SetupError("Redis comes from Debian's packages for amd64: run this on such a machine");
  say("fetching and unpacking Redis (about 20 MB)");
  run("bash", [join(ROOT, "scripts", "debian", "unpack.sh"), SUITE, REDIS_ROOT, "redis-server"]);
}

try {
  setUpRedis();
} catch (error) {
  process.stderr.write(`setup: ${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}
