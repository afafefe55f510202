/** Running outside programs from the set-up scripts: plain Node, since nothing else is installed yet. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Ends the set-up with a message for a person, without a stack. */
export class SetupError extends Error {}

export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/**
 * Runs a program to its end with its output shown on stderr.
 * @throws SetupError naming the command when it fails
 */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ["ignore", 2, 2], ...options });
  if (result.error !== undefined) throw new SetupError(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) {
    throw new SetupError(`${command} ${args.join(" ")} failed (${result.signal ?? `exit ${result.status}`})`);
  }
}

/** Standard output of a program, or null when it cannot run or fails. */
export function outputOf(command, args) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return result.status === 0 ? result.stdout.trim() : null;
}

/** Path of a program, looked for also where servers are and ordinary users do not look; null when there is none. */
export function findProgram(name) {
  const folders = [
    ...(process.env.PATH ?? "").split(":"),
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/bin",
    "/sbin",
  ];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return null;
}
