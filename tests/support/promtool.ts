/** promtool, Prometheus' own judge of rules, their tests and metrics; from Debian's packages, or the machine's. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ProcessExit, runProcess } from "./process.ts";

const ROOT = join(import.meta.dir, "..", "..", ".cache", "prometheus");
const LIBRARIES = join(ROOT, "lib");

/** Null where there is none; `node scripts/setup.mjs test` unpacks it. */
const COMMAND: readonly string[] | null = existsSync(join(ROOT, "complete"))
  ? [join(LIBRARIES, "ld-linux-x86-64.so.2"), "--library-path", LIBRARIES, join(ROOT, "bin", "promtool")]
  : Bun.which("promtool") === null
    ? null
    : ["promtool"];

export const hasPromtool = COMMAND !== null;

/** Runs it to its end. @param input its standard input */
export function promtool(
  args: readonly string[],
  input?: string,
): Promise<ProcessExit & { readonly stdout: string; readonly stderr: string }> {
  if (COMMAND === null) throw new Error("promtool is not there: run `node scripts/setup.mjs test`");
  return runProcess([...COMMAND, ...args], input === undefined ? {} : { input });
}
