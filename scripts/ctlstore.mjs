#!/usr/bin/env node
/**
 * Starts the command line on Bun, for `npm start`, `npx ctlstore` and whoever has only Node on the path.
 *
 * Signals go on to the child, and its end becomes ours: exit code, or the same signal.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const ownBun = join(root, "node_modules", ".bin", "bun");
const bun = process.env.CTLSTORE_BUN ?? (existsSync(ownBun) ? ownBun : "bun");

const child = spawn(bun, [join(root, "cli", "main.ts"), ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));

child.once("error", (error) => {
  const hint = error.code === "ENOENT" ? "; run `node scripts/setup.mjs start` first" : "";
  process.stderr.write(`ctlstore: cannot start Bun (${bun}): ${error.message}${hint}\n`);
  process.exit(1);
});
child.once("exit", (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
