/**
 * MariaDB's server binaries, for the tests. They start private instances of their own (tests/support/mariadb.ts).
 *
 * The -core packages have the binaries and nothing else: no system service, no system user, no configuration.
 */
import { findProgram, outputOf, run, SetupError, say } from "./run.mjs";

const PROGRAMS = ["mariadbd", "mariadb-install-db", "my_print_defaults"];
const PACKAGES = ["mariadb-server-core", "mariadb-client-core"];

export function setUpMariadb() {
  const missing = PROGRAMS.filter((name) => findProgram(name) === null);
  if (missing.length === 0) return;
  const manual = `install MariaDB 10.11 or later yourself (Debian: apt-get install ${PACKAGES.join(" ")})`;
  if (findProgram("apt-get") === null) {
    throw new SetupError(`the tests need ${missing.join(", ")}, and there is no apt-get here: ${manual}`);
  }
  const prefix = administratorPrefix();
  if (prefix === null) {
    throw new SetupError(
      `the tests need ${missing.join(", ")}, and only root may install packages: ${manual}`,
    );
  }
  say(`installing ${PACKAGES.join(" and ")} for the tests`);
  aptGet(prefix, ["update"]);
  aptGet(prefix, ["install", "-y", "--no-install-recommends", ...PACKAGES]);
}

/** What to put before a command to run it as root; null when we may not. */
function administratorPrefix() {
  if (process.getuid?.() === 0) return [];
  return findProgram("sudo") !== null && outputOf("sudo", ["-n", "true"]) !== null ? ["sudo", "-n"] : null;
}

function aptGet(prefix, args) {
  // `env` carries the setting through sudo. The lock timeout waits for a machine that is still updating itself.
  const command = [
    ...prefix,
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    "-q",
    "-o",
    "DPkg::Lock::Timeout=120",
  ];
  run(command[0], [...command.slice(1), ...args]);
}
