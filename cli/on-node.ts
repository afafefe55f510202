/**
 * Runs the loader's commands on Node for the command line on Bun, where the Kafka client cannot run.
 *
 * From a source checkout the bundle for Node is built when it is missing or older than the sources. A compiled binary has
 * no sources; it says what to run in its place.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CtlstoreError, messageOf } from "../core/errors.ts";
import { BUILD } from "../core/version.ts";
import type { CommandContext } from "./command.ts";
import { ExitCode } from "./failure.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BUNDLE = join(ROOT, "dist", "npm", "loader", "main.js");
/** What the bundle is made of. */
const SOURCES = ["cli", "client", "core", "loader", "scripts/build-loader.ts", "package.json"];
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a command line of the loader (`loader …`) on Node, with our stdin, stdout, stderr and environment. Signals go on to it.
 * @throws ExitCode with its exit code, when that is not 0
 * @throws CtlstoreError `config_invalid` when there is no Node, or nothing to give to it
 */
export async function runOnNode(
  args: readonly string[],
  { environment }: Pick<CommandContext, "environment">,
): Promise<void> {
  if (BUILD !== null) {
    throw new CtlstoreError(
      "config_invalid",
      "Cannot run the loader here: it needs Node, and this is a binary",
      {
        hint: "npx ctlstore-loader, with the same options and Node 20.10 or newer.",
      },
    );
  }
  if (isOutdated()) build();
  const code = await runChild(environment["CTLSTORE_NODE"] ?? "node", [BUNDLE, ...args.slice(1)]);
  if (code !== 0) throw new ExitCode(code);
}

/** The child's exit code, or that of a shell for the signal that it died of. */
function runChild(program: string, args: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: "inherit" });
  const passOn = SIGNALS.map((signal) => {
    const listener = () => void child.kill(signal);
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return new Promise<number>((resolve, reject) => {
    child.once("error", (cause) =>
      reject(
        new CtlstoreError("config_invalid", `Cannot start Node (${program}): ${messageOf(cause)}`, {
          cause,
          hint: "The loader needs Node 20.10 or newer on the path, or in CTLSTORE_NODE.",
        }),
      ),
    );
    child.once("exit", (code, signal) =>
      resolve(code ?? 128 + (constants.signals[signal ?? "SIGKILL"] ?? 0)),
    );
  }).finally(() => {
    for (const stop of passOn) stop();
  });
}

function isOutdated(): boolean {
  if (!existsSync(BUNDLE)) return true;
  const builtMs = statSync(BUNDLE).mtimeMs;
  return SOURCES.some((source) => changedMs(join(ROOT, source)) >= builtMs);
}

/** When a file, or any in a folder, was changed last. */
function changedMs(path: string): number {
  const { mtimeMs } = statSync(path);
  // A folder itself is changed by any file that comes or goes.
  if (!statSync(path).isDirectory()) return mtimeMs;
  let newestMs = mtimeMs;
  for (const name of readdirSync(path)) newestMs = Math.max(newestMs, changedMs(join(path, name)));
  return newestMs;
}

function build(): void {
  const script = join(ROOT, "scripts", "build-loader.ts");
  const { status, stderr } = spawnSync(process.execPath, ["run", script, "--bundle-only"], {
    encoding: "utf8",
  });
  if (status !== 0) {
    throw new CtlstoreError("internal", `Cannot bundle the loader for Node: ${stderr.trim()}`);
  }
}
