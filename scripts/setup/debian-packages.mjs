/** Programs that the tests need and that npm cannot bring: installed from Debian's packages when they are missing. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram, outputOf, ROOT, run, SetupError, say } from "./run.mjs";

/**
 * MariaDB's server binaries. The tests start private instances of their own (tests/support/mariadb.ts).
 *
 * The -core packages have the binaries and nothing else: no system service, no system user, no configuration.
 */
export function setUpMariadb() {
  installMissing({
    programs: ["mariadbd", "mariadb-install-db", "my_print_defaults"],
    packages: ["mariadb-server-core", "mariadb-client-core"],
    purpose: "tests of the MySQL adapter",
  });
}

/** Makes the certificates of the tests of TLS (tests/support/certificates.ts). */
export function setUpOpenssl() {
  installMissing({ programs: ["openssl"], packages: ["openssl"], purpose: "tests of TLS" });
}

/** What builds better-sqlite3 for Node 20; not needed once it is built. */
export function setUpCompiler() {
  if (existsSync(join(ROOT, ".cache", "runtimes", "node20", "ready.json"))) return;
  installMissing({
    programs: ["g++", "make", "python3"],
    packages: ["g++", "make", "python3"],
    purpose: "tests of the reader on Node 20, whose SQLite addon is built from source",
  });
}

/** Installs packages when a program of theirs is missing, or a file, of which several places are given. */
export function installMissing({ programs, files = [], packages, purpose }) {
  const missing = [
    ...programs.filter((name) => findProgram(name) === null),
    ...files.filter((places) => !places.some((path) => existsSync(path))).map(([path]) => path),
  ];
  if (missing.length === 0) return;
  const what = `${missing.join(", ")} for the ${purpose}`;
  const manual = `install them yourself (Debian: apt-get install ${packages.join(" ")})`;
  if (findProgram("apt-get") === null)
    throw new SetupError(`there is no apt-get here to get ${what}: ${manual}`);
  const prefix = administratorPrefix();
  if (prefix === null) throw new SetupError(`only root may install ${what}: ${manual}`);
  say(`installing ${packages.join(", ")} for the ${purpose}`);
  aptGet(prefix, ["update"]);
  aptGet(prefix, ["install", "-y", "--no-install-recommends", ...packages]);
}

/** What to put before a command to run it as root; null when we may not. */
function administratorPrefix() {
  if (process.getuid?.() === 0) return [];
  return findProgram("sudo") !== null && outputOf("sudo", ["-n", "true"]) !== null ? ["sudo", "-n"] : null;
}

function aptGet(prefix, args) {
  // `env` carries the setting through sudo. The lock timeout waits for a machine that is still updating itself.
  const apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"];
  const [program, ...rest] = [...prefix, ...apt, ...args];
  run(program, rest);
}
